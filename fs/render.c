/*
 * Documents to files. What a document looks like as text is the library's
 * business; which part of it a file shows, and which time the file has, is
 * decided here.
 */
#include "fs/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct snapshot *snapshot_of_text(char *text, size_t size, int64_t modified)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (!snapshot) {
        free(text);
        return NULL;
    }
    snapshot->references = 1;
    snapshot->bytes = text;
    snapshot->size = size;
    snapshot->modified = modified;
    snapshot->fetched = modified;
    return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    snapshot->references++;
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (!snapshot || --snapshot->references > 0)
        return;
    free(snapshot->bytes);
    free(snapshot->source);
    free(snapshot);
}

static const struct cemm_series *find_series(const struct cemm_document *document,
                                             const char *channel)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(series[i].channel, channel) == 0)
            return &series[i];
    }
    return NULL;
}

/* The bare value. A channel that was never read is an empty file: there is no number to show. */
static int render_channel(const struct cemm_series *series, char **ret_text, size_t *ret_length)
{
    const struct cemm_sample *newest =
        series->count > 0 ? &series->samples[series->count - 1] : NULL;
    size_t length = newest ? newest->text_length : 0;
    char *text = malloc(length + 2);

    if (!text)
        return -ENOMEM;
    if (newest) {
        memcpy(text, newest->text, length);
        text[length++] = '\n';
    }
    text[length] = '\0';
    *ret_text = text;
    *ret_length = length;
    return 0;
}

/* Closed periods end when they ended; what still changes is as old as its newest sample. */
static int64_t modified_at(const struct place *place, const struct cemm_document *document,
                           const struct cemm_series *channel, const struct tree_clock *clock)
{
    int64_t newest = cemm_document_newest(document);

    if (place->kind == PLACE_PERIOD && clock->now >= tree_closed_at(place, clock->zone))
        return cemm_period_end(clock->zone, &place->period) * 1000;
    if (channel)
        newest = channel->count > 0 ? channel->samples[channel->count - 1].time : 0;
    return newest > 0 ? newest : cemm_document_fetched(document);
}

int snapshot_render(const struct place *place, const struct cemm_document *document,
                    const struct tree_clock *clock, struct snapshot **ret_snapshot)
{
    const struct cemm_series *channel = NULL;
    struct snapshot *snapshot;
    char *text;
    size_t length;
    int result;

    if (place->kind == PLACE_CHANNEL) {
        channel = find_series(document, place->channel);
        if (!channel)
            return -ENOENT;
        result = render_channel(channel, &text, &length);
    } else {
        result = cemm_render(document, place->form, clock->zone, &text, &length);
    }
    if (result < 0)
        return result;
    snapshot = snapshot_of_text(text, length, modified_at(place, document, channel, clock));
    if (!snapshot)
        return -ENOMEM;
    snapshot->fetched = cemm_document_fetched(document);
    snapshot->empty = cemm_document_newest(document) == 0;
    snapshot->source = strdup(cemm_document_source(document));
    if (!snapshot->source) {
        snapshot_unref(snapshot);
        return -ENOMEM;
    }
    *ret_snapshot = snapshot;
    return 0;
}
