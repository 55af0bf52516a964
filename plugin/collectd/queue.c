/*
 * The bridge between the thread that does the I/O and collectd's.
 *
 * It is bounded: a collectd that stops reading must not make us eat its
 * memory. The oldest readings go first, for it is the present that is watched.
 *
 * It gives one sweep at a time, because collectd's write threads run side by
 * side: of two samples of one series dispatched in one go, the newer one may
 * be written first, and the older one is then "too old". A sweep holds a
 * series once.
 */
#include "plugin/collectd/queue.h"

#include <stdlib.h>

int queue_init(struct queue *queue)
{
    *queue = (struct queue){.tail = &queue->head};
    return -pthread_mutex_init(&queue->lock, NULL);
}

void queue_destroy(struct queue *queue)
{
    while (queue->head) {
        struct reading *reading = queue->head;

        queue->head = reading->next;
        free(reading);
    }
    pthread_mutex_destroy(&queue->lock);
}

bool queue_put(struct queue *queue, struct reading *reading)
{
    struct reading *oldest = NULL;

    reading->next = NULL;
    pthread_mutex_lock(&queue->lock);
    *queue->tail = reading;
    queue->tail = &reading->next;
    if (queue->count < QUEUE_MAX) {
        queue->count++;
    } else {
        oldest = queue->head;
        queue->head = oldest->next;
    }
    pthread_mutex_unlock(&queue->lock);
    free(oldest);
    return !oldest;
}

struct reading *queue_take(struct queue *queue)
{
    struct reading *taken;
    struct reading **end = &queue->head;

    pthread_mutex_lock(&queue->lock);
    taken = queue->head;
    while (*end && (*end)->sweep == taken->sweep) {
        end = &(*end)->next;
        queue->count--;
    }
    if (taken) {
        queue->head = *end;
        *end = NULL;
        if (!queue->head)
            queue->tail = &queue->head;
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}
