/*
 * One row per sample, as CSV and as JSON. No column depends on the meter, which
 * is easy for scripts.
 */
#include "common/format/format.h"

#include "common/model/channel.h"

#include <errno.h>
#include <json-c/json.h>

static const char *unit_of(const struct cemm_document *document, const struct cemm_series *series,
                           const struct cemm_sample *sample)
{
    return sample ? cemm_row_unit(&document->query, series, sample) : series->unit;
}

/* Without printf(): a year of minutes has half a million rows. */
void cemm_write_csv_row(struct cemm_buffer *out, const struct cemm_document *document,
                        const struct cemm_series *series, const struct cemm_sample *sample,
                        const struct cemm_render_options *options)
{
    char time[CEMM_TIME_SIZE] = "";

    if (sample)
        cemm_time_format(options->zone, sample->time, time);
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

/* NULL means `null` if `null` is allowed, else a lack of memory. */
static void add(struct json_object *row, const char *name, struct json_object *value, bool null,
                struct cemm_buffer *out)
{
    unsigned options = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;

    if ((!value && !null) || json_object_object_add_ex(row, name, value, options) < 0)
        out->error = -ENOMEM;
}

void cemm_write_json_row(struct cemm_buffer *out, const struct cemm_document *document,
                         const struct cemm_series *series, const struct cemm_sample *sample,
                         const struct cemm_render_options *options)
{
    struct json_object *row = json_object_new_object();
    char time[CEMM_TIME_SIZE] = "";
    size_t length = 0;

    if (sample)
        cemm_time_format(options->zone, sample->time, time);
    if (!row) {
        out->error = -ENOMEM;
        return;
    }
    add(row, "uid", json_object_new_string(document->query.uid.text), false, out);
    add(row, "alias", json_object_new_string(document->query.alias), false, out);
    add(row, "channel", json_object_new_string(series->channel), false, out);
    add(row, "value", sample ? json_object_new_double_s(sample->value, sample->text) : NULL,
        !sample, out);
    add(row, "unit", json_object_new_string(unit_of(document, series, sample)), false, out);
    add(row, "time", sample ? json_object_new_string(time) : NULL, !sample, out);
    add(row, "type", json_object_new_string(document->type), false, out);
    const char *text = json_object_to_json_string_length(
        row, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    if (text)
        cemm_buffer_append(out, text, length);
    else
        out->error = -ENOMEM;
    cemm_buffer_char(out, '\n');
    json_object_put(row);
}
