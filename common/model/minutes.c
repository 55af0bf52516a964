/*
 * Remembers, per series, which minutes have been given, and so tells which
 * are missing: what Backfill and `cemm stream --state` live on.
 *
 * A series that runs well is one stretch of minutes that grows at its end, and
 * an outage is the gap between two. So stretches are kept, not bits: a series
 * takes a few bytes, whatever the window. That leaves room to remember more
 * than the window, so that it may be made wider between two runs.
 *
 * Who was given a minute is part of the key: a taker that was away misses
 * other minutes than one that was not.
 */
#include "common/model/minutes.h"

#include "common/base/limits.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)

/* A minute that has only just ended may still come live. */
#define SETTLE_MS INT64_C(60000)

struct cemm_minutes *cemm_minutes_new(int64_t window)
{
    struct cemm_minutes *minutes = calloc(1, sizeof(*minutes));

    if (!minutes)
        return NULL;
    minutes->window = window > CEMM_WINDOW_MAX ? CEMM_WINDOW_MAX : window;
    minutes->lines = (struct cemm_buffer)CEMM_BUFFER_INIT(CEMM_LINES_MAX);
    minutes->behind = true;
    return minutes;
}

static void given_free(void *key)
{
    struct cemm_given *given = cemm_record_of(key, sizeof(*given));

    free(given->stretches);
    free(given);
}

void cemm_minutes_clear(struct cemm_minutes *minutes)
{
    tdestroy(minutes->tree, given_free);
    minutes->tree = NULL;
    cemm_buffer_clear(&minutes->lines);
    minutes->behind = true;
}

void cemm_minutes_free(struct cemm_minutes *minutes)
{
    if (!minutes)
        return;
    cemm_minutes_clear(minutes);
    free(minutes);
}

/* ---- series ------------------------------------------------------------------- */

static struct cemm_given *find(const struct cemm_minutes *minutes,
                               const struct cemm_minutes_key *key)
{
    return cemm_record_find(&minutes->tree, sizeof(struct cemm_given), key);
}

struct cemm_given *cemm_minutes_entry(struct cemm_minutes *minutes,
                                      const struct cemm_minutes_key *key)
{
    return cemm_record_get(&minutes->tree, sizeof(struct cemm_given), key);
}

/* ---- stretches ---------------------------------------------------------------- */

/* The first stretch that ends at `minute` or after it. */
static uint32_t place(const struct cemm_given *given, int32_t minute)
{
    uint32_t low = 0;
    uint32_t high = given->count;

    if (high && given->stretches[high - 1].until < minute)
        return high; /* what is new comes at the end, most of the time */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (given->stretches[middle].until < minute)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void drop(struct cemm_given *given, uint32_t at, uint32_t count)
{
    memmove(given->stretches + at, given->stretches + at + count,
            (given->count - at - count) * sizeof(*given->stretches));
    given->count -= count;
}

/* The gap between the two oldest counts as given: rather a gap than a value twice. */
static void join_oldest(struct cemm_given *given)
{
    given->stretches[1].from = given->stretches[0].from;
    drop(given, 0, 1);
}

static int insert(struct cemm_given *given, uint32_t at, struct cemm_stretch added)
{
    if (given->count == given->room) {
        uint32_t room = given->room ? 2 * given->room : 2;
        struct cemm_stretch *stretches = reallocarray(given->stretches, room, sizeof(*stretches));
        if (!stretches)
            return -ENOMEM;
        given->stretches = stretches;
        given->room = room;
    }
    memmove(given->stretches + at + 1, given->stretches + at,
            (given->count - at) * sizeof(*given->stretches));
    given->stretches[at] = added;
    given->count++;
    if (given->count > CEMM_STRETCHES_MAX)
        join_oldest(given);
    return 1;
}

int cemm_given_add(struct cemm_given *given, struct cemm_stretch added)
{
    uint32_t first = place(given, added.from);
    uint32_t end = first;

    while (end < given->count && given->stretches[end].from <= added.until)
        end++;
    if (first == end)
        return insert(given, first, added);
    struct cemm_stretch *joined = &given->stretches[first];
    if (joined->from <= added.from && joined->until >= added.until)
        return 0;
    if (joined->from < added.from)
        added.from = joined->from;
    if (given->stretches[end - 1].until > added.until)
        added.until = given->stretches[end - 1].until;
    *joined = added;
    drop(given, first + 1, end - first - 1);
    return 1;
}

/* ---- as the façade shows them --------------------------------------------------- */

static bool time_valid(int64_t time)
{
    return time >= CEMM_TIME_MIN && time <= CEMM_TIME_MAX;
}

bool cemm_minutes_followed(const char *channel)
{
    return strcmp(channel, "electric_power") == 0 || strcmp(channel, "flow") == 0;
}

int cemm_minutes_mark(struct cemm_minutes *minutes, const struct cemm_minutes_key *key,
                      int64_t time)
{
    struct cemm_given *given = time_valid(time) ? cemm_minutes_entry(minutes, key) : NULL;
    int32_t minute = (int32_t)(time / MINUTE_MS);

    if (!given)
        return -ENOMEM;
    int r = cemm_given_add(given, (struct cemm_stretch){minute, minute + 1});
    if (r > 0)
        cemm_minutes_tell(minutes, given, time, false);
    return r;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool cemm_minutes_missing(const struct cemm_minutes *minutes, const struct cemm_minutes_key *key,
                          int64_t from, int64_t now, int64_t *ret_from, int64_t *ret_until)
{
    const struct cemm_given *given = find(minutes, key);
    int64_t window = (now - minutes->window * 1000 + MINUTE_MS - 1) / MINUTE_MS;
    int64_t minute = later(from > 0 ? (from + MINUTE_MS - 1) / MINUTE_MS : 0, window);
    int64_t until = (now - SETTLE_MS) / MINUTE_MS;

    if (!time_valid(now) || minute >= until)
        return false;
    uint32_t at = given ? place(given, (int32_t)minute + 1) : 0;
    if (given && at < given->count && given->stretches[at].from <= minute)
        minute = given->stretches[at++].until;
    if (given && at < given->count && given->stretches[at].from < until)
        until = given->stretches[at].from;
    if (minute >= until)
        return false;
    *ret_from = minute * MINUTE_MS;
    *ret_until = until * MINUTE_MS;
    return true;
}

int cemm_minutes_note(struct cemm_minutes *minutes, const struct cemm_minutes_key *key,
                      int64_t time)
{
    struct cemm_given *given = time_valid(time) ? cemm_minutes_entry(minutes, key) : NULL;

    if (!given)
        return -ENOMEM;
    if (time > given->newest) {
        given->newest = time;
        cemm_minutes_tell(minutes, given, time, true);
    }
    return 0;
}

int64_t cemm_minutes_newest(const struct cemm_minutes *minutes, const struct cemm_minutes_key *key,
                            int64_t now)
{
    const struct cemm_given *given = find(minutes, key);

    return given && given->newest <= now + CEMM_AHEAD_MAX ? given->newest : 0;
}
