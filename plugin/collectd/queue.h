/*
 * The queue of answers for collectd. The loop's thread adds answers, and the
 * read callback takes them; only one call of it runs at a time. Times are
 * monotonic milliseconds unless stated otherwise.
 */
#ifndef CEMM_COLLECTD_QUEUE_H
#define CEMM_COLLECTD_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/frontend.h"

/* The limit for the bytes of all answers: more than a sweep of 30,000 devices needs. */
#define QUEUE_MAX (32u << 20)

struct block;

struct meter_name {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE]; /* "": the device itself */
};

/* A sample that is to be dispatched. */
struct reading {
    struct cemm_ledger_entry *entry;
    int64_t time; /* by the meter's clock, Unix milliseconds */
    double value; /* in the API's unit */
    bool hold;    /* it must be held back, because the interval of its series is not known yet */
};

/* The parts of an answer that collectd's thread needs; documents stay in the loop's thread. */
struct answer {
    TAILQ_ENTRY(answer) next;
    struct meter_name meter;
    const struct block *block; /* the block that asked for it */
    int64_t ended;             /* when it arrived */
    int64_t not_before;        /* it must not be dispatched before this; 0: no limit */
    int result;
    char message[128];               /* why it failed; truncated, because it is only for people */
    char source[CEMM_NAME_SIZE + 8]; /* who sent the document; "": there is no document */

    /* The members below are set only if there is a document. */
    char type[CEMM_NAME_SIZE]; /* what the meter measures */
    int64_t took;              /* how long the request took, in milliseconds */
    int64_t newest;            /* time of its newest sample, Unix milliseconds; 0: none */
    unsigned cadence;          /* seconds between samples; see answer_set_cadence(); 0: not known */
    size_t count;
    struct reading readings[]; /* those of the same series are in the order of their times */
};

/* Keeps `cadence`, the seconds between two samples of the series (0: not known), if it is the
 * shortest so far. Ignores series from the document's member `totals`. */
void answer_set_cadence(struct answer *answer, const struct cemm_series *series, unsigned cadence);

TAILQ_HEAD(answer_list, answer);

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct answer_list waiting;  /* oldest first; the lock protects this and the members below */
    struct answer_list leftover; /* older answers that the current call leaves for a later call */
    size_t size;                 /* bytes of all answers, including the one that is being taken */
    int64_t expected;            /* no answer will arrive before this */
};

void queue_init(struct queue *queue);
void queue_destroy(struct queue *queue);

/* Adds an answer from malloc(), which the queue then owns. Returns how many answers were dropped,
 * the oldest first, because the queue was full. */
size_t queue_put(struct queue *queue, struct answer *answer);

/* Wakes the call that waits for answers. No further answer will arrive before `expected`. */
void queue_tell(struct queue *queue, int64_t expected);

/*
 * Hands the oldest answer about each meter to `take`, which may set `not_before`
 * and return false to leave the answer for a later call. Newer answers about the
 * same meter wait behind it.
 *
 * Calls begin `interval_ms` apart. A call waits for answers and dispatches
 * values as they arrive, but only for three quarters of `interval_ms`, so that
 * collectd can stop quickly. If no answer can arrive before the next call
 * begins, this call takes the queued answers and does not wait.
 */
void queue_hand_over(struct queue *queue, int64_t interval_ms,
                     bool (*take)(void *data, struct answer *answer), void *data);

/*
 * The first reading of a series is held back until the second one tells how
 * often the series is measured, because the interval of the first value becomes
 * the step of an RRD for good. After HOLD_MS, the first one is dispatched anyway.
 */
#define HOLD_MS  120000
#define HOLD_MAX 262144 /* readings, enough for 30,000 devices */

struct held {
    TAILQ_ENTRY(held) next;
    const struct block *block;
    struct reading reading;
    int64_t until;
};

struct hold {
    TAILQ_HEAD(held_list, held) list; /* sorted by `until` */
    size_t count;
    void *tree; /* the same readings, sorted by series */
};

void hold_init(struct hold *hold);
void hold_free(struct hold *hold); /* also frees the readings that are held */

/* Holds a copy of a reading. False: too many readings are held, or there already is
 * one of the same series, or there is no memory. */
bool hold_put(struct hold *hold, const struct block *block, const struct reading *reading,
              int64_t now);

/* Remove and return the held reading of a series, or one that has expired by `now`. NULL: there is
 * none. The caller frees it. */
struct held *hold_take(struct hold *hold, struct cemm_ledger_entry *entry);
struct held *hold_expired(struct hold *hold, int64_t now);

#endif
