/*
 * The thread that gives history to its writers, and keeps the state file:
 * both may have to wait, which neither collectd's threads nor the loop may.
 */
#ifndef CEMM_COLLECTD_GIVER_H
#define CEMM_COLLECTD_GIVER_H

#include <stddef.h>
#include <stdint.h>

#include "plugin/collectd/config.h"
#include "plugin/collectd/state.h"

struct giver;

struct row {
    int64_t time; /* Unix milliseconds */
    double value; /* in the identity's unit */
};

/* Minutes of one series for one writer, oldest first. */
struct batch {
    struct batch *next;
    void *owner; /* the caller's */
    const char *writer;
    const struct block *block;
    struct cemm_identity identity;
    struct series series;
    size_t count;
    size_t given; /* how many the writer took, from the first on */
    int status;   /* 0, what the writer returned, or GIVER_NOT_LIVE */
    struct row rows[];
};

#define GIVER_NOT_LIVE (-1000) /* collectd does not know the series just now */

/* Starts the thread; `done` is called by it when there is a batch to be taken back. NULL: it is
 * logged why. `state` must outlive it. */
struct giver *giver_start(struct state *state, void (*done)(void *data), void *data);

/* Ends the thread after the value that it is just giving, and frees all. NULL is allowed. */
void giver_stop(struct giver *giver);

/* Hands a batch over, which comes back. */
void giver_give(struct giver *giver, struct batch *batch);

/* One that is done; the caller frees it. NULL: none. */
struct batch *giver_take(struct giver *giver);

/* There is something new in the state. */
void giver_nudge(struct giver *giver);

/* Whether collectd has a value of the series that is not too old: only then may old ones be given.
 */
bool giver_is_live(const struct block *block, const struct cemm_identity *identity);

#endif
