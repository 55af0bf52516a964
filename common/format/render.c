/*
 * Writes documents as text. Several documents are joined in chronological order: each document has
 * a struct cemm_merge, and the merge whose time is the earliest is written next. The CSV and
 * InfluxDB rows do without printf(), which is slow: a year of minutes has half a million rows.
 */
#include "common/format/format.h"

#include "common/base/json.h"
#include "common/model/channel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- CSV and JSON: one row per sample, the same columns for every meter ---------- */

static void write_csv_row(struct cemm_buffer *out, const struct cemm_document *document,
                          const struct cemm_series *series, const struct cemm_sample *sample,
                          const struct cemm_render_options *options)
{
    const struct cemm_query *query = &document->query;
    const char *unit = cemm_row_unit(query, series, sample);
    const char *value = sample ? sample->text : "";
    char time[CEMM_TIME_SIZE] = "";
    const char *const cells[] = {query->uid.text, query->alias, series->channel, value, unit, time,
                                 document->type};
    const size_t count = sizeof(cells) / sizeof(cells[0]);

    if (sample)
        cemm_time_format(options->zone, sample->time, time);
    for (size_t i = 0; i < count; i++) {
        cemm_buffer_text(out, cells[i]);
        cemm_buffer_char(out, i + 1 < count ? ',' : '\n');
    }
}

static void write_json_row(struct cemm_buffer *out, const struct cemm_document *document,
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
    cemm_json_add_text(&failed, row, "unit", cemm_row_unit(&document->query, series, sample));
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

/* ---- collectd's plain text protocol --------------------------------------------- */

/* Writes a line as collectd's exec and unixsock plugins read it. The identifier is quoted, because
 * the host name may have any characters. Rows with a tag (cemm_history_tag()) get a name of their
 * own, because they must not get into the series of the meter's readings. */
static void write_putval_row(struct cemm_buffer *out, const struct cemm_document *document,
                             const struct cemm_series *series, const struct cemm_sample *sample,
                             const struct cemm_render_options *options)
{
    const struct cemm_query *query = &document->query;
    const char *channel = cemm_row_channel(query, series, sample);
    const char *tag = cemm_history_tag(query, series->channel);
    struct cemm_identity identity;

    if (!cemm_identify(query->alias, channel, &identity) ||
        strlen(identity.type_instance) + (tag ? strlen(tag) + 1 : 0) >= CEMM_FIELD_SIZE) {
        if (options->ret_refused)
            (*options->ret_refused)++;
        return;
    }
    unsigned cadence = series->cadence ? series->cadence : identity.cadence;
    double interval = options->interval > cadence ? options->interval : cadence;
    cemm_buffer_text(out, "PUTVAL \"");
    for (const char *c = options->host; *c; c++) {
        if (*c == '"' || *c == '\\')
            cemm_buffer_char(out, '\\');
        cemm_buffer_char(out, *c);
    }
    cemm_buffer_format(out, "/cemm-%s/%s-%s%s%s\" interval=", query->uid.text, identity.type,
                       identity.type_instance, tag ? "-" : "", tag ? tag : "");
    cemm_buffer_number(out, interval);
    cemm_buffer_format(out, " %" PRId64 ".%03" PRId64 ":", sample->time / 1000,
                       sample->time % 1000);
    if (identity.factor == 1)
        cemm_buffer_append(out, sample->text, sample->text_length);
    else
        cemm_buffer_number(out, sample->value * identity.factor);
    cemm_buffer_char(out, '\n');
}

/* ---- InfluxDB line protocol ------------------------------------------------------ */

static void write_tags(struct cemm_buffer *out, const struct cemm_query *query, const char *tag)
{
    cemm_buffer_text(out, "cemm,uid=");
    cemm_buffer_text(out, query->uid.text);
    cemm_buffer_text(out, ",alias=");
    cemm_buffer_text(out, query->alias);
    if (tag) {
        cemm_buffer_text(out, ",period=");
        cemm_buffer_text(out, tag);
    }
}

/* Writes a line with the samples at merge->time, if there are any. `tagged` selects the series that
 * have a tag (cemm_history_tag()); otherwise the line has the other series. Fields are the
 * channels, sorted by name; the time is in nanoseconds. Valid names need no escaping. */
static void write_line(struct cemm_buffer *out, const struct cemm_query *query,
                       const struct cemm_merge *merge, bool tagged)
{
    bool any = false;

    for (size_t i = 0; i < merge->count; i++) {
        const struct cemm_series *series = &merge->series[i];
        const struct cemm_sample *sample = cemm_merge_sample(merge, i);
        const char *tag = sample ? cemm_history_tag(query, series->channel) : NULL;
        if (!sample || (tag != NULL) != tagged)
            continue;
        if (!any)
            write_tags(out, query, tag);
        cemm_buffer_char(out, any ? ',' : ' ');
        cemm_buffer_text(out, cemm_row_channel(query, series, sample));
        cemm_buffer_char(out, '=');
        cemm_buffer_append(out, sample->text, sample->text_length);
        any = true;
    }
    if (any) {
        cemm_buffer_char(out, ' ');
        cemm_buffer_integer(out, merge->time);
        cemm_buffer_text(out, "000000\n");
    }
}

/* ---- documents joined -------------------------------------------------------------- */

/* Each writer writes a sample's row. If `sample` is NULL (never with PUTVAL), the channel was never
 * measured, and its row has neither value nor time. */
static void (*const row_writers[])(struct cemm_buffer *out, const struct cemm_document *document,
                                   const struct cemm_series *series,
                                   const struct cemm_sample *sample,
                                   const struct cemm_render_options *options) = {
    [CEMM_ROWS_CSV] = write_csv_row,
    [CEMM_ROWS_JSON] = write_json_row,
    [CEMM_ROWS_PUTVAL] = write_putval_row,
};

/* A document that is being written. */
struct walk {
    const struct cemm_document *document;
    struct cemm_series *sorted; /* series sorted by channel; NULL: not sorted */
    struct cemm_merge merge;    /* its current moment has not been written */
    size_t tagged;              /* InfluxDB: number of series that have a tag */
};

static int by_channel(const void *left, const void *right)
{
    const struct cemm_series *a = left;
    const struct cemm_series *b = right;

    return strcmp(a->channel, b->channel);
}

static int begin(struct walk *walk, const struct cemm_document *document, bool sorted)
{
    walk->document = document;
    walk->merge.series = document->series;
    walk->merge.count = document->series_count;
    if (sorted && document->series_count) {
        size_t size = document->series_count * sizeof(*walk->sorted);
        walk->merge.series = walk->sorted = malloc(size);
        if (!walk->sorted)
            return -ENOMEM;
        memcpy(walk->sorted, document->series, size);
        qsort(walk->sorted, document->series_count, sizeof(*walk->sorted), by_channel);
    }
    for (size_t i = 0; sorted && i < document->series_count; i++)
        walk->tagged += cemm_history_tag(&document->query, document->series[i].channel) != NULL;
    cemm_merge_next(&walk->merge);
    return 0;
}

/* Returns the earliest moment that has not been written, or INT64_MAX at the end. */
static int64_t next_moment(const struct walk *walks, size_t count)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < count; i++)
        if (walks[i].merge.time < next)
            next = walks[i].merge.time;
    return next;
}

/* Writes the rows of a walk's current moment, and goes on to its next one. */
static void write_moment(struct cemm_buffer *out, struct walk *walk, enum cemm_rows rows,
                         const struct cemm_render_options *options)
{
    const struct cemm_merge *merge = &walk->merge;

    if (rows == CEMM_ROWS_INFLUX && walk->tagged < merge->count)
        write_line(out, &walk->document->query, merge, false);
    if (rows == CEMM_ROWS_INFLUX && walk->tagged > 0)
        write_line(out, &walk->document->query, merge, true);
    for (size_t i = 0; rows != CEMM_ROWS_INFLUX && i < merge->count; i++) {
        const struct cemm_sample *sample = cemm_merge_sample(merge, i);
        if (sample)
            row_writers[rows](out, walk->document, &merge->series[i], sample, options);
    }
    cemm_merge_next(&walk->merge);
}

static void write_joined(struct cemm_buffer *out, const struct cemm_document *const *documents,
                         size_t count, enum cemm_rows rows,
                         const struct cemm_render_options *options)
{
    bool unsampled = options->unsampled && (rows == CEMM_ROWS_CSV || rows == CEMM_ROWS_JSON);
    struct walk *walks = calloc(count + 1, sizeof(*walks));
    int64_t time;

    if (!walks)
        out->error = -ENOMEM;
    for (size_t i = 0; i < count && out->error == 0; i++)
        out->error = begin(&walks[i], documents[i], rows == CEMM_ROWS_INFLUX);
    while (out->error == 0 && (time = next_moment(walks, count)) < INT64_MAX) {
        for (size_t i = 0; i < count; i++)
            if (walks[i].merge.time == time)
                write_moment(out, &walks[i], rows, options);
    }
    for (size_t i = 0; i < count && unsampled; i++)
        for (size_t j = 0; j < documents[i]->series_count; j++)
            if (documents[i]->series[j].count == 0)
                row_writers[rows](out, documents[i], &documents[i]->series[j], NULL, options);
    for (size_t i = 0; walks && i < count; i++)
        free(walks[i].sorted);
    free(walks);
}

int cemm_render_joined(const struct cemm_document *const *documents, size_t count,
                       enum cemm_rows rows, const struct cemm_render_options *options,
                       char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);

    write_joined(&out, documents, count, rows, options);
    return cemm_buffer_steal(&out, ret_text, ret_length);
}

static int print_json(const struct cemm_document *document, char **ret_text, size_t *ret_length)
{
    struct json_object *root = cemm_document_json(document);
    int r = root ? cemm_json_print(root, ret_text, ret_length) : -ENOMEM;

    cemm_json_put(root, document->length);
    return r;
}

int cemm_render(const struct cemm_document *document, enum cemm_format format,
                const struct cemm_zone *zone, char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);

    switch (format) {
    case CEMM_FORMAT_JSON:
        return print_json(document, ret_text, ret_length);
    case CEMM_FORMAT_CSV:
        cemm_write_csv(&out, document, zone);
        break;
    case CEMM_FORMAT_OPENMETRICS:
        cemm_write_openmetrics(&out, document);
        break;
    }
    return cemm_buffer_steal(&out, ret_text, ret_length);
}
