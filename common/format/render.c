/*
 * Documents as text. Several are joined in the order of time: each is walked by
 * its own merge, and the next moment is the earliest of all.
 */
#include "common/format/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A document that is being written. */
struct walk {
    const struct cemm_document *document;
    struct cemm_series *sorted; /* NULL: walked in its own order */
    struct cemm_merge merge;
    bool live; /* its current moment has not been written */
};

static cemm_write_row *const writers[] = {
    [CEMM_ROWS_CSV] = cemm_write_csv_row,
    [CEMM_ROWS_JSON] = cemm_write_json_row,
    [CEMM_ROWS_PUTVAL] = cemm_write_putval_row,
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
    walk->live = cemm_merge_next(&walk->merge);
    return 0;
}

/* Finds the earliest remaining moment; false at the end. */
static bool next_moment(const struct walk *walks, size_t count, int64_t *ret_time)
{
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        if (!walks[i].live || (found && walks[i].merge.time >= *ret_time))
            continue;
        *ret_time = walks[i].merge.time;
        found = true;
    }
    return found;
}

/* Writes the rows of a walk's current moment, and goes on. */
static void write_moment(struct cemm_buffer *out, struct walk *walk, enum cemm_rows rows,
                         const struct cemm_render_options *options)
{
    const struct cemm_merge *merge = &walk->merge;

    if (rows == CEMM_ROWS_INFLUX)
        cemm_write_influx(out, walk->document, merge);
    for (size_t i = 0; rows != CEMM_ROWS_INFLUX && i < merge->count; i++) {
        const struct cemm_sample *sample = cemm_merge_sample(merge, i);
        if (sample)
            writers[rows](out, walk->document, &merge->series[i], sample, options);
    }
    walk->live = cemm_merge_next(&walk->merge);
}

static void write_unread(struct cemm_buffer *out, const struct cemm_document *document,
                         enum cemm_rows rows, const struct cemm_render_options *options)
{
    for (size_t i = 0; i < document->series_count; i++)
        if (document->series[i].count == 0)
            writers[rows](out, document, &document->series[i], NULL, options);
}

static int write_joined(struct cemm_buffer *out, const struct cemm_document *const *documents,
                        size_t count, enum cemm_rows rows,
                        const struct cemm_render_options *options)
{
    bool unread = options->unread && (rows == CEMM_ROWS_CSV || rows == CEMM_ROWS_JSON);
    struct walk *walks = calloc(count + 1, sizeof(*walks));
    int64_t time = 0;
    int r = 0;

    if (!walks)
        return -ENOMEM;
    for (size_t i = 0; i < count && r == 0; i++)
        r = begin(&walks[i], documents[i], rows == CEMM_ROWS_INFLUX);
    while (r == 0 && out->error == 0 && next_moment(walks, count, &time)) {
        for (size_t i = 0; i < count; i++)
            if (walks[i].live && walks[i].merge.time == time)
                write_moment(out, &walks[i], rows, options);
    }
    for (size_t i = 0; i < count && unread; i++)
        write_unread(out, documents[i], rows, options);
    for (size_t i = 0; i < count; i++)
        free(walks[i].sorted);
    free(walks);
    return r;
}

int cemm_render_joined(const struct cemm_document *const *documents, size_t count,
                       enum cemm_rows rows, const struct cemm_render_options *options,
                       char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);
    int r = write_joined(&out, documents, count, rows, options);

    if (r < 0) {
        cemm_buffer_clear(&out);
        return r;
    }
    return cemm_buffer_steal(&out, ret_text, ret_length);
}

int cemm_render(const struct cemm_document *document, enum cemm_form form,
                const struct cemm_zone *zone, char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);

    switch (form) {
    case CEMM_FORM_JSON:
        cemm_write_json(&out, document);
        break;
    case CEMM_FORM_CSV:
        cemm_write_csv(&out, document, zone);
        break;
    case CEMM_FORM_OPENMETRICS:
        cemm_write_openmetrics(&out, document);
        break;
    }
    return cemm_buffer_steal(&out, ret_text, ret_length);
}
