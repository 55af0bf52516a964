/*
 * The queue between the loop's thread and collectd's threads.
 *
 * It is bounded, so that memory does not grow if collectd stops reading. The
 * oldest answers are dropped first, because current values matter most.
 *
 * A call of the read callback dispatches at most one answer about each meter,
 * because collectd's write threads run in parallel: if two samples of one
 * series are dispatched together, the newer one may be written first, and the
 * older one is then refused as "too old". Two blocks may read the same device,
 * so all blocks share one queue.
 */
#include "plugin/collectd/queue.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void answer_set_cadence(struct answer *answer, const struct cemm_series *series, unsigned cadence)
{
    if (!series->total && cadence > 0 && (answer->cadence == 0 || cadence < answer->cadence))
        answer->cadence = cadence;
}

/* ---- the queue ---------------------------------------------------------------------- */

static size_t size_of(const struct answer *answer)
{
    return sizeof(*answer) + answer->count * sizeof(answer->readings[0]);
}

/* Takes the oldest answer from a list; NULL: it is empty. Needs the lock; so does answer_free(). */
static struct answer *take_first(struct answer_list *list)
{
    struct answer *answer = TAILQ_FIRST(list);

    if (answer)
        TAILQ_REMOVE(list, answer, next);
    return answer;
}

static void answer_free(struct queue *queue, struct answer *answer)
{
    queue->size -= size_of(answer);
    free(answer);
}

void queue_init(struct queue *queue)
{
    *queue = (struct queue){
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .arrived = PTHREAD_COND_INITIALIZER,
        .waiting = TAILQ_HEAD_INITIALIZER(queue->waiting),
        .leftover = TAILQ_HEAD_INITIALIZER(queue->leftover),
    };
}

void queue_destroy(struct queue *queue)
{
    while (queue->size)
        answer_free(queue, take_first(&queue->waiting));
    pthread_cond_destroy(&queue->arrived);
    pthread_mutex_destroy(&queue->lock);
}

size_t queue_put(struct queue *queue, struct answer *answer)
{
    pthread_mutex_lock(&queue->lock);
    TAILQ_INSERT_TAIL(&queue->waiting, answer, next);
    queue->size += size_of(answer);
    size_t dropped = 0;
    while (queue->size > QUEUE_MAX &&
           ((answer = take_first(&queue->leftover)) || (answer = take_first(&queue->waiting)))) {
        answer_free(queue, answer);
        dropped++;
    }
    pthread_mutex_unlock(&queue->lock);
    return dropped;
}

void queue_tell(struct queue *queue, int64_t expected)
{
    pthread_mutex_lock(&queue->lock);
    queue->expected = expected;
    pthread_cond_signal(&queue->arrived);
    pthread_mutex_unlock(&queue->lock);
}

/* ---- calls -------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct meter_name *a = left;
    const struct meter_name *b = right;
    int r = strcmp(a->uid.text, b->uid.text);

    return r ? r : strcmp(a->alias, b->alias);
}

/* Whether an answer may be taken: no earlier answer about its meter was seen in this call, and its
 * `not_before` has passed. If there is no memory, the answer waits for the next call. */
static bool has_turn(void **meters, const struct answer *answer)
{
    bool first;

    (void)cemm_tree_get(meters, &answer->meter, sizeof(answer->meter), compare, &first);
    return first && answer->not_before <= cemm_clock_steady();
}

/* Takes the oldest answer; if there is none, waits for one until `until`, unless none is expected
 * before `next_call`. NULL: there is none, or `until` has passed. Needs the lock. */
static struct answer *wait_for_first(struct queue *queue, int64_t until, int64_t next_call)
{
    const struct timespec end = {
        .tv_sec = (time_t)(until / 1000),
        .tv_nsec = (long)(until % 1000 * 1000000),
    };

    while (TAILQ_EMPTY(&queue->waiting) && queue->expected < next_call &&
           pthread_cond_clockwait(&queue->arrived, &queue->lock, CLOCK_MONOTONIC, &end) == 0)
        ;
    return cemm_clock_steady() < until ? take_first(&queue->waiting) : NULL;
}

void queue_hand_over(struct queue *queue, int64_t interval_ms,
                     bool (*take)(void *data, struct answer *answer), void *data)
{
    const int64_t begun = cemm_clock_steady();
    struct answer *answer;
    void *meters = NULL; /* tree of the meters that this call has had an answer about */

    pthread_mutex_lock(&queue->lock);
    while ((answer = wait_for_first(queue, begun + interval_ms * 3 / 4, begun + interval_ms))) {
        pthread_mutex_unlock(&queue->lock);
        bool done = has_turn(&meters, answer) && take(data, answer);
        pthread_mutex_lock(&queue->lock);
        if (done)
            answer_free(queue, answer);
        else
            TAILQ_INSERT_TAIL(&queue->leftover, answer, next);
    }
    /* The answers left over go back to the front, before newer answers about the same meters. */
    TAILQ_CONCAT(&queue->leftover, &queue->waiting, next);
    TAILQ_CONCAT(&queue->waiting, &queue->leftover, next);
    pthread_mutex_unlock(&queue->lock);
    tdestroy(meters, free);
}

/* ---- held readings ------------------------------------------------------------------ */

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
    tdelete(held, &hold->tree, compare_series);
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
    const struct held key = {.block = block, .reading = *reading, .until = now + HOLD_MS};
    bool new;

    if (hold->count == HOLD_MAX)
        return false;
    struct held *held = cemm_tree_get(&hold->tree, &key, sizeof(key), compare_series, &new);
    if (!new)
        return false;
    TAILQ_INSERT_TAIL(&hold->list, held, next);
    hold->count++;
    return true;
}

struct held *hold_take(struct hold *hold, struct cemm_ledger_entry *entry)
{
    const struct held key = {.reading.entry = entry};
    struct held **found = tfind(&key, &hold->tree, compare_series);

    return found ? hold_remove(hold, *found) : NULL;
}

struct held *hold_expired(struct hold *hold, int64_t now)
{
    struct held *first = TAILQ_FIRST(&hold->list);

    return first && first->until <= now ? hold_remove(hold, first) : NULL;
}
