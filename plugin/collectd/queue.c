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

/* Forgets the last reading, unless it is a meter's first: that is what later ones are held to. */
static void move_on(struct look *look, struct reading *next, bool is_first)
{
    if (!look->last_is_first)
        free(look->last);
    look->last = next;
    look->last_is_first = is_first;
}

/* Whether the reading is for this look; without memory to tell meters apart, one is. */
static bool take(struct look *look, struct reading *reading)
{
    struct reading **first = NULL;
    bool same_answer = look->last && look->last->answer == reading->answer;

    if (!same_answer) {
        first = tsearch(reading, &look->meters, compare);
        if (first ? *first != reading : look->last != NULL)
            return false;
    }
    move_on(look, reading, first != NULL);
    return true;
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
    struct reading *reading;

    pthread_mutex_lock(&queue->lock);
    while (!queue->head &&
           pthread_cond_timedwait(&queue->arrived, &queue->lock, &look->until) != ETIMEDOUT)
        ;
    reading = queue->head;
    if (reading && !is_over(look) && take(look, reading)) {
        queue->head = reading->next;
        if (!queue->head)
            queue->tail = &queue->head;
        queue->count--;
    } else {
        reading = NULL;
    }
    pthread_mutex_unlock(&queue->lock);
    return reading;
}

void look_end(struct look *look)
{
    move_on(look, NULL, false);
    tdestroy(look->meters, free);
}
