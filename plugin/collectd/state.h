/*
 * What has been given, in memory and in the state file. From any thread.
 */
#ifndef CEMM_COLLECTD_STATE_H
#define CEMM_COLLECTD_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cemm.h"

struct state;

/* A series of samples. */
struct series {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    char channel[CEMM_NAME_SIZE];
};

/* `takers` are the writers of history; texts and array must outlive it. `window` in seconds. Does
 * no I/O. NULL: no memory. */
struct state *state_new(const char *file, int64_t window, char *const *takers, size_t count);
void state_free(struct state *state); /* NULL is allowed */

/* Reads the file. That it is damaged is logged, or, where history hangs on it, not there. It is
 * only written if something is given in this run. Returns 0, or -ENOMEM: not to be gone on with,
 * for what the file says would be lost. */
int state_load(struct state *state);

/* Whether this sample is not newer than the last one that was given before this run. */
bool state_repeats(struct state *state, const struct series *series, int64_t time);

/* A live sample has been handed to collectd, and so to all takers. `followed`: its minutes count.
 */
void state_live(struct state *state, const struct series *series, int64_t time, bool followed);

/* A minute has been given to one taker. */
void state_given(struct state *state, const char *taker, const struct series *series, int64_t time);

/* As cemm_minutes_missing(). */
bool state_missing(struct state *state, const char *taker, const struct series *series,
                   int64_t from, int64_t now, int64_t *ret_from, int64_t *ret_until);

/* As cemm_minutes_pick(). */
struct cemm_document *state_pick(struct state *state, const char *taker,
                                 const struct cemm_document *day, const char *channel);

/* Writes what is new to the file; now and then, or if `whole`, all of it. Waits for the disk: for
 * one thread that may. */
void state_keep(struct state *state, bool whole);

#endif
