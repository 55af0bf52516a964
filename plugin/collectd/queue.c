/*
 * The bridge between the thread that does the I/O and collectd's.
 *
 * It is bounded: a collectd that stops reading must not make us eat its
 * memory. The oldest readings go first, for it is the present that is watched.
 *
 * It gives a series once at a time, because collectd's write threads run side
 * by side: of two samples of one series dispatched in one go, the newer one may
 * be written first, and the older one is then "too old". An answer holds a series
 * once; but two blocks may reach one device, so there is one queue for all.
 */
#include "plugin/collectd/queue.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

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

static int compare(const void *left, const void *right)
{
    const struct cemm_identity *a = &((const struct reading *)left)->identity;
    const struct cemm_identity *b = &((const struct reading *)right)->identity;
    int order = strcmp(a->plugin_instance, b->plugin_instance);

    return order ? order : strcmp(a->type_instance, b->type_instance);
}

static void keep(void *reading)
{
    (void)reading;
}

/* Where the readings end that may be given together: many take as long as a look may (see
 * HANDOVER_MS), and without memory to tell series apart it is one. */
static struct reading **find_end(struct reading **end, size_t *ret_count)
{
    void *series = NULL;

    *ret_count = 0;
    while (*end && *ret_count < QUEUE_TAKEN_MAX) {
        struct reading *const *same = tsearch(*end, &series, compare);

        if (same ? (*same)->answer != (*end)->answer : *ret_count > 0)
            break;
        end = &(*end)->next;
        ++*ret_count;
    }
    tdestroy(series, keep);
    return end;
}

struct reading *queue_take(struct queue *queue)
{
    struct reading *taken;
    struct reading **end;
    size_t count;

    pthread_mutex_lock(&queue->lock);
    taken = queue->head;
    end = find_end(&queue->head, &count);
    queue->count -= count;
    if (taken) {
        queue->head = *end;
        *end = NULL;
        if (!queue->head)
            queue->tail = &queue->head;
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}
