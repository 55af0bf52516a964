/*
 * Readings that wait for collectd: filled by the loop's thread, emptied by
 * collectd's read threads, one look (a read callback) at a time.
 */
#ifndef CEMM_COLLECTD_QUEUE_H
#define CEMM_COLLECTD_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/frontend.h"

/* Readings that wait, besides those that a look has taken: a sweep of 30,000 devices. */
#define QUEUE_MAX 262144

struct block;

struct reading {
    TAILQ_ENTRY(reading) next;
    struct cemm_ledger_entry *entry;
    const struct block *block; /* that it is given for */
    uint64_t answer;           /* its number; no answer has a series twice */
    int64_t time;              /* the meter's own, Unix milliseconds */
    double value;              /* in the API's unit */
    int64_t held_until;        /* by hold_put(), then by looks; monotonic milliseconds, 0: is not */
};

struct readings {
    TAILQ_HEAD(reading_list, reading) list; /* the oldest first */
    size_t count;
};

void readings_init(struct readings *readings);
void readings_add(struct readings *readings, struct reading *reading);
struct reading *readings_take(struct readings *readings); /* the oldest of at least one */
void readings_free(struct readings *readings);            /* all that are in there */

/*
 * The first reading of a series whose own interval is not known yet
 * is held until the second one tells it: the step of an RRD is the interval of
 * its first value, for good. It is not held for long, because a meter may be
 * asleep. All are held equally long, so the first in the list expires first.
 */
#define HOLD_MS  120000
#define HOLD_MAX QUEUE_MAX /* the next sweep may release all of them */

struct hold {
    struct readings readings;
    void *series; /* a tree of the same, by series: a fleet's first sweep is held as a whole */
};

void hold_init(struct hold *hold);
void hold_free(struct hold *hold); /* and all that are held */

/* Holds a reading at `now`, monotonic milliseconds. False: there are too many, one of the series is
 * held already, or there is no memory, and the caller keeps it. */
bool hold_put(struct hold *hold, struct reading *reading, int64_t now);

/* Takes the held reading of a series, which the caller frees. NULL: none is held. */
struct reading *hold_take(struct hold *hold, struct cemm_ledger_entry *entry);

/* Takes a reading that was held for long enough, which the caller frees. NULL: none. */
struct reading *hold_expired(struct hold *hold, int64_t now);

/* When the next one expires; INT64_MAX: none is held. */
int64_t hold_due(const struct hold *hold);

struct queue {
    struct readings fresh; /* of the thread that puts them */
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct readings waiting; /* this and what follows under lock */
    int64_t expected;        /* no readings before this, monotonic milliseconds */
};

int queue_init(struct queue *queue); /* 0 or a negative errno */
void queue_destroy(struct queue *queue);

/* Takes ownership of the reading, which queue_tell() passes on. Both are for one thread. */
void queue_put(struct queue *queue, struct reading *reading);

/* Passes on what was put, and wakes the look that waits for it; until `expected` (monotonic
 * milliseconds) no more will come. Returns how many of the oldest readings were dropped. */
size_t queue_tell(struct queue *queue, int64_t expected);

struct look {
    struct queue *queue;
    int64_t until;         /* monotonic microseconds */
    int64_t next;          /* when the next look begins, monotonic milliseconds */
    struct readings taken; /* that it has still to dispatch */
    struct readings left;  /* for the next look, before those */
    void *meters;          /* whose readings it has dispatched: a tree of pointers to their uids */
    struct reading *last;  /* NULL: none yet */
};

/* Begins a look; the next one begins in `every` milliseconds. It waits for what comes, but not
 * if nothing will before the next one, and no longer than three quarters of the time until then: so
 * most readings are taken as they come, and a stop does not wait long for a look. */
void look_begin(struct look *look, struct queue *queue, int64_t every);

/* The oldest reading of a meter that no earlier answer has brought in this look, nor one that is
 * held until later. NULL: none has come while the look lasted; or all others are for the next one.
 * It is valid until the next call.
 */
const struct reading *look_next(struct look *look);

void look_end(struct look *look);

#endif
