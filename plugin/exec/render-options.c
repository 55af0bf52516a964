#include "plugin/exec/render-options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void render_options_init(struct render_options *ret_options, const struct cemm_zone *zone,
                         double interval)
{
    const char *told = getenv("COLLECTD_HOSTNAME");
    *ret_options = (struct render_options){.cemm = {.zone = zone, .interval = interval}};
    size_t size = sizeof(ret_options->host) - 1;
    if (told && *told != '\0')
        memcpy(ret_options->host, told, strnlen(told, size));
    else if (gethostname(ret_options->host, size) != 0 || ret_options->host[0] == '\0')
        memcpy(ret_options->host, "localhost", sizeof("localhost"));
    message_tame(ret_options->host, '_');
    for (char *slash = ret_options->host; (slash = strchr(slash, '/'));)
        *slash = '_'; /* it separates the fields of an identifier */
    ret_options->cemm.host = ret_options->host;
    ret_options->cemm.ret_refused = &ret_options->refused;
}

double render_options_interval(const struct exec_options *options, double usual)
{
    const char *told = getenv("COLLECTD_INTERVAL");
    if (options->interval > 0)
        return options->interval;
    double seconds = told ? strtod(told, NULL) : 0;
    return seconds >= EXEC_INTERVAL_MIN && seconds <= EXEC_INTERVAL_MAX ? seconds : usual;
}

const char *source_of_words(const struct cemm *cemm, const char *words)
{
    struct cemm_source_state state;
    for (size_t i = 0; cemm_source_at(cemm, i, &state); i++) {
        size_t length = strlen(state.name);
        if (strncmp(state.name, words, length) == 0 &&
            (words[length] == ':' || words[length] == ' '))
            return state.name;
    }
    return NULL;
}

const char *type_of(const struct cemm *cemm, const char *uid, const char *alias)
{
    struct cemm_uid named;
    const struct cemm_device *device =
        cemm_uid_parse(uid, &named) ? cemm_device_named(cemm, &named) : NULL;
    return device != NULL ? cemm_device_type(device, alias) : "";
}

enum cemm_rows render_options_rows(enum exec_format format)
{
    switch (format) {
    case EXEC_FORMAT_PUTVAL:
        return CEMM_ROWS_PUTVAL;
    case EXEC_FORMAT_JSON:
        return CEMM_ROWS_JSON;
    case EXEC_FORMAT_CSV:
    case EXEC_FORMAT_TABLE: /* the cells of the table */
        return CEMM_ROWS_CSV;
    case EXEC_FORMAT_INFLUX:
    case EXEC_FORMAT_PROMETHEUS: /* no rows */
    case EXEC_FORMAT_DEFAULT:
        break;
    }
    return CEMM_ROWS_INFLUX;
}

void json_rows_print(struct json_rows *rows, char *text, FILE *stream)
{
    const char *row;
    while ((row = strsep(&text, "\n"))) {
        if (*row == '\0')
            continue;
        fprintf(stream, "%s%s", rows->begun ? ",\n" : "[\n", row);
        rows->begun = true;
    }
}

const char *json_rows_end(const struct json_rows *rows)
{
    return rows->begun ? "\n]\n" : "[]\n";
}
