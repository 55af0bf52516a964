/*
 * `cemm read`: one sweep. The table is for people; all other formats come from
 * the library.
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

/* The table while it is filled. If the terminal is too narrow for all columns, the table is
 * `tight`: the source goes below the device, and times are shortened. */
struct sheet {
    struct table *table;
    const struct collection *collection;
    const char *device; /* the last device shown: its name is not repeated */
    const char *source; /* shown below this device; NULL: none yet */
};

/* Writes an age, rounded down, in the largest suitable unit. */
static void format_age(int64_t milliseconds, char *ret_text, size_t size)
{
    /* The seconds of each unit, and the age in seconds from which the unit is used. */
    static const int64_t units[] = {1, 60, 60 * 60, 24 * 60 * 60};
    static const int64_t from[] = {0, 60, 60 * 60, 48 * 60 * 60};
    static const char *const names[] = {"s", "min", "h", "d"};
    const char *before = milliseconds <= -1000 ? "in " : ""; /* the meter's clock is fast */
    int64_t seconds = (milliseconds < 0 ? -milliseconds : milliseconds) / 1000;
    size_t i = 3;
    while (seconds < from[i])
        i--;
    snprintf(ret_text, size, "%s%" PRId64 " %s", before, seconds / units[i], names[i]);
}

/* Writes a time; in a tight table, only the clock time if the day is today, else only the date. */
static void format_time(const struct sheet *sheet, int64_t time, char ret_text[CEMM_TIME_SIZE])
{
    static const size_t date = sizeof("2024-03-31") - 1;
    const struct cemm_zone *zone = cemm_zone(sheet->collection->session.cemm);
    char now[CEMM_TIME_SIZE];
    cemm_time_format(zone, time, ret_text);
    table_plain_time(ret_text);
    if (!sheet->table->tight)
        return;
    cemm_time_format(zone, sheet->collection->now, now);
    if (strncmp(ret_text, now, date) == 0)
        memmove(ret_text, ret_text + date + 1, strlen(ret_text + date));
    else
        ret_text[date] = '\0';
}

/* The first cell of a row: the device if it is new; below it in a tight table, each new source. */
static const char *device_cell(struct sheet *sheet, const struct finding *finding)
{
    const char *source = cemm_document_source(finding->document);
    if (!sheet->device || strcmp(sheet->device, finding->uid.text) != 0) {
        sheet->device = finding->uid.text;
        sheet->source = NULL;
        return finding->uid.text;
    }
    if (!sheet->table->tight || (sheet->source && strcmp(sheet->source, source) == 0))
        return "";
    sheet->source = source;
    return source;
}

/* The time of a sample from the document's member `totals` is not when the meter measured it. So
 * its row shows the age of the document's newest other sample. */
static void add_series(struct sheet *sheet, const struct finding *finding,
                       const struct cemm_series *series, bool first)
{
    const struct cemm_sample *sample = series->count > 0 ? series->samples : NULL;
    char time[CEMM_TIME_SIZE] = "no sample";
    char age[CEMM_TIME_SIZE] = "";
    char *value = sample ? strndup(sample->text, sample->text_length) : NULL;
    const char *cells[COLUMNS] = {
        [DEVICE] = device_cell(sheet, finding),
        [METER] = first ? finding->alias : "",
        [CHANNEL] = series->channel,
        [VALUE] = value,
        [UNIT] = sample ? series->unit : "",
        [TIME] = time,
        [AGE] = age,
        [SOURCE] = cemm_document_source(finding->document),
    };
    if (value)
        table_round(value);
    else if (sample)
        sheet->table->error = -ENOMEM;
    if (sample) {
        int64_t measured = series->total ? cemm_document_newest(finding->document) : sample->time;
        format_time(sheet, sample->time, time);
        if (measured > 0)
            format_age(sheet->collection->now - measured, age, sizeof(age));
    }
    table_row(sheet->table, cells);
    free(value);
}

static void fill(struct table *table, const struct collection *collection)
{
    struct sheet sheet = {.table = table, .collection = collection};
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        size_t count = 0;
        if (finding->kind != FINDING_ANSWER) {
            collection_note(table, finding, &sheet.device);
            continue;
        }
        const struct cemm_series *series = cemm_document_series(finding->document, &count);
        for (size_t j = 0; j < count; j++)
            add_series(&sheet, finding, &series[j], j == 0);
    }
}

static int write_table(const void *data, FILE *stream)
{
    const struct collection *collection = data;
    struct table table;
    size_t limit = collection->options->output ? 0 : output_width();
    table_begin(&table, columns, COLUMNS);
    fill(&table, collection);
    if (limit > 0 && table_width(&table) > limit) {
        (void)table_print(&table, NULL);      /* frees the table */
        table_begin(&table, columns, SOURCE); /* without the last column, SOURCE */
        table.tight = true;
        fill(&table, collection);
    }
    return table_print(&table, stream);
}

/* ---- for programs ------------------------------------------------------- */

static int write_rows(const void *data, FILE *stream)
{
    const struct collection *collection = data;
    const struct exec_options *options = collection->options;
    struct render render;
    render_init(&render, options->format, cemm_zone(collection->session.cemm),
                render_interval(options, READ_INTERVAL));
    render.options.unsampled = true;
    int r = render_rows(&render, NULL, 0, stream);
    for (size_t i = 0; i < collection->count && r == 0; i++) {
        const struct cemm_document *document = collection->findings[i].document;
        if (document)
            r = render_rows(&render, &document, 1, stream);
    }
    render_end(&render, stream);
    return r;
}

/* Counters must not fall below their values in the file that will be replaced. */
static int write_prometheus(const void *data, FILE *stream)
{
    const struct collection *collection = data;
    struct cemm_result *results = calloc(collection->count + 1, sizeof(*results));
    char *before = NULL;
    char *text = NULL;
    size_t count = 0;
    size_t length = 0;
    for (size_t i = 0; results && i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind != FINDING_NOTE)
            results[count++] = (struct cemm_result){
                .uid = finding->uid.text,
                .alias = finding->alias,
                .source = render_source(collection->session.cemm, finding->message),
                .type = render_type(collection->session.cemm, &finding->uid, finding->alias),
                .document = finding->document,
            };
    }
    int r = results ? output_before(collection->options->output, &before) : -ENOMEM;
    if (r == 0)
        r = cemm_render_prometheus(results, count, before, &text, &length);
    if (r == 0)
        fwrite(text, 1, length, stream);
    free(text);
    free(before);
    free(results);
    return r;
}

enum exec_exit exec_read(const struct exec_options *options)
{
    command_write_fn *write = write_rows;
    if (options->format == EXEC_FORMAT_TABLE)
        write = write_table;
    else if (options->format == EXEC_FORMAT_PROMETHEUS)
        write = write_prometheus;
    return collection_command(options, write);
}
