/*
 * The bridge between the thread that does the I/O and collectd's.
 *
 * It is bounded: a collectd that stops reading must not make us eat its
 * memory. The oldest readings go first, for it is the present that is watched.
 *
 * A look gives a series once, because collectd's write threads run side by
 * side: of two samples of one series dispatched in one go, the newer one may be
 * written first, and the older one is then "too old". An answer holds a series
 * once; but two blocks may reach one device, so there is one queue for all.
 */
#include "plugin/collectd/queue.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/locks.h"

int queue_init(struct queue *queue)
{
    *queue = (struct queue){.tail = &queue->head};
    return locks_init(&queue->lock, &queue->arrived);
}

void queue_destroy(struct queue *queue)
{
    while (queue->head) {
        struct reading *reading = queue->head;

        queue->head = reading->next;
        free(reading);
    }
    pthread_cond_destroy(&queue->arrived);
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

void queue_tell(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->head)
        pthread_cond_signal(&queue->arrived);
    pthread_mutex_unlock(&queue->lock);
}

void look_begin(struct look *look, struct queue *queue, int64_t us)
{
    *look = (struct look){.queue = queue, .until = locks_ahead(us)};
}

static int compare(const void *left, const void *right)
{
    const struct series *a = &((const struct reading *)left)->series;
    const struct series *b = &((const struct reading *)right)->series;
    int order = strcmp(a->uid.text, b->uid.text);

    return order ? order : strcmp(a->alias, b->alias);
}

/* Without memory to tell meters apart, one reading is a look. */
static bool may_give(struct look *look, const struct reading *reading)
{
    const struct reading *const *first;

    if (look->given && look->given->answer == reading->answer)
        return true;
    first = tsearch(reading, &look->meters, compare);
    return first ? *first == reading : !look->given;
}

static bool is_over(const struct look *look)
{
    struct timespec now = locks_ahead(0);

    return now.tv_sec > look->until.tv_sec ||
           (now.tv_sec == look->until.tv_sec && now.tv_nsec >= look->until.tv_nsec);
}

const struct reading *look_next(struct look *look)
{
    struct queue *queue = look->queue;
    struct reading *reading = NULL;

    pthread_mutex_lock(&queue->lock);
    while (!queue->head &&
           pthread_cond_timedwait(&queue->arrived, &queue->lock, &look->until) != ETIMEDOUT)
        ;
    if (queue->head && !is_over(look) && may_give(look, queue->head)) {
        reading = queue->head;
        queue->head = reading->next;
        if (!queue->head)
            queue->tail = &queue->head;
        queue->count--;
        reading->next = look->given;
        look->given = reading;
    }
    pthread_mutex_unlock(&queue->lock);
    return reading;
}

static void keep(void *reading)
{
    (void)reading;
}

void look_end(struct look *look)
{
    tdestroy(look->meters, keep);
    while (look->given) {
        struct reading *reading = look->given;

        look->given = reading->next;
        free(reading);
    }
}
