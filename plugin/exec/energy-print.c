/*
 * Each row is made into texts, one for each column, empty if it does not
 * apply; each format has its own way to show them.
 */
#include "plugin/exec/energy-print.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/exec/table.h"

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

static const char *const by_names[] = {
    [CEMM_BY_QUARTER] = "quarter",
    [CEMM_BY_HOUR] = "hour",
    [CEMM_BY_DAY] = "day",
    [CEMM_BY_MONTH] = "month",
};

/* The column of a quantity's forward; that of its reverse, if it has one, is the next. */
static const enum column first_column[] = {
    [CEMM_QUANTITY_NONE] = FORWARD,   [CEMM_QUANTITY_GRID] = IMPORT,
    [CEMM_QUANTITY_ENERGY] = FORWARD, [CEMM_QUANTITY_GAS] = GAS,
    [CEMM_QUANTITY_VOLUME] = VOLUME,
};

static bool has_reverse(enum cemm_quantity quantity)
{
    return first_column[quantity] < GAS;
}

struct cells {
    char texts[COLUMNS][CEMM_NAME_SIZE];
};

/* kWh and m3. 0 has no sign. */
static void put_thousandths(char ret_text[CEMM_NAME_SIZE], double value)
{
    snprintf(ret_text, CEMM_NAME_SIZE, "%.3f", value / 1000 + 0.0);
}

static void make_cells(const struct energy_rows *rows, const struct energy_row *row,
                       struct cells *ret_cells)
{
    const struct cemm_interval *interval = &row->interval;
    enum column first = first_column[row->quantity];
    char(*texts)[CEMM_NAME_SIZE] = ret_cells->texts;
    memset(ret_cells, 0, sizeof(*ret_cells));
    copy_text(texts[UID], CEMM_NAME_SIZE, row->uid);
    copy_text(texts[ALIAS], CEMM_NAME_SIZE, row->alias);
    cemm_time_format(rows->zone, interval->start * 1000, texts[START]);
    if (interval->amount.count > 0)
        put_thousandths(texts[first], interval->amount.sides[CEMM_FORWARD]);
    if (interval->amount.count > 0 && has_reverse(row->quantity))
        put_thousandths(texts[first + 1], interval->amount.sides[CEMM_REVERSE]);
    if (interval->basis != CEMM_BASIS_HOURS)
        snprintf(texts[MINUTES], CEMM_NAME_SIZE, "%u", interval->amount.count);
    copy_text(texts[BASIS], CEMM_NAME_SIZE, basis_names[interval->basis]);
    if (interval->checked)
        put_thousandths(texts[UNALLOCATED], interval->unallocated);
}

/* ---- the formats -------------------------------------------------------------- */

static void print_csv(const struct cells *cells, FILE *stream)
{
    for (size_t i = 0; i < COLUMNS; i++)
        fprintf(stream, "%s%s", i > 0 ? "," : "", cells->texts[i]);
    putc('\n', stream);
}

/* What is empty is null. */
static int print_json(const struct cells *cells, bool begun, FILE *stream)
{
    bool failed = false;
    struct json_object *row = json_object_new_object();
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *text = cells->texts[i];
        if (*text == '\0')
            cemm_json_add_text(&failed, row, names[i], NULL);
        else if (i <= START || i == BASIS)
            cemm_json_add_text(&failed, row, names[i], text);
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

static void print_influx(const struct energy_rows *rows, const struct energy_row *row,
                         const struct cells *cells, FILE *stream)
{
    const char *comma = " ";
    if (row->interval.amount.count == 0 && !row->interval.checked)
        return;
    fprintf(stream, "cemm_energy,uid=%s,alias=%s,by=%s", row->uid, row->alias, by_names[rows->by]);
    for (size_t i = IMPORT; i < COLUMNS; i++) {
        const char *quote = i == BASIS ? "\"" : "";
        if (cells->texts[i][0] == '\0')
            continue;
        fprintf(stream, "%s%s=%s%s%s", comma, names[i], quote, cells->texts[i], quote);
        comma = ",";
    }
    fprintf(stream, " %lld000000000\n", (long long)row->interval.start);
}

/* "cemm:00_1e_c0_85_96_cc_p1_import": no other characters, no two underscores together. */
static void put_statistic_id(const struct energy_row *row, enum column column, FILE *stream)
{
    const char *parts[] = {row->uid, row->alias, names[column]};
    char before = '_';
    fputs("cemm:", stream);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (i > 0 && before != '_')
            putc(before = '_', stream);
        for (const char *c = parts[i]; *c != '\0'; c++) {
            char now = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
            if (now != '_' || before != '_')
                putc(now, stream);
            before = now;
        }
    }
}

/* A row for each direction, in UTC. */
static void print_home_assistant(const struct energy_row *row, const struct cells *cells,
                                 FILE *stream)
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

#define LONGEST(text) (sizeof(text) - 1)

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

static void fill(struct table *table, const void *data)
{
    const struct energy_rows *rows = data;
    struct cells cells;
    char(*texts)[CEMM_NAME_SIZE] = cells.texts;
    for (size_t i = 0; i < rows->count; i++) {
        const struct energy_row *row = &rows->rows[i];
        enum column first = first_column[row->quantity];
        make_cells(rows, row, &cells);
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
}

static int print_table(const struct energy_rows *rows, FILE *stream)
{
    struct table table = {table_columns, sizeof(table_columns) / sizeof(table_columns[0]),
                          .untitled = rows->begun};
    return table_print(&table, fill, rows, stream);
}

/* ---- all rows ----------------------------------------------------------------- */

void energy_rows_add(struct energy_rows *rows, const struct energy_row *row)
{
    if (rows->count == rows->room) {
        size_t room = rows->room * 2 + 16;
        struct energy_row *more = reallocarray(rows->rows, room, sizeof(*more));
        if (!more) {
            rows->error = -ENOMEM;
            return;
        }
        rows->rows = more;
        rows->room = room;
    }
    rows->rows[rows->count++] = *row;
}

static int compare(const void *left, const void *right)
{
    const struct energy_row *a = left;
    const struct energy_row *b = right;
    if (a->interval.start != b->interval.start)
        return a->interval.start < b->interval.start ? -1 : 1;
    int r = strcmp(a->uid, b->uid);
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

static int print_row(const struct energy_rows *rows, const struct energy_row *row, FILE *stream)
{
    struct cells cells;
    make_cells(rows, row, &cells);
    switch (rows->format) {
    case EXEC_FORMAT_JSON:
        return print_json(&cells, rows->begun, stream);
    case EXEC_FORMAT_INFLUX:
        print_influx(rows, row, &cells, stream);
        break;
    case EXEC_FORMAT_HOME_ASSISTANT:
        print_home_assistant(row, &cells, stream);
        break;
    default:
        print_csv(&cells, stream);
    }
    return 0;
}

int energy_rows_print(struct energy_rows *rows, FILE *stream)
{
    int r = rows->error;
    if (rows->count > 0)
        qsort(rows->rows, rows->count, sizeof(*rows->rows), compare);
    if (r == 0 && rows->count > 0 && rows->format == EXEC_FORMAT_TABLE) {
        r = print_table(rows, stream);
        rows->begun = true;
    }
    for (size_t i = 0; r == 0 && i < rows->count && rows->format != EXEC_FORMAT_TABLE; i++) {
        r = print_row(rows, &rows->rows[i], stream);
        rows->begun = true;
    }
    rows->count = 0;
    return r;
}

void energy_rows_begin(const struct energy_rows *rows, FILE *stream)
{
    for (size_t i = 0; i < COLUMNS && rows->format == EXEC_FORMAT_CSV; i++)
        fprintf(stream, "%s%s", names[i], i + 1 < COLUMNS ? "," : "\n");
    if (rows->format == EXEC_FORMAT_HOME_ASSISTANT)
        fputs("statistic_id,start,unit,delta\n", stream);
}

void energy_rows_end(const struct energy_rows *rows, FILE *stream)
{
    if (rows->format == EXEC_FORMAT_JSON)
        fputs(rows->begun ? "\n]\n" : "[]\n", stream);
}

void energy_rows_clear(struct energy_rows *rows)
{
    free(rows->rows);
    *rows = (struct energy_rows){0};
}
