/*
 * `cemm read`: one sweep, printed. Its table is for eyes, every other format
 * for programs: those come from the library, the same bytes that every
 * frontend gives.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/command.h"
#include "plugin/exec/output.h"
#include "plugin/exec/render.h"

enum { DEVICE, METER, CHANNEL, VALUE, UNIT, TIME, AGE, SOURCE, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [DEVICE] = {"DEVICE"}, [METER] = {"METER"}, [CHANNEL] = {"CHANNEL"}, [VALUE] = {"VALUE", true},
    [UNIT] = {"UNIT"},     [TIME] = {"TIME"},   [AGE] = {"AGE", true},   [SOURCE] = {"SOURCE"},
};

/*
 * Where the terminal is too narrow for all columns, the source goes below the
 * device's name, which leaves room there, and a time is cut to what counts.
 */
struct sheet {
    struct table table;
    const struct collection *collection;
    const struct cemm_zone *zone;
    bool narrow;
    const char *device; /* the last ones shown: each name stands on its first row only */
    const char *meter;
    const char *source; /* of this device, where it is narrow */
};

/* Rounded down, in the largest unit that leaves a number worth reading. */
static void format_age(int64_t milliseconds, char *ret_text, size_t size)
{
    static const struct {
        int64_t below; /* seconds */
        int64_t unit;
        const char *name;
    } steps[] = {
        {60, 1, "s"},
        {60 * 60, 60, "min"},
        {48 * 60 * 60, 60 * 60, "h"},
        {INT64_MAX, 24 * 60 * 60, "d"},
    };
    const char *before = milliseconds <= -1000 ? "in " : ""; /* the meter's clock runs fast */
    int64_t seconds = (milliseconds < 0 ? -milliseconds : milliseconds) / 1000;
    size_t i = 0;
    while (seconds >= steps[i].below)
        i++;
    int length = snprintf(ret_text, size, "%s%" PRId64 " %s", before, seconds / steps[i].unit,
                          steps[i].name);
    if (length < 0 || (size_t)length >= size)
        ret_text[0] = '\0';
}

/* Local time as people write it: no T, and the offset is that of the place anyway. */
static void format_time(const struct cemm_zone *zone, int64_t time, char ret_text[CEMM_TIME_SIZE])
{
    static const size_t seconds_end = sizeof("2024-03-31T03:00:00") - 1;
    cemm_time_format(zone, time, ret_text);
    if (strlen(ret_text) > seconds_end && ret_text[10] == 'T') {
        ret_text[10] = ' ';
        ret_text[seconds_end] = '\0';
    }
}

/* The same in few columns: the clock of today, or the date. */
static void format_short(const struct sheet *sheet, int64_t time, char ret_text[CEMM_TIME_SIZE])
{
    static const size_t date = sizeof("2024-03-31") - 1;
    char now[CEMM_TIME_SIZE];
    format_time(sheet->zone, sheet->collection->now, now);
    format_time(sheet->zone, time, ret_text);
    if (strncmp(ret_text, now, date) == 0)
        memmove(ret_text, ret_text + date + 1, strlen(ret_text + date + 1) + 1);
    else
        ret_text[date] = '\0';
}

/* `measured`: when the meter itself was read, which a sample out of `totals` does not tell. 0:
 * never, so that there is no age. */
static void add_sample(struct sheet *sheet, const char *const *names,
                       const struct cemm_sample *sample, int64_t measured)
{
    const char *cells[COLUMNS];
    char time[CEMM_TIME_SIZE];
    char age[CEMM_TIME_SIZE];
    char *value = strndup(sample->text, sample->text_length);
    if (sheet->narrow)
        format_short(sheet, sample->time, time);
    else
        format_time(sheet->zone, sample->time, time);
    age[0] = '\0';
    if (measured > 0)
        format_age(sheet->collection->now - measured, age, sizeof(age));
    memcpy(cells, names, sizeof(cells));
    cells[VALUE] = value;
    cells[TIME] = time;
    cells[AGE] = age;
    if (!value)
        sheet->table.error = -ENOMEM;
    table_row(&sheet->table, cells);
    free(value);
}

/* The names' cells, empty where the row above says the same. */
static void name_cells(struct sheet *sheet, const struct finding *finding, const char **cells)
{
    bool same_device = sheet->device != NULL && strcmp(sheet->device, finding->uid) == 0;
    bool same_meter = same_device && sheet->meter && strcmp(sheet->meter, finding->alias) == 0;
    cells[DEVICE] = same_device ? "" : finding->uid;
    cells[METER] = same_meter ? "" : finding->alias;
    sheet->device = finding->uid;
    sheet->meter = finding->alias;
    if (!same_device)
        sheet->source = NULL;
    if (!sheet->narrow || !same_device ||
        (sheet->source && strcmp(sheet->source, cells[SOURCE]) == 0))
        return;
    cells[DEVICE] = cells[SOURCE];
    sheet->source = cells[SOURCE];
}

static void add_series(struct sheet *sheet, const struct finding *finding,
                       const struct cemm_series *series)
{
    const char *cells[COLUMNS] = {
        [CHANNEL] = series->channel,
        [UNIT] = series->unit,
        [SOURCE] = cemm_document_source(finding->document),
    };
    if (series->count == 0) {
        name_cells(sheet, finding, cells);
        cells[UNIT] = "";
        cells[TIME] = "no sample";
        table_row(&sheet->table, cells);
    }
    for (size_t i = 0; i < series->count; i++) {
        name_cells(sheet, finding, cells);
        add_sample(sheet, cells, &series->samples[i],
                   series->total ? cemm_document_newest(finding->document)
                                 : series->samples[i].time);
    }
}

static void add_reading(struct sheet *sheet, const struct finding *finding)
{
    size_t count = 0;
    const struct cemm_series *series = cemm_document_series(finding->document, &count);
    for (size_t i = 0; i < count; i++)
        add_series(sheet, finding, &series[i]);
}

static void fill(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->collection->count; i++) {
        const struct finding *finding = &sheet->collection->findings[i];
        if (finding->kind == FINDING_READING) {
            add_reading(sheet, finding);
            continue;
        }
        command_table_note(&sheet->table, finding, &sheet->device);
        sheet->source = NULL;
    }
}

static int read_table(const void *data, FILE *stream)
{
    const struct collection *collection = data;
    struct sheet sheet = {
        .table = table_new(columns, COLUMNS),
        .collection = collection,
        .zone = cemm_zone(collection->cemm),
    };
    size_t limit = collection->options->output ? 0 : output_width();
    fill(&sheet);
    if (limit > 0 && table_width(&sheet.table) > limit) {
        table_clear(&sheet.table);
        sheet.table = table_new(columns, SOURCE);
        sheet.table.gap = 1;
        sheet.narrow = true;
        sheet.device = sheet.meter = sheet.source = NULL;
        fill(&sheet);
    }
    int r = table_print(&sheet.table, stream);
    table_clear(&sheet.table);
    return r;
}

enum exec_exit exec_read(const struct exec_options *options)
{
    bool table = options_format(options) == EXEC_FORMAT_TABLE;
    return command_run(options, table ? read_table : render, table);
}
