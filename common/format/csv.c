/*
 * Writes cemmfs's CSV files: RFC 4180, but with bare newlines. Only lists (IO, INFO) can have
 * fields that need quotes; samples have only checked names, numbers and times.
 */
#include "common/base/json.h"
#include "common/format/format.h"

#include <errno.h>
#include <string.h>

/* ---- samples -------------------------------------------------------------- */

static void write_newest(struct cemm_buffer *out, const struct cemm_document *document,
                         const struct cemm_zone *zone)
{
    cemm_buffer_text(out, "channel,value,unit,time\n");
    for (size_t i = 0; i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        const char *value = "";
        char time[CEMM_TIME_SIZE] = "";
        if (series->count > 0) {
            const struct cemm_sample *newest = &series->samples[series->count - 1];
            value = newest->text;
            cemm_time_format(zone, newest->time, time);
        }
        cemm_buffer_format(out, "%s,%s,%s,%s\n", series->channel, value, series->unit, time);
    }
}

static void write_history(struct cemm_buffer *out, const struct cemm_document *document,
                          const struct cemm_zone *zone)
{
    struct cemm_merge merge = {.series = document->series, .count = document->series_count};
    char time[CEMM_TIME_SIZE];

    cemm_buffer_text(out, "time");
    for (size_t i = 0; i < document->series_count; i++)
        cemm_buffer_format(out, ",%s", document->series[i].channel);
    cemm_buffer_char(out, '\n');
    while (cemm_merge_next(&merge)) {
        cemm_time_format(zone, merge.time, time);
        cemm_buffer_text(out, time);
        for (size_t i = 0; i < merge.count; i++) {
            const struct cemm_sample *sample = cemm_merge_sample(&merge, i);
            cemm_buffer_char(out, ',');
            if (sample)
                cemm_buffer_append(out, sample->text, sample->text_length);
        }
        cemm_buffer_char(out, '\n');
    }
}

/* ---- lists ---------------------------------------------------------------- */

static void write_field(struct cemm_buffer *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        cemm_buffer_text(out, text);
        return;
    }
    cemm_buffer_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            cemm_buffer_char(out, '"');
        cemm_buffer_char(out, *text);
    }
    cemm_buffer_char(out, '"');
}

/* Nested values are written as JSON; null is an empty field. */
static void write_value(struct cemm_buffer *out, struct json_object *value)
{
    if (!value)
        return;
    const char *text = json_object_is_type(value, json_type_string)
                           ? json_object_get_string(value)
                           : json_object_to_json_string_ext(
                                 value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (text)
        write_field(out, text);
    else
        out->error = -ENOMEM;
}

/* Returns an object with every member that any entry of the list has, in order of first appearance.
 * The value of each member is its own name, so that write_entry() can also write the header line.
 * Returns NULL if there is no memory. */
static struct json_object *find_columns(struct json_object *list)
{
    struct json_object *columns = json_object_new_object();

    for (size_t i = 0; columns && i < json_object_array_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        if (!json_object_is_type(entry, json_type_object))
            continue;
        json_object_object_foreach (entry, name, value) {
            value = json_object_new_string(name);
            if (!value || json_object_object_add(columns, name, value) < 0) {
                json_object_put(value);
                json_object_put(columns);
                return NULL;
            }
        }
    }
    return columns;
}

static void write_entry(struct cemm_buffer *out, struct json_object *columns,
                        struct json_object *entry)
{
    const char *comma = "";

    json_object_object_foreach (columns, name, value) {
        value = NULL;
        (void)json_object_object_get_ex(entry, name, &value);
        cemm_buffer_text(out, comma);
        write_value(out, value);
        comma = ",";
    }
    cemm_buffer_char(out, '\n');
}

static void write_table(struct cemm_buffer *out, const struct cemm_document *document)
{
    struct json_object *root = cemm_document_json(document);
    struct json_object *list = cemm_json_member(root, "data", json_type_array);
    struct json_object *columns = list ? find_columns(list) : NULL;

    if (!columns) {
        out->error = -ENOMEM;
    } else if (json_object_object_length(columns) > CEMM_COLUMNS_MAX) {
        out->error = -E2BIG;
    } else {
        write_entry(out, columns, columns);
        for (size_t i = 0; i < json_object_array_length(list); i++)
            write_entry(out, columns, json_object_array_get_idx(list, i));
    }
    json_object_put(columns);
    cemm_json_put(root, document->length);
}

void cemm_write_csv(struct cemm_buffer *out, const struct cemm_document *document,
                    const struct cemm_zone *zone)
{
    enum cemm_endpoint endpoint = document->query.endpoint;

    if (cemm_query_has_period(&document->query))
        write_history(out, document, zone);
    else if (endpoint == CEMM_IO || endpoint == CEMM_INFO)
        write_table(out, document);
    else
        write_newest(out, document, zone);
}
