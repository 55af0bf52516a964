/*
 * The library renders the rows. Tables and JSON arrays are made of its rows
 * here. A table is printed in pieces, so the widths of its columns are guessed.
 */
#include "plugin/exec/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/exec/table.h"

void render_init(struct render *ret_render, enum exec_format format, const struct cemm_zone *zone,
                 double interval)
{
    const char *told = getenv("COLLECTD_HOSTNAME");
    *ret_render =
        (struct render){.format = format, .options = {.zone = zone, .interval = interval}};
    if (told && *told != '\0')
        copy_text(ret_render->host, HOST_SIZE, told);
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
    const char *told = getenv("COLLECTD_INTERVAL");
    if (options->interval > 0)
        return options->interval;
    double seconds = told ? strtod(told, NULL) : 0;
    return seconds >= EXEC_INTERVAL_MIN && seconds <= EXEC_INTERVAL_MAX ? seconds : usual;
}

/* ---- tables and arrays ------------------------------------------------------- */

enum { TIME, DEVICE, METER, CHANNEL, VALUE, UNIT, COLUMNS };

#define LONGEST(text) (sizeof(text) - 1)

static const struct table_column columns[COLUMNS] = {
    [TIME] = {.title = "TIME", .width = LONGEST("2024-03-31 03:00:00")},
    [DEVICE] = {.title = "DEVICE", .width = LONGEST("00-1E-C0-85-96-CC")},
    [METER] = {.title = "METER", .width = LONGEST("emucs-gas")},
    [CHANNEL] = {.title = "CHANNEL", .width = LONGEST("electric_energy_high")},
    [VALUE] = {.title = "VALUE", .right = true, .width = LONGEST("1234567.123")},
    [UNIT] = {.title = "UNIT", .width = LONGEST("L/min")},
};

/* uid,alias,channel,value,unit,time,type: none of them has a comma. */
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

static void fill(struct table *table, const void *data)
{
    char *rows = strdup(data);
    char *rest = rows;
    char *row;
    while ((row = strsep(&rest, "\n"))) {
        if (*row != '\0')
            add_row(table, row);
    }
    if (!rows)
        table->error = -ENOMEM;
    free(rows);
}

static int print_table(struct render *render, const char *rows, FILE *stream)
{
    struct table table = {columns, COLUMNS, .untitled = render->begun};
    if (*rows == '\0')
        return 0;
    render->begun = true;
    return table_print(&table, fill, rows, stream);
}

static void print_array(struct render *render, char *rows, FILE *stream)
{
    char *row;
    while ((row = strsep(&rows, "\n"))) {
        if (*row == '\0')
            continue;
        fprintf(stream, "%s%s", render->begun ? ",\n" : "[\n", row);
        render->begun = true;
    }
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
    if (render->format == EXEC_FORMAT_TABLE) {
        r = print_table(render, rows, stream);
    } else if (render->format == EXEC_FORMAT_JSON && !render->lines) {
        print_array(render, rows, stream);
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

/* ---- what a reading tells ------------------------------------------------------ */

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

const char *render_type(const struct cemm *cemm, const char *uid, const char *alias)
{
    struct cemm_uid named;
    const struct cemm_device *device =
        cemm_uid_parse(uid, &named) ? cemm_device_named(cemm, &named) : NULL;
    return device != NULL ? cemm_device_type(device, alias) : "";
}
