/*
 * The queue between the loop's thread and collectd's threads.
 *
 * It is bounded, so that memory does not grow if collectd stops reading. The
 * oldest answers are dropped first, because current values matter most.
 *
 * A call dispatches at most one answer about each meter, because collectd's
 * write threads run in parallel: if two samples of one series are dispatched
 * together, the newer one may be written first, and the older one is then "too
 * old". Two blocks may reach one device, so there is one queue for all.
 */
#include "plugin/collectd/queue.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void answer_measured(struct answer *answer, const struct cemm_series *series, unsigned cadence)
{
    if (!series->total && cadence > 0 && (answer->cadence == 0 || cadence < answer->cadence))
        answer->cadence = cadence;
}

static size_t size_of(const struct answer *answer)
{
    return sizeof(*answer) + answer->count * sizeof(answer->readings[0]);
}

/* All of these under the lock. */

static void insert(struct queue *queue, struct answer *answer, struct answer *before)
{
    if (before)
        TAILQ_INSERT_BEFORE(before, answer, next);
    else
        TAILQ_INSERT_TAIL(&queue->waiting, answer, next);
    queue->size += size_of(answer);
}

static struct answer *take(struct queue *queue, struct answer *answer)
{
    if (queue->unseen == answer)
        queue->unseen = TAILQ_NEXT(answer, next);
    TAILQ_REMOVE(&queue->waiting, answer, next);
    queue->size -= size_of(answer);
    return answer;
}

/* ---- the queue ---------------------------------------------------------------------- */

void queue_init(struct queue *queue)
{
    *queue = (struct queue){
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .arrived = PTHREAD_COND_INITIALIZER,
        .waiting = TAILQ_HEAD_INITIALIZER(queue->waiting),
    };
}

void queue_destroy(struct queue *queue)
{
    while (queue->size)
        free(take(queue, TAILQ_FIRST(&queue->waiting)));
    pthread_cond_destroy(&queue->arrived);
    pthread_mutex_destroy(&queue->lock);
}

bool queue_put(struct queue *queue, struct answer *answer)
{
    bool full = false;

    pthread_mutex_lock(&queue->lock);
    insert(queue, answer, NULL);
    if (!queue->unseen)
        queue->unseen = answer;
    while (queue->size > QUEUE_MAX) {
        free(take(queue, TAILQ_FIRST(&queue->waiting)));
        full = true;
    }
    pthread_mutex_unlock(&queue->lock);
    return !full;
}

void queue_tell(struct queue *queue, int64_t expected)
{
    pthread_mutex_lock(&queue->lock);
    queue->expected = expected;
    pthread_cond_signal(&queue->arrived);
    pthread_mutex_unlock(&queue->lock);
}

bool queue_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until)
{
    const struct timespec end = {
        .tv_sec = (time_t)(until / 1000),
        .tv_nsec = (long)(until % 1000 * 1000000),
    };

    return pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, &end) != ETIMEDOUT;
}

/* ---- calls -------------------------------------------------------------------------- */

void read_call_begin(struct read_call *call, struct queue *queue, int64_t every)
{
    int64_t now = cemm_clock_steady();

    *call = (struct read_call){.queue = queue, .until = now + every * 3 / 4, .next = now + every};
    pthread_mutex_lock(&queue->lock);
    queue->unseen = TAILQ_FIRST(&queue->waiting);
    pthread_mutex_unlock(&queue->lock);
}

static int compare(const void *left, const void *right)
{
    const struct meter_name *a = left;
    const struct meter_name *b = right;
    int r = strcmp(a->uid.text, b->uid.text);

    return r ? r : strcmp(a->alias, b->alias);
}

/* Whether it is the turn of an answer: the first about its meter in this call, and not for later.
 * If memory runs out, it waits for the next call. */
static bool has_turn(struct read_call *call, const struct answer *answer)
{
    struct meter_name *meter = NULL;

    if (!tfind(&answer->meter, &call->meters, compare))
        meter = malloc(sizeof(*meter));
    if (!meter)
        return false;
    *meter = answer->meter;
    if (tsearch(meter, &call->meters, compare))
        return answer->not_before <= cemm_clock_steady();
    free(meter);
    return false;
}

struct answer *read_call_next(struct read_call *call)
{
    struct queue *queue = call->queue;

    free(call->answer);
    call->answer = NULL;
    pthread_mutex_lock(&queue->lock);
    while (!queue->size && queue->expected < call->next &&
           queue_wait(&queue->arrived, &queue->lock, call->until))
        ;
    while (queue->unseen && !call->answer && cemm_clock_steady() < call->until) {
        struct answer *answer = queue->unseen;

        queue->unseen = TAILQ_NEXT(answer, next);
        if (has_turn(call, answer))
            call->answer = take(queue, answer);
    }
    pthread_mutex_unlock(&queue->lock);
    return call->answer;
}

void read_call_defer(struct read_call *call, int64_t not_before)
{
    struct queue *queue = call->queue;

    call->answer->not_before = not_before;
    pthread_mutex_lock(&queue->lock);
    insert(queue, call->answer, queue->unseen); /* before newer ones of its meter */
    pthread_mutex_unlock(&queue->lock);
    call->answer = NULL;
}

void read_call_end(struct read_call *call)
{
    free(call->answer);
    tdestroy(call->meters, free);
}

/* ---- held --------------------------------------------------------------------------- */

static int compare_series(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const struct held *)left)->reading.entry;
    uintptr_t b = (uintptr_t)((const struct held *)right)->reading.entry;

    return (a > b) - (a < b);
}

void hold_init(struct hold *hold)
{
    *hold = (struct hold){.list = TAILQ_HEAD_INITIALIZER(hold->list)};
}

static struct held *hold_remove(struct hold *hold, struct held *held)
{
    tdelete(held, &hold->series, compare_series);
    TAILQ_REMOVE(&hold->list, held, next);
    hold->count--;
    return held;
}

void hold_free(struct hold *hold)
{
    while (hold->count)
        free(hold_remove(hold, TAILQ_FIRST(&hold->list)));
}

bool hold_put(struct hold *hold, const struct block *block, const struct reading *reading,
              int64_t now)
{
    struct held *held = hold->count < HOLD_MAX ? malloc(sizeof(*held)) : NULL;
    struct held **place;

    if (!held)
        return false;
    *held = (struct held){.block = block, .reading = *reading, .until = now + HOLD_MS};
    place = tsearch(held, &hold->series, compare_series);
    if (!place || *place != held) {
        free(held);
        return false;
    }
    TAILQ_INSERT_TAIL(&hold->list, held, next);
    hold->count++;
    return true;
}

struct held *hold_take(struct hold *hold, struct cemm_ledger_entry *entry)
{
    const struct held key = {.reading.entry = entry};
    struct held **found = tfind(&key, &hold->series, compare_series);

    return found ? hold_remove(hold, *found) : NULL;
}

struct held *hold_expired(struct hold *hold, int64_t now)
{
    struct held *first = TAILQ_FIRST(&hold->list);

    return first && first->until <= now ? hold_remove(hold, first) : NULL;
}
