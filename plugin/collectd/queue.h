/*
 * What has arrived and waits for collectd to fetch it: written by the thread
 * that does the I/O, emptied by collectd's read threads.
 */
#ifndef CEMM_COLLECTD_QUEUE_H
#define CEMM_COLLECTD_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/collectd/state.h"

#define QUEUE_MAX       32768 /* readings that wait */
#define QUEUE_TAKEN_MAX 5000  /* of these, at a time */

struct block;

struct reading {
    struct reading *next;
    const struct block *block; /* that it is given for */
    uint64_t answer;           /* that brought it: no answer holds a series twice */
    bool followed;             /* its minutes count: see backfill.h */
    struct series series;
    struct cemm_identity identity;
    int64_t time; /* the meter's own, Unix milliseconds */
    double value; /* in the identity's unit */
};

struct queue {
    pthread_mutex_t lock;
    struct reading *head;
    struct reading **tail;
    size_t count;
};

int queue_init(struct queue *queue); /* 0 or a negative errno */
void queue_destroy(struct queue *queue);

/* Takes the reading. False if the oldest one had to go for it. */
bool queue_put(struct queue *queue, struct reading *reading);

/* The oldest readings, in the order they came, up to a series that a later answer has brought once
 * more; NULL: none. The caller frees each. */
struct reading *queue_take(struct queue *queue);

#endif
