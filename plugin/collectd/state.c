/*
 * Two promises of spec §5 hang on this file: what was given once is not given
 * again, and what was not is still known to be missing, also after a kill -9.
 *
 * So whatever is given becomes a line, and lines are added to the file as soon
 * as the thread that keeps it comes round, which is at once. Now and then the
 * file is written anew, so that it does not grow for ever, and to the disk, in
 * case the machine itself stops. A run that gives nothing leaves the file alone:
 * `collectd -T` may run beside a collectd that is at work.
 *
 * The lock is held for memory only, never while the disk is waited for:
 * collectd's read threads come by here.
 */
#include "plugin/collectd/state.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/host.h"

#define WHOLE_MS 300000 /* between two times that the file is written anew */
#define LIVE     ""     /* the taker of what goes through collectd's queue */

struct state {
    pthread_mutex_t lock;
    struct cemm_minutes *minutes;
    bool gave; /* anything, in this run */
    const char *file;
    char *const *takers;
    size_t taker_count;
    /* Of the thread that keeps the file: */
    int64_t written; /* monotonic milliseconds; 0: never */
    bool complained;
};

struct state *state_new(const char *file, int64_t window, char *const *takers, size_t count)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state)
        return NULL;
    *state = (struct state){.file = file, .takers = takers, .taker_count = count};
    state->minutes = cemm_minutes_new(window);
    if (!state->minutes || pthread_mutex_init(&state->lock, NULL) != 0) {
        cemm_minutes_free(state->minutes);
        free(state);
        return NULL;
    }
    return state;
}

void state_free(struct state *state)
{
    if (!state)
        return;
    pthread_mutex_destroy(&state->lock);
    cemm_minutes_free(state->minutes);
    free(state);
}

int state_load(struct state *state)
{
    struct cemm_words words = {""};
    int r = cemm_minutes_load(state->minutes, state->file, &words);

    if (r == -ENOMEM)
        return r;
    if (r < 0 || (r == CEMM_ABSENT && state->taker_count))
        plugin_log(r == CEMM_ABSENT ? LOG_INFO : LOG_WARNING, "cemm plugin: %s", words.text);
    return 0;
}

static struct cemm_minutes_key key_of(const char *taker, const struct series *series)
{
    return (struct cemm_minutes_key){taker, &series->uid, series->alias, series->channel};
}

/* ---- what the threads say and ask --------------------------------------------------- */

bool state_repeats(struct state *state, const struct series *series, int64_t time)
{
    struct cemm_minutes_key key = key_of(LIVE, series);
    int64_t newest;

    pthread_mutex_lock(&state->lock);
    newest = cemm_minutes_newest(state->minutes, &key, cemm_clock_wall());
    pthread_mutex_unlock(&state->lock);
    return time <= newest;
}

void state_live(struct state *state, const struct series *series, int64_t time, bool followed)
{
    struct cemm_minutes_key key = key_of(LIVE, series);

    pthread_mutex_lock(&state->lock);
    state->gave = true;
    /* Without memory for it, it is given once more after a restart. */
    (void)cemm_minutes_note(state->minutes, &key, time);
    for (size_t i = 0; followed && i < state->taker_count; i++) {
        key.taker = state->takers[i];
        (void)cemm_minutes_mark(state->minutes, &key, time);
    }
    pthread_mutex_unlock(&state->lock);
}

void state_given(struct state *state, const char *taker, const struct series *series, int64_t time)
{
    struct cemm_minutes_key key = key_of(taker, series);

    pthread_mutex_lock(&state->lock);
    state->gave = true;
    (void)cemm_minutes_mark(state->minutes, &key, time);
    pthread_mutex_unlock(&state->lock);
}

bool state_missing(struct state *state, const char *taker, const struct series *series,
                   int64_t from, int64_t now, int64_t *ret_from, int64_t *ret_until)
{
    struct cemm_minutes_key key = key_of(taker, series);
    bool missing;

    pthread_mutex_lock(&state->lock);
    missing = cemm_minutes_missing(state->minutes, &key, from, now, ret_from, ret_until);
    pthread_mutex_unlock(&state->lock);
    return missing;
}

struct cemm_document *state_pick(struct state *state, const char *taker,
                                 const struct cemm_document *day, const char *channel)
{
    struct cemm_document *picked;

    pthread_mutex_lock(&state->lock);
    picked = cemm_minutes_pick(state->minutes, taker, day, channel, SIZE_MAX, cemm_clock_wall());
    pthread_mutex_unlock(&state->lock);
    return picked;
}

/* ---- the file ---------------------------------------------------------------------- */

static void complain(struct state *state, int r, const char *words)
{
    if (r < 0 && !state->complained)
        plugin_log(LOG_ERR, "cemm plugin: %s: after a restart it will not be known what was given",
                   words);
    else if (r == 0 && state->complained)
        plugin_log(LOG_INFO, "cemm plugin: state file %s can be written again", state->file);
    state->complained = r < 0;
}

/* What is new, or, now and then, all of it: 0, or a negative errno with words. */
static int keep(struct state *state, bool whole, struct cemm_words *words)
{
    struct cemm_minutes_news news = {0};
    int r = 0;

    pthread_mutex_lock(&state->lock);
    if (state->gave)
        r = cemm_minutes_take(state->minutes, whole, cemm_clock_wall(), &news);
    pthread_mutex_unlock(&state->lock);
    if (r < 0)
        return r;
    if (news.whole)
        state->written = cemm_clock_steady();
    r = cemm_minutes_write(&news, state->file, words);
    pthread_mutex_lock(&state->lock);
    cemm_minutes_settle(state->minutes, &news, r);
    pthread_mutex_unlock(&state->lock);
    return r;
}

void state_keep(struct state *state, bool whole)
{
    struct cemm_words words = {"no memory to write the state file"};
    bool due = cemm_clock_steady() - state->written >= WHOLE_MS;
    bool failing = state->complained;
    int r;

    if (failing && !whole && !due)
        return; /* it can't be written, or hardly */
    r = keep(state, whole || due, &words);
    if (r < 0 && !failing)
        r = keep(state, true, &words); /* it was removed, or half a line stands in it */
    complain(state, r, words.text);
}
