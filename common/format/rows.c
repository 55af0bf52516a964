/*
 * One row a sample, as CSV and as JSON: what scripts like best, because no
 * column depends on the meter.
 */
#include "common/format/format.h"

#include "common/model/channel.h"

#include <errno.h>
#include <json-c/json.h>

typedef void write_row(struct cemm_buffer *out, const struct cemm_document *document,
                       const struct cemm_series *series, const struct cemm_sample *sample,
                       const char *time);

static const char *unit_of(const struct cemm_document *document, const struct cemm_series *series,
                           const struct cemm_sample *sample)
{
    return sample ? cemm_row_unit(&document->query, series, sample) : series->unit;
}

/* By hand, not by a format: a year of minutes is half a million of these. */
static void csv_row(struct cemm_buffer *out, const struct cemm_document *document,
                    const struct cemm_series *series, const struct cemm_sample *sample,
                    const char *time)
{
    cemm_buffer_text(out, document->query.uid.text);
    cemm_buffer_char(out, ',');
    cemm_buffer_text(out, document->query.alias);
    cemm_buffer_char(out, ',');
    cemm_buffer_text(out, series->channel);
    cemm_buffer_char(out, ',');
    if (sample)
        cemm_buffer_append(out, sample->text, sample->text_length);
    cemm_buffer_char(out, ',');
    cemm_buffer_text(out, unit_of(document, series, sample));
    cemm_buffer_char(out, ',');
    cemm_buffer_text(out, time);
    cemm_buffer_char(out, ',');
    cemm_buffer_text(out, document->type);
    cemm_buffer_char(out, '\n');
}

static void add(struct json_object *row, const char *name, struct json_object *value,
                struct cemm_buffer *out)
{
    if (json_object_object_add_ex(
            row, name, value, JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY) < 0)
        out->error = -ENOMEM;
}

/* The value is there: NULL, which would be shown as null, is a lack of memory. */
static void add_some(struct json_object *row, const char *name, struct json_object *value,
                     struct cemm_buffer *out)
{
    if (!value)
        out->error = -ENOMEM;
    add(row, name, value, out);
}

static void json_row(struct cemm_buffer *out, const struct cemm_document *document,
                     const struct cemm_series *series, const struct cemm_sample *sample,
                     const char *time)
{
    struct json_object *row = json_object_new_object();
    size_t length = 0;

    if (!row) {
        out->error = -ENOMEM;
        return;
    }
    add_some(row, "uid", json_object_new_string(document->query.uid.text), out);
    add_some(row, "alias", json_object_new_string(document->query.alias), out);
    add_some(row, "channel", json_object_new_string(series->channel), out);
    if (sample)
        add_some(row, "value", json_object_new_double_s(sample->value, sample->text), out);
    else
        add(row, "value", NULL, out);
    add_some(row, "unit", json_object_new_string(unit_of(document, series, sample)), out);
    if (sample)
        add_some(row, "time", json_object_new_string(time), out);
    else
        add(row, "time", NULL, out);
    add_some(row, "type", json_object_new_string(document->type), out);
    const char *text = json_object_to_json_string_length(
        row, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    if (text)
        cemm_buffer_append(out, text, length);
    else
        out->error = -ENOMEM;
    cemm_buffer_char(out, '\n');
    json_object_put(row);
}

static void each_row(struct cemm_buffer *out, const struct cemm_document *document,
                     const struct cemm_zone *zone, write_row *row)
{
    char time[CEMM_TIME_SIZE];

    for (size_t i = 0; i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        if (series->count == 0)
            row(out, document, series, NULL, "");
        for (size_t j = 0; j < series->count; j++) {
            cemm_time_format(zone, series->samples[j].time, time);
            row(out, document, series, &series->samples[j], time);
        }
    }
}

static void each_step_row(struct cemm_buffer *out, const struct cemm_document *document,
                          const struct cemm_merge *merge, const struct cemm_zone *zone,
                          write_row *row)
{
    char time[CEMM_TIME_SIZE];

    cemm_time_format(zone, merge->time, time);
    for (size_t i = 0; i < merge->count; i++) {
        const struct cemm_sample *sample = cemm_merge_sample(merge, i);
        if (sample)
            row(out, document, &merge->series[i], sample, time);
    }
}

void cemm_write_csv_step(struct cemm_buffer *out, const struct cemm_document *document,
                         const struct cemm_merge *merge, const struct cemm_manner *manner)
{
    each_step_row(out, document, merge, manner->zone, csv_row);
}

void cemm_write_json_step(struct cemm_buffer *out, const struct cemm_document *document,
                          const struct cemm_merge *merge, const struct cemm_manner *manner)
{
    each_step_row(out, document, merge, manner->zone, json_row);
}

void cemm_write_csv_rows(struct cemm_buffer *out, const struct cemm_document *document,
                         const struct cemm_zone *zone)
{
    each_row(out, document, zone, csv_row);
}

void cemm_write_json_rows(struct cemm_buffer *out, const struct cemm_document *document,
                          const struct cemm_zone *zone)
{
    each_row(out, document, zone, json_row);
}
