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

void cemm_write_json_row(struct cemm_buffer *out, const struct cemm_document *document,
                         const struct cemm_series *series, const struct cemm_sample *sample,
                         const struct cemm_render_options *options)
{
    bool failed = false;
    struct json_object *row = json_object_new_object();
    char time[CEMM_TIME_SIZE] = "";
    size_t length = 0;

    if (sample)
        cemm_time_format(options->zone, sample->time, time);
    cemm_json_add_text(&failed, row, "uid", document->query.uid.text);
    cemm_json_add_text(&failed, row, "alias", document->query.alias);
    cemm_json_add_text(&failed, row, "channel", series->channel);
    if (sample)
        cemm_json_add(&failed, row, "value", json_object_new_double_s(sample->value, sample->text));
    else
        cemm_json_add_text(&failed, row, "value", NULL);
    cemm_json_add_text(&failed, row, "unit", unit_of(document, series, sample));
    cemm_json_add_text(&failed, row, "time", sample ? time : NULL);
    cemm_json_add_text(&failed, row, "type", document->type);
    const char *text = json_object_to_json_string_length(
        row, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    if (text && !failed)
        cemm_buffer_append(out, text, length);
    else
        out->error = -ENOMEM;
    cemm_buffer_char(out, '\n');
    json_object_put(row);
}
