/*
 * The queue between the loop's thread and collectd's threads.
 *
 * It is bounded, so that memory does not grow if collectd stops reading. The
 * oldest readings are dropped first, because current values matter most.
 *
 * Readings are passed on as a whole list, so that the threads do not compete
 * for the lock at each reading, which would cost more than everything else.
 *
 * A look dispatches a series only once, because collectd's write threads run in
 * parallel: if two samples of one series are dispatched together, the newer one
 * may be written first, and the older one is then "too old". An answer has a
 * series once, but two blocks may reach one device, so there is one queue for
 * all.
 */
#include "plugin/collectd/queue.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/locks.h"

void readings_init(struct readings *readings)
{
    TAILQ_INIT(&readings->list);
    readings->count = 0;
}

void readings_add(struct readings *readings, struct reading *reading)
{
    TAILQ_INSERT_TAIL(&readings->list, reading, next);
    readings->count++;
}

static void readings_move(struct readings *from, struct readings *behind)
{
    TAILQ_CONCAT(&behind->list, &from->list, next);
    behind->count += from->count;
    from->count = 0;
}

static struct reading *readings_remove(struct readings *readings, struct reading *reading)
{
    TAILQ_REMOVE(&readings->list, reading, next);
    readings->count--;
    return reading;
}

struct reading *readings_take(struct readings *readings)
{
    return readings_remove(readings, TAILQ_FIRST(&readings->list));
}

void readings_free(struct readings *readings)
{
    while (readings->count)
        free(readings_take(readings));
}

static int compare(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)left;
    uintptr_t b = (uintptr_t)right;

    return (a > b) - (a < b);
}

static void nothing(void *data)
{
    (void)data;
}

/* ---- held --------------------------------------------------------------------------- */

static int compare_series(const void *left, const void *right)
{
    return compare(((const struct reading *)left)->entry, ((const struct reading *)right)->entry);
}

void hold_init(struct hold *hold)
{
    readings_init(&hold->readings);
    hold->series = NULL;
}

void hold_free(struct hold *hold)
{
    tdestroy(hold->series, nothing);
    readings_free(&hold->readings);
}

bool hold_put(struct hold *hold, struct reading *reading, int64_t now)
{
    struct reading **place;

    if (hold->readings.count == HOLD_MAX)
        return false;
    place = tsearch(reading, &hold->series, compare_series);
    if (!place || *place != reading)
        return false;
    reading->held_until = now + HOLD_MS;
    readings_add(&hold->readings, reading);
    return true;
}

static struct reading *hold_remove(struct hold *hold, struct reading *reading)
{
    tdelete(reading, &hold->series, compare_series);
    return readings_remove(&hold->readings, reading);
}

struct reading *hold_take(struct hold *hold, struct cemm_ledger_entry *entry)
{
    const struct reading key = {.entry = entry};
    struct reading **found = tfind(&key, &hold->series, compare_series);

    return found ? hold_remove(hold, *found) : NULL;
}

struct reading *hold_expired(struct hold *hold, int64_t now)
{
    return hold_due(hold) <= now ? hold_remove(hold, TAILQ_FIRST(&hold->readings.list)) : NULL;
}

int64_t hold_due(const struct hold *hold)
{
    const struct reading *first = TAILQ_FIRST(&hold->readings.list);

    return first ? first->held_until : INT64_MAX;
}

/* ---- the queue ---------------------------------------------------------------------- */

int queue_init(struct queue *queue)
{
    readings_init(&queue->fresh);
    readings_init(&queue->waiting);
    queue->expected = 0;
    return locks_init(&queue->lock, &queue->arrived);
}

void queue_destroy(struct queue *queue)
{
    readings_free(&queue->fresh);
    readings_free(&queue->waiting);
    pthread_cond_destroy(&queue->arrived);
    pthread_mutex_destroy(&queue->lock);
}

void queue_put(struct queue *queue, struct reading *reading)
{
    readings_add(&queue->fresh, reading);
}

size_t queue_tell(struct queue *queue, int64_t expected)
{
    size_t lost = 0;

    pthread_mutex_lock(&queue->lock);
    queue->expected = expected;
    readings_move(&queue->fresh, &queue->waiting);
    for (; queue->waiting.count > QUEUE_MAX; lost++)
        free(readings_take(&queue->waiting));
    pthread_cond_signal(&queue->arrived);
    pthread_mutex_unlock(&queue->lock);
    return lost;
}

/* ---- looks -------------------------------------------------------------------------- */

void look_begin(struct look *look, struct queue *queue, int64_t every)
{
    *look = (struct look){
        .queue = queue,
        .until = locks_now() + every * 1000 * 3 / 4,
        .next = cemm_clock_steady() + every,
    };
    readings_init(&look->taken);
    readings_init(&look->left);
}

/* Whether no earlier answer of this look had this meter. If memory runs out, the look dispatches
 * one answer only. */
static bool is_first(struct look *look, const struct reading *reading)
{
    const struct cemm_uid *meter = cemm_ledger_uid(reading->entry);
    bool known = tfind(meter, &look->meters, compare) != NULL;

    return !known && (tsearch(meter, &look->meters, compare) || !look->last);
}

/* Whether the reading is for this look. */
static bool take(struct look *look, struct reading *reading)
{
    bool same_answer = look->last && look->last->answer == reading->answer;

    if ((!same_answer && !is_first(look, reading)) ||
        (reading->held_until && reading->held_until > cemm_clock_steady()))
        return false;
    free(look->last);
    look->last = reading;
    return true;
}

/* Waits for readings while the look lasts and some may come, and takes all of them. */
static void fetch(struct look *look)
{
    struct queue *queue = look->queue;

    pthread_mutex_lock(&queue->lock);
    while (!queue->waiting.count && queue->expected < look->next &&
           locks_wait(&queue->arrived, &queue->lock, look->until))
        ;
    readings_move(&queue->waiting, &look->taken);
    pthread_mutex_unlock(&queue->lock);
}

const struct reading *look_next(struct look *look)
{
    if (!look->taken.count && !look->left.count)
        fetch(look);
    while (look->taken.count && locks_now() < look->until) {
        struct reading *reading = readings_take(&look->taken);

        if (take(look, reading))
            return reading;
        readings_add(&look->left, reading);
    }
    return NULL;
}

void look_end(struct look *look)
{
    struct queue *queue = look->queue;

    /* What it leaves is older than the readings that have come since. */
    readings_move(&look->taken, &look->left);
    pthread_mutex_lock(&queue->lock);
    readings_move(&queue->waiting, &look->left);
    readings_move(&look->left, &queue->waiting);
    pthread_mutex_unlock(&queue->lock);
    free(look->last);
    tdestroy(look->meters, nothing);
}
