/*
 * A column of a table is as wide as its widest cell: no value is cut, because a
 * long line is better than a wrong number. A table of samples is printed in
 * pieces, so its columns have a minimum width.
 */
#include "plugin/exec/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DECIMALS 3

/* Counts characters in UTF-8: all bytes except continuation bytes. */
static size_t width(const char *text)
{
    size_t count = 0;
    for (; text && *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* Adds a text and `end`. Replaces control characters in the text: they could control a terminal. */
static void add(struct table *table, const char *text, char end)
{
    for (; text && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        putc(c < 0x20 || c == 0x7f ? '?' : c, table->rows);
    }
    putc(end, table->rows);
}

void table_begin(struct table *ret_table, const struct table_column *columns, size_t count)
{
    const char *titles[TABLE_COLUMNS_MAX];
    *ret_table = (struct table){.columns = columns, .column_count = count};
    ret_table->rows = cemm_text_open(&ret_table->text, &ret_table->length);
    for (size_t i = 0; i < count; i++) {
        ret_table->widths[i] = columns[i].width;
        titles[i] = columns[i].title;
    }
    table_row(ret_table, titles);
}

void table_row(struct table *table, const char *const *cells)
{
    for (size_t i = 0; table->rows && i < table->column_count; i++) {
        if (width(cells[i]) > table->widths[i])
            table->widths[i] = width(cells[i]);
        add(table, cells[i], i + 1 < table->column_count ? '\t' : '\n');
    }
}

void table_note(struct table *table, const char *text)
{
    if (table->rows)
        add(table, text, '\n');
}

static size_t gap(const struct table *table)
{
    return table->tight ? 1 : 2;
}

size_t table_width(const struct table *table)
{
    size_t sum = 0;
    for (size_t i = 0; i < table->column_count; i++)
        sum += table->widths[i] + (i > 0 ? gap(table) : 0);
    return sum;
}

static void print_row(const struct table *table, char *cells, FILE *stream)
{
    size_t blanks = 0; /* spaces before the next text; none are printed at the end of a line */
    for (size_t i = 0; i < table->column_count; i++) {
        const char *cell = strsep(&cells, "\t");
        size_t space = table->widths[i] - width(cell);
        if (table->columns[i].right)
            blanks += space;
        if (*cell != '\0') {
            fprintf(stream, "%*s%s", (int)blanks, "", cell);
            blanks = 0;
        }
        blanks += table->columns[i].right ? gap(table) : space + gap(table);
    }
    putc('\n', stream);
}

int table_print(struct table *table, FILE *stream)
{
    int r = !table->rows || fclose(table->rows) != 0 ? -ENOMEM : table->error;
    char *rest = table->text;
    char *line;
    if (table->untitled)
        (void)strsep(&rest, "\n");
    while (stream && r == 0 && (line = strsep(&rest, "\n"))) {
        if (strchr(line, '\t'))
            print_row(table, line, stream);
        else if (*line != '\0')
            fprintf(stream, "%s\n", line);
    }
    free(table->text);
    return r;
}

void table_plain_time(char *time)
{
    static const size_t end = sizeof("2024-03-31T03:00:00") - 1;
    if (strlen(time) < end)
        return;
    time[10] = ' ';
    time[end] = '\0';
}

void table_round(char *number)
{
    const char *point = strchr(number, '.');
    if (point && strspn(point + 1, "0123456789") > DECIMALS && !strpbrk(point, "eE"))
        (void)snprintf(number, strlen(number) + 1, "%.*f", DECIMALS, strtod(number, NULL));
}

/* ---- samples ----------------------------------------------------------------- */

void render_init(struct render *ret_render, enum exec_format format, const struct cemm_zone *zone,
                 double interval)
{
    const char *value = getenv("COLLECTD_HOSTNAME");
    *ret_render =
        (struct render){.format = format, .options = {.zone = zone, .interval = interval}};
    if (value && *value != '\0')
        copy_text(ret_render->host, HOST_SIZE, value);
    else if (gethostname(ret_render->host, HOST_SIZE - 1) != 0 || ret_render->host[0] == '\0')
        copy_text(ret_render->host, HOST_SIZE, "localhost");
    message_sanitize(ret_render->host, '_');
    for (char *slash = ret_render->host; (slash = strchr(slash, '/'));)
        *slash = '_'; /* a slash separates the fields of an identifier */
    ret_render->options.host = ret_render->host;
    ret_render->options.ret_refused = &ret_render->refused;
}

double render_interval(const struct exec_options *options, double usual)
{
    const char *value = getenv("COLLECTD_INTERVAL");
    if (options->interval > 0)
        return options->interval;
    double seconds = value ? strtod(value, NULL) : 0;
    return seconds >= EXEC_INTERVAL_MIN && seconds <= EXEC_INTERVAL_MAX ? seconds : usual;
}

/* ---- tables and arrays ------------------------------------------------------- */

enum { TIME, DEVICE, METER, CHANNEL, VALUE, UNIT, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [TIME] = {.title = "TIME", .width = LONGEST("2024-03-31 03:00:00")},
    [DEVICE] = {.title = "DEVICE", .width = LONGEST("00-1E-C0-85-96-CC")},
    [METER] = {.title = "METER", .width = LONGEST("emucs-gas")},
    [CHANNEL] = {.title = "CHANNEL", .width = LONGEST("electric_energy_high")},
    [VALUE] = {.title = "VALUE", .right = true, .width = LONGEST("1234567.123")},
    [UNIT] = {.title = "UNIT", .width = LONGEST("L/min")},
};

/* The row is uid,alias,channel,value,unit,time,type; no field has a comma in it. */
static void add_row(struct table *table, char *row)
{
    static const int order[COLUMNS] = {DEVICE, METER, CHANNEL, VALUE, UNIT, TIME};
    const char *cells[COLUMNS] = {0};
    for (int i = 0; i < COLUMNS && row != NULL; i++) {
        char *cell = strsep(&row, ",");
        if (order[i] == TIME)
            table_plain_time(cell);
        if (order[i] == VALUE)
            table_round(cell);
        cells[order[i]] = cell;
    }
    table_row(table, cells);
}

/* Prints the library's rows: CSV rows become a table, JSON rows become elements of one array. */
static int print_rows(struct render *render, char *rows, FILE *stream)
{
    struct table table;
    bool is_table = render->format == EXEC_FORMAT_TABLE && *rows != '\0';
    char *row;
    if (is_table) {
        table_begin(&table, columns, COLUMNS);
        table.untitled = render->begun;
    }
    while ((row = strsep(&rows, "\n"))) {
        if (*row == '\0')
            continue;
        if (is_table)
            add_row(&table, row);
        else
            fprintf(stream, "%s%s", render->begun ? ",\n" : "[\n", row);
        render->begun = true;
    }
    return is_table ? table_print(&table, stream) : 0;
}

/* ---- rows -------------------------------------------------------------------- */

int render_rows(struct render *render, const struct cemm_document *const *documents, size_t count,
                FILE *stream)
{
    static const enum cemm_rows kinds[] = {
        [EXEC_FORMAT_TABLE] = CEMM_ROWS_CSV,     [EXEC_FORMAT_CSV] = CEMM_ROWS_CSV,
        [EXEC_FORMAT_INFLUX] = CEMM_ROWS_INFLUX, [EXEC_FORMAT_PUTVAL] = CEMM_ROWS_PUTVAL,
        [EXEC_FORMAT_JSON] = CEMM_ROWS_JSON,
    };
    char *rows = NULL;
    size_t length = 0;
    int r = cemm_render_joined(documents, count, kinds[render->format], &render->options, &rows,
                               &length);
    if (r < 0)
        return r;
    if (render->format == EXEC_FORMAT_TABLE ||
        (render->format == EXEC_FORMAT_JSON && !render->lines)) {
        r = print_rows(render, rows, stream);
    } else {
        if (render->format == EXEC_FORMAT_CSV && !render->begun)
            fputs(CEMM_CSV_ROWS_HEADER, stream);
        render->begun = true;
        fwrite(rows, 1, length, stream);
    }
    free(rows);
    return r;
}

void render_end(const struct render *render, FILE *stream)
{
    if (render->format == EXEC_FORMAT_JSON && !render->lines)
        fputs(render->begun ? "\n]\n" : "[]\n", stream);
}

/* ---- sources and types --------------------------------------------------------- */

const char *render_source(const struct cemm *cemm, const char *message)
{
    struct cemm_source_state state;
    for (size_t i = 0; cemm_source_at(cemm, i, &state); i++) {
        size_t length = strlen(state.name);
        if (strncmp(state.name, message, length) == 0 &&
            (message[length] == ':' || message[length] == ' '))
            return state.name;
    }
    return NULL;
}

const char *render_type(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    const struct cemm_device *device = cemm_device_named(cemm, uid);
    return device != NULL ? cemm_device_type(device, alias) : "";
}
