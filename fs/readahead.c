/*
 * Only closed days are read ahead, of data and totals, within their month:
 * they are fetched once, so a needless day costs one request. The longer the
 * run, the further.
 */
#include "fs/readahead.h"

#include <string.h>

/* A failure shows when the day is read. */
static void on_answer(void *data, const struct cemm_answer *answer)
{
    (void)data;
    (void)answer;
}

static bool is_same_history(const struct path *a, const struct path *b)
{
    return a->kind == b->kind && a->history == b->history &&
           strcmp(a->uid.text, b->uid.text) == 0 && strcmp(a->alias, b->alias) == 0;
}

static struct readahead_stream *stream_of(struct readahead *readahead, const struct path *path)
{
    struct readahead_stream *oldest = &readahead->streams[0];
    for (size_t i = 0; i < READAHEAD_STREAMS; i++) {
        struct readahead_stream *stream = &readahead->streams[i];
        if (is_same_history(&stream->last, path))
            return stream;
        if (stream->used < oldest->used)
            oldest = stream;
    }
    *oldest = (struct readahead_stream){.last = *path, .run = 0};
    return oldest;
}

/* False if it is the same day again, in its other form. */
static bool follow(struct readahead_stream *stream, const struct path *path)
{
    struct cemm_period next = cemm_period_step(&stream->last.period, 1);
    bool first = stream->run == 0;
    if (!first && cemm_period_compare(&path->period, &stream->last.period) == 0)
        return false;
    stream->run = !first && cemm_period_compare(&path->period, &next) == 0 ? stream->run + 1 : 1;
    stream->last = *path;
    return true;
}

static void ask(struct cemm *cemm, const struct path *path, const struct tree_clock *clock)
{
    int64_t since = clock->now - tree_closed_at(path, clock->zone);
    struct cemm_query query;
    if (tree_query(path, &query) && !cemm_archived(cemm, &query))
        (void)cemm_get_later(cemm, &query, since * 1000, on_answer, NULL, NULL);
}

void readahead_after(struct readahead *readahead, struct cemm *cemm, struct tree_clock clock,
                     const struct path *path)
{
    struct path next = *path;
    int month = path->period.month;
    if (path->kind != PATH_PERIOD || path->period.span != CEMM_DAY ||
        clock.now < tree_closed_at(path, clock.zone))
        return;
    struct readahead_stream *stream = stream_of(readahead, path);
    stream->used = ++readahead->step;
    if (!follow(stream, path) || stream->run < 2)
        return;
    for (int i = 0; i < stream->run && i < READAHEAD_MAX; i++) {
        next.period = cemm_period_step(&next.period, 1);
        if (next.period.month != month || clock.now <= tree_closed_at(&next, clock.zone))
            break;
        ask(cemm, &next, &clock);
    }
}
