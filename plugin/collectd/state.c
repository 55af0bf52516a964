/*
 * Two promises of spec §5 hang on this file: what was given once is not given
 * again, and what was not is still known to be missing, also after a kill -9.
 *
 * So whatever is given becomes a line, and lines are added to the file as soon
 * as the thread that keeps it comes round, which is at once. Now and then the
 * file is written anew, so that it does not grow for ever, and to the disk, in
 * case the machine itself stops.
 *
 * The lock is held for memory only, never while the disk is waited for:
 * collectd's read threads come by here.
 */
#include "plugin/collectd/state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/collectd/host.h"

#define WHOLE_MS  300000    /* between two times that the file is written anew */
#define LINES_MAX (1 << 20) /* bytes that may wait for the file; beyond, it is written anew */
#define GROWN_MAX (8 << 20) /* bytes added to it, likewise */
#define LIVE      ""        /* the taker of what goes through collectd's queue */

struct state {
    pthread_mutex_t lock;
    struct cemm_minutes *minutes;
    const char *file;
    char *const *takers;
    size_t taker_count;
    char *lines; /* not in the file yet */
    size_t length;
    size_t room;
    bool dirty; /* the file lacks what is not in `lines` either */
    /* Of the thread that keeps the file: */
    size_t grown;
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
    free(state->lines);
    free(state);
}

void state_load(struct state *state)
{
    struct cemm_words words = {""};
    int r = cemm_minutes_load(state->minutes, state->file, &words);

    if (r < 0 || (r == CEMM_ABSENT && state->taker_count))
        plugin_log(r == CEMM_ABSENT ? LOG_INFO : LOG_WARNING, "cemm plugin: %s", words.text);
}

/* ---- lines ---------------------------------------------------------------------- */

static bool make_room(struct state *state, size_t more)
{
    size_t room = state->room ? state->room : 4096;
    char *lines;

    while (room - state->length < more)
        room *= 2;
    if (room == state->room)
        return true;
    lines = room <= LINES_MAX ? realloc(state->lines, room) : NULL;
    if (!lines)
        return false;
    state->lines = lines;
    state->room = room;
    return true;
}

/* Locked. What finds no room is in the file when that is written anew. */
static void add_line(struct state *state, const struct cemm_minutes_key *key, int64_t time,
                     bool newest)
{
    char line[CEMM_MINUTES_LINE_SIZE];
    int length = cemm_minutes_line(key, time, newest, line);

    if (length < 0)
        return;
    if (!make_room(state, (size_t)length)) {
        state->dirty = true;
        return;
    }
    memcpy(state->lines + state->length, line, (size_t)length);
    state->length += (size_t)length;
}

static struct cemm_minutes_key key_of(const char *taker, const struct series *series)
{
    return (struct cemm_minutes_key){taker, &series->uid, series->alias, series->channel};
}

/* Locked. */
static void mark(struct state *state, const char *taker, const struct series *series, int64_t time)
{
    struct cemm_minutes_key key = key_of(taker, series);

    if (cemm_minutes_mark(state->minutes, &key, time) == 1)
        add_line(state, &key, time, false);
}

/* ---- what the threads say and ask --------------------------------------------------- */

bool state_repeats(struct state *state, const struct series *series, int64_t time)
{
    struct cemm_minutes_key key = key_of(LIVE, series);
    bool repeats;

    pthread_mutex_lock(&state->lock);
    repeats = cemm_minutes_newest(state->minutes, &key) == time;
    pthread_mutex_unlock(&state->lock);
    return repeats;
}

void state_live(struct state *state, const struct series *series, int64_t time, bool followed)
{
    struct cemm_minutes_key key = key_of(LIVE, series);

    pthread_mutex_lock(&state->lock);
    if (cemm_minutes_note(state->minutes, &key, time) == 0)
        add_line(state, &key, time, true);
    for (size_t i = 0; followed && i < state->taker_count; i++)
        mark(state, state->takers[i], series, time);
    pthread_mutex_unlock(&state->lock);
}

void state_given(struct state *state, const char *taker, const struct series *series, int64_t time)
{
    pthread_mutex_lock(&state->lock);
    mark(state, taker, series, time);
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

static void write_whole(struct state *state)
{
    struct cemm_words words = {"no memory to write the state file"};
    size_t length;
    char *text;
    int r;

    pthread_mutex_lock(&state->lock);
    r = cemm_minutes_text(state->minutes, cemm_clock_wall(), &text, &length);
    if (r == 0) {
        state->length = 0; /* all of that stands in the text */
        state->dirty = false;
    }
    pthread_mutex_unlock(&state->lock);
    if (r == 0) {
        r = cemm_minutes_store(state->file, text, length, &words);
        free(text);
    }
    complain(state, r, words.text);
    state->written = cemm_clock_steady();
    state->grown = 0;
}

/* The lines that wait, which are then the caller's; NULL: none. */
static char *take_lines(struct state *state, size_t *ret_length, bool *ret_dirty)
{
    char *lines = NULL;

    pthread_mutex_lock(&state->lock);
    *ret_dirty = state->dirty;
    *ret_length = state->length;
    if (state->length) {
        lines = state->lines;
        state->lines = NULL;
        state->length = 0;
        state->room = 0;
    }
    pthread_mutex_unlock(&state->lock);
    return lines;
}

static void add_to_file(struct state *state, const char *lines, size_t length)
{
    if (state->complained)
        return; /* it is written anew by and by, or cannot be */
    if (cemm_minutes_append(state->file, lines, length) < 0)
        write_whole(state); /* it has been removed, or half a line stands in it */
    else
        state->grown += length;
}

void state_keep(struct state *state, bool whole)
{
    size_t length;
    bool dirty;
    char *lines = take_lines(state, &length, &dirty);
    bool news = dirty || lines || state->grown || state->complained;
    bool due = !state->written || cemm_clock_steady() - state->written >= WHOLE_MS ||
               (dirty && !state->complained) || state->grown >= GROWN_MAX;

    if ((whole || due) && (news || !state->written))
        write_whole(state);
    else if (lines)
        add_to_file(state, lines, length);
    free(lines);
}
