/*
 * `cemm energy`: computes energy from the minutes and readings of meters. For
 * each meter and day, history-run.c fetches the readings, the minutes and, only
 * if the readings do not suffice, the rows of the month.
 *
 * If a document of a day can't be fetched, the intervals that overlap the day
 * are left out: the document would have changed their values.
 */
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/exec/history-run.h"
#include "plugin/exec/render.h"

/* The documents of a meter and a day, in this order. DAY has the minutes. */
enum { READINGS, DAY, MONTH, DOCUMENTS };

/* Number of days before the range; only their readings are requested. */
#define LEAD_IN 1

struct meter {
    struct energy *energy;
    struct history_meter *history; /* the same meter in history-run.c */
    struct cemm_document *before;  /* readings at the day's beginning */
    struct cemm_document *after;   /* readings at its end */
    struct cemm_document *minutes;
    bool failed;          /* a document of the day failed */
    bool readings_failed; /* the day's readings failed; the next day needs them, too */
    bool ever_failed;     /* a document of some day failed */
    bool begun;           /* an interval with data was found */
    bool by_hour;         /* --by quarter was given, but there are only hours */
    enum cemm_quantity quantity;
    struct cemm_interval interval;
    size_t refused; /* number of days whose scaling factor was refused */
    struct cemm_period refused_first;
};

struct row {
    const struct history_meter *meter;
    enum cemm_quantity quantity;
    struct cemm_interval interval;
};

struct energy {
    struct exec_options options;
    struct history history;
    int64_t now; /* seconds since 1970 */
    struct meter *meters;
    struct row *rows; /* rows that have not been printed yet */
    size_t row_count;
    int error; /* why a row could not be added */
};

static bool for_home_assistant(const struct energy *energy)
{
    return energy->options.format == EXEC_FORMAT_HOME_ASSISTANT;
}

static const struct cemm_zone *zone_of(const struct energy *energy)
{
    return cemm_zone(energy->history.cemm);
}

/* ---- rows ----------------------------------------------------------------------- */

enum column {
    UID,
    ALIAS,
    START,
    IMPORT,
    EXPORT,
    FORWARD,
    REVERSE,
    GAS,
    VOLUME,
    MINUTES,
    BASIS,
    UNALLOCATED,
    COLUMNS,
};

static const char *const names[COLUMNS] = {
    "uid",     "alias", "start",  "import",  "export", "forward",
    "reverse", "gas",   "volume", "minutes", "basis",  "unallocated",
};

static const char *const basis_names[] = {
    [CEMM_BASIS_NONE] = "",   [CEMM_BASIS_HOURS] = "hours",     [CEMM_BASIS_READINGS] = "readings",
    [CEMM_BASIS_NET] = "net", [CEMM_BASIS_MINUTES] = "minutes",
};

/* The column of a quantity's forward amount; the next column has its reverse amount, if any. */
static const enum column first_column[] = {
    [CEMM_QUANTITY_NONE] = FORWARD,   [CEMM_QUANTITY_GRID] = IMPORT,
    [CEMM_QUANTITY_ENERGY] = FORWARD, [CEMM_QUANTITY_GAS] = GAS,
    [CEMM_QUANTITY_VOLUME] = VOLUME,
};

static bool has_reverse(enum cemm_quantity quantity)
{
    return first_column[quantity] < GAS;
}

/* A row as texts; a text that does not apply is "". */
struct cells {
    char texts[COLUMNS][CEMM_NAME_SIZE];
};

/* Writes Wh as kWh, or L as m3. 0 never has a minus sign. */
static void put_thousandths(char ret_text[CEMM_NAME_SIZE], double value)
{
    snprintf(ret_text, CEMM_NAME_SIZE, "%.3f", value / 1000 + 0.0);
}

static void make_cells(const struct energy *energy, const struct row *row, struct cells *ret_cells)
{
    const struct cemm_interval *interval = &row->interval;
    enum column first = first_column[row->quantity];
    char(*texts)[CEMM_NAME_SIZE] = ret_cells->texts;
    *ret_cells = (struct cells){0};
    copy_text(texts[UID], CEMM_UID_SIZE, row->meter->uid.text);
    copy_text(texts[ALIAS], CEMM_NAME_SIZE, row->meter->alias);
    cemm_time_format(zone_of(energy), interval->start * 1000, texts[START]);
    if (interval->amount.count > 0)
        put_thousandths(texts[first], interval->amount.sides[CEMM_FORWARD]);
    if (interval->amount.count > 0 && has_reverse(row->quantity))
        put_thousandths(texts[first + 1], interval->amount.sides[CEMM_REVERSE]);
    if (interval->basis != CEMM_BASIS_HOURS)
        snprintf(texts[MINUTES], CEMM_NAME_SIZE, "%u", interval->amount.count);
    copy_text(texts[BASIS], CEMM_NAME_SIZE, basis_names[interval->basis]);
    if (interval->total_known)
        put_thousandths(texts[UNALLOCATED], interval->unallocated);
}

/* ---- the formats -------------------------------------------------------------- */

static void print_csv(const struct cells *cells, FILE *stream)
{
    for (size_t i = 0; i < COLUMNS; i++)
        fprintf(stream, "%s%s", i > 0 ? "," : "", cells->texts[i]);
    putc('\n', stream);
}

/* An empty text becomes null. */
static int print_json(const struct cells *cells, bool begun, FILE *stream)
{
    bool failed = false;
    struct json_object *row = json_object_new_object();
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *text = cells->texts[i];
        if (*text == '\0' || i <= START || i == BASIS)
            cemm_json_add_text(&failed, row, names[i], *text != '\0' ? text : NULL);
        else
            cemm_json_add(&failed, row, names[i],
                          json_object_new_double_s(strtod(text, NULL), text));
    }
    const char *text = failed ? NULL : json_object_to_json_string_ext(row, JSON_C_TO_STRING_SPACED);
    if (text)
        fprintf(stream, "%s%s", begun ? ",\n" : "[\n", text);
    json_object_put(row);
    return text ? 0 : -ENOMEM;
}

static void print_influx(const struct energy *energy, const struct row *row,
                         const struct cells *cells, FILE *stream)
{
    const char *separator = " ";
    if (row->interval.amount.count == 0 && !row->interval.total_known)
        return;
    fprintf(stream, "cemm_energy,uid=%s,alias=%s,by=%s", row->meter->uid.text, row->meter->alias,
            by_names[energy->options.by]);
    for (size_t i = IMPORT; i < COLUMNS; i++) {
        const char *quote = i == BASIS ? "\"" : "";
        if (cells->texts[i][0] == '\0')
            continue;
        fprintf(stream, "%s%s=%s%s%s", separator, names[i], quote, cells->texts[i], quote);
        separator = ",";
    }
    fprintf(stream, " %lld000000000\n", (long long)row->interval.start);
}

/* Prints an id such as "cemm:00_1e_c0_85_96_cc_p1_import", without consecutive underscores. */
static void put_statistic_id(const struct row *row, enum column column, FILE *stream)
{
    const char *parts[] = {row->meter->uid.text, row->meter->alias, names[column]};
    char previous = '_';
    fputs("cemm:", stream);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (i > 0 && previous != '_')
            putc(previous = '_', stream);
        for (const char *c = parts[i]; *c != '\0'; c++) {
            char current = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
            if (current != '_' || previous != '_')
                putc(current, stream);
            previous = current;
        }
    }
}

/* Prints a row for each amount, with its time in UTC. */
static void print_home_assistant(const struct row *row, const struct cells *cells, FILE *stream)
{
    time_t start = (time_t)row->interval.start;
    char time[CEMM_TIME_SIZE] = "";
    struct tm tm;
    if (gmtime_r(&start, &tm))
        (void)strftime(time, sizeof(time), "%d.%m.%Y %H:%M", &tm);
    for (enum column column = IMPORT; column <= VOLUME; column++) {
        if (cells->texts[column][0] == '\0')
            continue;
        put_statistic_id(row, column, stream);
        fprintf(stream, ",%s,%s,%s\n", time, column < GAS ? "kWh" : "m³", cells->texts[column]);
    }
}

/* ---- the table ---------------------------------------------------------------- */

static const struct table_column table_columns[] = {
    {.title = "TIME", .width = LONGEST("2024-03-31 03:00:00")},
    {.title = "DEVICE", .width = LONGEST("00-1E-C0-85-96-CC")},
    {.title = "METER", .width = LONGEST("emucs-gas")},
    {.title = "IN", .right = true, .width = LONGEST("1234.567")},
    {.title = "OUT", .right = true, .width = LONGEST("1234.567")},
    {.title = "UNIT"},
    {.title = "MINUTES", .right = true},
    {.title = "BASIS", .width = LONGEST("readings")},
    {.title = "UNALLOCATED", .right = true},
};

static void add_row(struct table *table, const struct row *row, struct cells *cells)
{
    char(*texts)[CEMM_NAME_SIZE] = cells->texts;
    enum column first = first_column[row->quantity];
    table_plain_time(texts[START]);
    const char *const shown[] = {
        texts[START],
        texts[UID],
        texts[ALIAS],
        texts[first],
        has_reverse(row->quantity) ? texts[first + 1] : "",
        has_reverse(row->quantity) ? "kWh" : "m3",
        texts[MINUTES],
        texts[BASIS],
        texts[UNALLOCATED],
    };
    table_row(table, shown);
}

static int print_row(const struct energy *energy, const struct row *row, struct table *table,
                     FILE *stream)
{
    struct cells cells;
    make_cells(energy, row, &cells);
    switch (energy->options.format) {
    case EXEC_FORMAT_TABLE:
        add_row(table, row, &cells);
        break;
    case EXEC_FORMAT_JSON:
        return print_json(&cells, energy->history.printed, stream);
    case EXEC_FORMAT_INFLUX:
        print_influx(energy, row, &cells, stream);
        break;
    case EXEC_FORMAT_HOME_ASSISTANT:
        print_home_assistant(row, &cells, stream);
        break;
    default:
        print_csv(&cells, stream);
    }
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    if (a->interval.start != b->interval.start)
        return a->interval.start < b->interval.start ? -1 : 1;
    return a->meter < b->meter ? -1 : a->meter > b->meter; /* the meters are sorted */
}

/* Prints the rows, oldest first, and forgets them. */
static int print_rows(struct energy *energy)
{
    struct output *output = &energy->history.output;
    struct table table;
    bool is_table = energy->options.format == EXEC_FORMAT_TABLE;
    int r = energy->error;
    if (r < 0 || energy->row_count == 0)
        return r;
    if (is_table)
        table_begin(&table, table_columns, sizeof(table_columns) / sizeof(table_columns[0]));
    table.untitled = energy->history.printed;
    qsort(energy->rows, energy->row_count, sizeof(*energy->rows), compare);
    for (size_t i = 0; r == 0 && i < energy->row_count; i++) {
        r = print_row(energy, &energy->rows[i], &table, output->stream);
        energy->history.printed = true;
    }
    energy->row_count = 0;
    if (is_table)
        r = table_print(&table, output->stream);
    return r == 0 ? output_flush(output) : r;
}

/* ---- requests ----------------------------------------------------------------- */

static bool ask(void *data, const struct history_slot *slot, struct cemm_query *query)
{
    const struct energy *energy = data;
    const struct meter *meter = &energy->meters[slot->meter_index];
    const struct cemm_energy_input input = {meter->minutes, meter->before, meter->after, NULL};
    if (slot->part == READINGS) {
        query->endpoint = CEMM_TOTALS;
        return cemm_energy_has_readings(query->alias) &&
               cemm_period_end(zone_of(energy), &query->period) <= energy->now;
    }
    if (slot->period_index < LEAD_IN)
        return false;
    if (slot->part == DAY)
        return true;
    query->period = (struct cemm_period){CEMM_MONTH, slot->period.year, slot->period.month, 1};
    return !meter->failed &&
           cemm_energy_needs_month(zone_of(energy), &input, &slot->period, energy->now);
}

/* ---- intervals ---------------------------------------------------------------- */

/* Adds a row. A meter's rows begin with the first interval that has data. */
static void give(void *data, const struct cemm_interval *interval)
{
    struct meter *meter = data;
    struct energy *energy = meter->energy;
    meter->begun = meter->begun || interval->amount.count > 0;
    if (!meter->begun)
        return;
    struct row *more = reallocarray(energy->rows, energy->row_count + 1, sizeof(*more));
    if (!more) {
        energy->error = -ENOMEM;
        return;
    }
    energy->rows = more;
    more[energy->row_count++] = (struct row){meter->history, meter->quantity, *interval};
}

static void add_day(struct meter *meter, const struct cemm_period *period,
                    const struct cemm_document *month)
{
    const struct energy *energy = meter->energy;
    const struct cemm_energy_input input = {meter->minutes, meter->before, meter->after, month};
    struct cemm_energy_day day;
    cemm_energy_of(zone_of(energy), &input, period, energy->now, &day);
    if (day.count > 0)
        meter->quantity = day.quantity;
    if (day.basis == CEMM_BASIS_HOURS && energy->options.by == CEMM_BY_QUARTER) {
        meter->by_hour = true;
        return;
    }
    meter->history->has_data |= day.count > 0;
    if (day.refused && meter->refused++ == 0)
        meter->refused_first = *period;
    cemm_interval_add(&meter->interval, zone_of(energy), energy->options.by, &day, energy->now,
                      give, meter);
}

static void end_day(struct meter *meter, const struct history_slot *slot)
{
    /* Home Assistant gets closed days only, so that tomorrow's file has the same values. */
    bool open = for_home_assistant(meter->energy) &&
                (!meter->minutes || !cemm_document_closed(meter->minutes));
    if (meter->failed || open)
        meter->interval = (struct cemm_interval){0};
    else if (slot->period_index >= LEAD_IN)
        add_day(meter, &slot->period, slot->document);
    cemm_document_unref(meter->minutes);
    cemm_document_unref(meter->before);
    meter->before = meter->after;
    meter->minutes = meter->after = NULL;
    meter->failed = meter->readings_failed;
    meter->readings_failed = false;
}

static int begin(void *data)
{
    struct energy *energy = data;
    struct history *history = &energy->history;
    energy->meters = calloc(history->meter_count, sizeof(*energy->meters));
    if (!energy->meters)
        return -ENOMEM;
    for (size_t i = 0; i < history->meter_count; i++)
        energy->meters[i] = (struct meter){.energy = energy, .history = &history->meters[i]};
    for (size_t i = 0; i < COLUMNS && energy->options.format == EXEC_FORMAT_CSV; i++)
        fprintf(history->output.stream, "%s%s", names[i], i + 1 < COLUMNS ? "," : "\n");
    if (for_home_assistant(energy))
        fputs("statistic_id,start,unit,delta\n", history->output.stream);
    return 0;
}

static int take(void *data, const struct history_slot *slot)
{
    struct energy *energy = data;
    struct meter *meter = &energy->meters[slot->meter_index];
    bool failed = slot->result != 0 && slot->result != CEMM_ABSENT;
    meter->failed |= failed;
    meter->readings_failed |= failed && slot->part == READINGS;
    meter->ever_failed |= failed;
    if (slot->part == MONTH)
        end_day(meter, slot);
    else if (slot->document)
        *(slot->part == DAY ? &meter->minutes : &meter->after) = cemm_document_ref(slot->document);
    return slot->last ? print_rows(energy) : 0;
}

static int finish(void *data)
{
    const struct energy *energy = data;
    if (energy->options.format == EXEC_FORMAT_JSON)
        fputs(energy->history.printed ? "\n]\n" : "[]\n", energy->history.output.stream);
    return 0;
}

/* ---- messages ----------------------------------------------------------------- */

/* Returns false if an error other than a failed request was printed about the meter. */
static bool report_meter(const struct energy *energy, const struct meter *meter)
{
    const char *uid = meter->history->uid.text;
    const char *alias = meter->history->alias;
    if (meter->refused > 0) {
        char first[CEMM_TIME_SIZE];
        struct cemm_message days;
        cemm_period_format(&meter->refused_first, first, sizeof(first));
        if (meter->refused == 1)
            cemm_message_set(&days, "%s", first);
        else
            cemm_message_set(&days, "%zu days (the first is %s)", meter->refused, first);
        message_print(CEMM_LOG_WARNING,
                      "%s/%s: amounts of %s come from the minutes alone: their sum differs "
                      "too much from the meter readings",
                      uid, alias, days.text);
    }
    if (meter->by_hour)
        message_about(CEMM_LOG_ERROR, uid, alias,
                      "its gas is only available by the hour; use --by hour");
    else if (!meter->history->has_data && !meter->ever_failed && !meter->history->elsewhere)
        message_about(CEMM_LOG_ERROR, uid, alias,
                      for_home_assistant(energy)
                          ? "there is no minute-by-minute data for any closed day in this range"
                          : "there is no minute-by-minute data for these dates");
    return !meter->by_hour && (meter->history->has_data || meter->ever_failed);
}

static bool report(void *data)
{
    const struct energy *energy = data;
    bool good = true;
    for (size_t i = 0; i < energy->history.meter_count; i++) {
        const struct meter *meter = &energy->meters[i];
        good = report_meter(energy, meter) && !meter->ever_failed && good;
    }
    if (good && !energy->history.printed)
        message_print(CEMM_LOG_WARNING,
                      "no interval of these dates is over yet; try again after the "
                      "first one has ended");
    return good;
}

/* ---- the command -------------------------------------------------------------- */

/* Widens the range to whole months. */
static void widen(struct exec_options *options)
{
    options->from.day = 1;
    if (options->to.year == 0)
        return;
    struct cemm_period next = cemm_period_step(
        &(struct cemm_period){CEMM_MONTH, options->to.year, options->to.month, 1}, 1);
    next.span = CEMM_DAY;
    options->to = cemm_period_step(&next, -1);
}

enum exec_exit exec_energy(const struct exec_options *options)
{
    static const struct history_use use = {DOCUMENTS, LEAD_IN, ask, begin, take, finish, report};
    struct energy energy = {
        .options = *options,
        .history = {.options = &energy.options, .use = &use, .data = &energy},
        .now = cemm_clock_wall() / 1000,
    };
    if (for_home_assistant(&energy))
        energy.options.by = CEMM_BY_UTC_HOUR;
    if (options->by == CEMM_BY_MONTH)
        widen(&energy.options);
    enum exec_exit end = history_command(&energy.history);
    for (size_t i = 0; energy.meters && i < energy.history.meter_count; i++) {
        cemm_document_unref(energy.meters[i].before);
        cemm_document_unref(energy.meters[i].after);
        cemm_document_unref(energy.meters[i].minutes);
    }
    free(energy.meters);
    free(energy.rows);
    return end;
}
