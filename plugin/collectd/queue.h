/*
 * Answers that wait for collectd. The loop's thread adds them, and calls of the
 * read callback take them, one call at a time. Times are monotonic milliseconds
 * unless stated otherwise.
 */
#ifndef CEMM_COLLECTD_QUEUE_H
#define CEMM_COLLECTD_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/frontend.h"

/* Bytes of answers that wait: a sweep of 30,000 devices, and more. */
#define QUEUE_MAX (32u << 20)

struct block;

struct meter_name {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE]; /* "": the device itself */
};

/* A sample that is to be dispatched. */
struct reading {
    struct cemm_ledger_entry *entry;
    int64_t time; /* the meter's own, Unix milliseconds */
    double value; /* in the API's unit */
    bool first;   /* to be held back: the interval of its series is not known yet */
};

/* What collectd's thread needs from an answer: documents stay in the loop's thread. */
struct answer {
    TAILQ_ENTRY(answer) next;
    struct meter_name meter;
    const struct block *block; /* the block that asked for it */
    int64_t ended;             /* when it came */
    int64_t not_before;        /* when it may be dispatched; 0: at once */
    int result;
    char message[128];               /* why it failed; truncated, because it is only for people */
    char source[CEMM_NAME_SIZE + 8]; /* who sent the document; "": there is no document */

    /* The members below are set only if there is a document. */
    char type[CEMM_NAME_SIZE]; /* of the meter */
    int64_t took;              /* milliseconds */
    int64_t newest;            /* time of its newest sample, Unix milliseconds; 0: none */
    unsigned cadence;          /* answer_set_cadence(): seconds; 0: not known */
    size_t count;
    struct reading readings[]; /* of different series, or of one in the order of their times */
};

/* A series of the meter is measured every `cadence` seconds; 0: not known. The one that is measured
 * most often counts, except those of `totals`. */
void answer_set_cadence(struct answer *answer, const struct cemm_series *series, unsigned cadence);

TAILQ_HEAD(answer_list, answer);

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct answer_list waiting; /* the oldest first; this and what follows under lock */
    struct answer_list left;    /* those that the call under way leaves to a later one; older */
    size_t size;      /* bytes of all answers, including those that a call has taken or left */
    int64_t expected; /* no answer comes before this */
};

void queue_init(struct queue *queue);
void queue_destroy(struct queue *queue);

/* Takes ownership of an answer from malloc(). False: the oldest ones were dropped to make room. */
bool queue_put(struct queue *queue, struct answer *answer);

/* Wakes the call that waits for answers. No more will come before `expected`. */
void queue_tell(struct queue *queue, int64_t expected);

/*
 * Hands the oldest answer about each meter to `take`, which may set `not_before`
 * and return false to leave it to a later call. Other answers about that meter
 * wait behind it.
 *
 * The next call begins in `every` milliseconds. This call waits for answers for
 * three quarters of that, so that values are dispatched as they come and a stop
 * does not wait long. If no answer can come before the next call, it only takes
 * those that are there.
 */
void queue_hand_over(struct queue *queue, int64_t every,
                     bool (*take)(void *data, struct answer *answer), void *data);

/*
 * First readings that are held back until the second one tells how often the
 * series is measured: the step of an RRD is the interval of its first value, for
 * good. They are not held for long, because a meter may be asleep.
 */
#define HOLD_MS  120000
#define HOLD_MAX 262144 /* readings: those of 30,000 devices */

struct held {
    TAILQ_ENTRY(held) next;
    const struct block *block;
    struct reading reading;
    int64_t until;
};

struct hold {
    TAILQ_HEAD(held_list, held) list; /* the first one expires first */
    size_t count;
    void *tree; /* of the same readings, by series */
};

void hold_init(struct hold *hold);
void hold_free(struct hold *hold); /* with all readings that it holds */

/* Holds a reading from `now` on. False: there are too many, one of the series is held already, or
 * there is no memory. */
bool hold_put(struct hold *hold, const struct block *block, const struct reading *reading,
              int64_t now);

/* Take the held reading of a series, or one that has expired by `now`. NULL: there is none. The
 * caller frees it. */
struct held *hold_take(struct hold *hold, struct cemm_ledger_entry *entry);
struct held *hold_expired(struct hold *hold, int64_t now);

#endif
