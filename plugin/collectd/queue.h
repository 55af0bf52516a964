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

#include "plugin/collectd/identify.h"

#define QUEUE_MAX 16384 /* readings that wait, of one block */

struct reading {
    struct reading *next;
    uint64_t sweep; /* the sweep that brought it; later ones have greater numbers */
    struct identity identity;
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

/* The readings of the oldest sweep, in the order they came; NULL: none. The caller frees each. */
struct reading *queue_take(struct queue *queue);

#endif
