/*
 * Only closed days are read ahead, of data and totals, within their month: they
 * are fetched only once, so an unneeded day costs one request. The longer the
 * run, the more days are fetched.
 */
#include "fs/readahead.h"

#include <string.h>

/* A failure shows when the day is read. */
static void on_answer(void *data, const struct cemm_answer *answer)
{
    (void)data;
    (void)answer;
}

static struct readahead_stream *stream_of(struct readahead *readahead, const struct path *path)
{
    struct readahead_stream *oldest = &readahead->streams[0];
    for (size_t i = 0; i < READAHEAD_STREAMS; i++) {
        struct readahead_stream *stream = &readahead->streams[i];
        const struct path *last = &stream->last;
        if (last->kind == path->kind && last->history == path->history &&
            strcmp(last->uid.text, path->uid.text) == 0 && strcmp(last->alias, path->alias) == 0)
            return stream;
        if (stream->used < oldest->used)
            oldest = stream;
    }
    *oldest = (struct readahead_stream){.last = *path};
    return oldest;
}

void readahead_after(struct readahead *readahead, struct cemm *cemm, struct tree_clock clock,
                     const struct path *path)
{
    if (path->kind != PATH_PERIOD || path->period.span != CEMM_DAY ||
        clock.now < tree_closed_at(path, clock.zone))
        return;
    struct readahead_stream *stream = stream_of(readahead, path);
    struct cemm_period due = cemm_period_step(&stream->last.period, 1);
    stream->used = ++readahead->step;
    if (stream->run > 0 && cemm_period_compare(&path->period, &stream->last.period) == 0)
        return; /* the same day, as .csv or .json */
    stream->run = cemm_period_compare(&path->period, &due) == 0 ? stream->run + 1 : 1;
    stream->last = *path;
    if (stream->run < 2)
        return;
    struct path next = *path;
    for (int i = 0; i < stream->run && i < READAHEAD_MAX; i++) {
        struct cemm_query query;
        next.period = cemm_period_step(&next.period, 1);
        int64_t since = clock.now - tree_closed_at(&next, clock.zone);
        if (next.period.month != path->period.month || since <= 0)
            break;
        if (tree_query(&next, &query) && !cemm_archived(cemm, &query))
            (void)cemm_get_later(cemm, &query, since * 1000, on_answer, NULL, NULL);
    }
}
