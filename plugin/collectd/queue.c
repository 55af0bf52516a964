/*
 * The queue between the loop's thread and collectd's threads.
 *
 * It is bounded, so that memory does not grow if collectd stops reading. The
 * oldest answers are dropped first, because current values matter most.
 *
 * A call dispatches the values of one answer about a meter, because collectd's
 * write threads run in parallel: if two samples of one series are dispatched
 * together, the newer one may be written first, and the older one is then "too
 * old". Two blocks may reach one device, so there is one queue for all.
 */
#include "plugin/collectd/queue.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/threads.h"

static void answers_init(struct answers *answers)
{
    STAILQ_INIT(&answers->list);
    answers->size = 0;
}

static size_t size_of(const struct answer *answer)
{
    return sizeof(*answer) + answer->count * sizeof(answer->readings[0]);
}

static void answers_add(struct answers *answers, struct answer *answer)
{
    STAILQ_INSERT_TAIL(&answers->list, answer, next);
    answers->size += size_of(answer);
}

/* The oldest of at least one. */
static struct answer *answers_take(struct answers *answers)
{
    struct answer *answer = STAILQ_FIRST(&answers->list);

    STAILQ_REMOVE_HEAD(&answers->list, next);
    answers->size -= size_of(answer);
    return answer;
}

static void answers_move(struct answers *from, struct answers *behind)
{
    STAILQ_CONCAT(&behind->list, &from->list);
    behind->size += from->size;
    from->size = 0;
}

static void answers_free(struct answers *answers)
{
    while (answers->size)
        free(answers_take(answers));
}

/* ---- the queue ---------------------------------------------------------------------- */

int queue_init(struct queue *queue)
{
    answers_init(&queue->waiting);
    queue->expected = 0;
    return threads_init(&queue->lock, &queue->arrived);
}

void queue_destroy(struct queue *queue)
{
    answers_free(&queue->waiting);
    pthread_cond_destroy(&queue->arrived);
    pthread_mutex_destroy(&queue->lock);
}

bool queue_put(struct queue *queue, struct answer *answer)
{
    bool full = false;

    pthread_mutex_lock(&queue->lock);
    answers_add(&queue->waiting, answer);
    while (queue->waiting.size > QUEUE_MAX) {
        free(answers_take(&queue->waiting));
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

/* ---- calls -------------------------------------------------------------------------- */

void read_call_begin(struct read_call *call, struct queue *queue, int64_t every)
{
    int64_t now = cemm_clock_steady();

    *call = (struct read_call){.queue = queue, .until = now + every * 3 / 4, .next = now + every};
    answers_init(&call->taken);
    answers_init(&call->left);
    answers_init(&call->sent);
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
    const struct meter_name **found = tsearch(&answer->meter, &call->meters, compare);

    return found && *found == &answer->meter && answer->not_before <= cemm_clock_steady();
}

/* Waits for answers while the call lasts and some may come, and takes all of them. */
static void fetch(struct read_call *call)
{
    struct queue *queue = call->queue;

    pthread_mutex_lock(&queue->lock);
    while (!queue->waiting.size && queue->expected < call->next &&
           threads_wait(&queue->arrived, &queue->lock, call->until))
        ;
    answers_move(&queue->waiting, &call->taken);
    pthread_mutex_unlock(&queue->lock);
}

/* Keeps the answer that was sent last, because the tree points to its meter. */
static void keep_last(struct read_call *call)
{
    if (call->last)
        answers_add(&call->sent, call->last);
    call->last = NULL;
}

struct answer *read_call_next(struct read_call *call)
{
    keep_last(call);
    if (!call->taken.size && !call->left.size)
        fetch(call);
    while (call->taken.size && cemm_clock_steady() < call->until) {
        struct answer *answer = answers_take(&call->taken);

        if (has_turn(call, answer))
            return call->last = answer;
        answers_add(&call->left, answer);
    }
    return NULL;
}

void read_call_leave(struct read_call *call, int64_t not_before)
{
    call->last->not_before = not_before;
    answers_add(&call->left, call->last);
    call->last = NULL;
}

static void nothing(void *data)
{
    (void)data;
}

void read_call_end(struct read_call *call)
{
    struct queue *queue = call->queue;

    keep_last(call);
    /* What it leaves is older than the answers that have come since. */
    answers_move(&call->taken, &call->left);
    pthread_mutex_lock(&queue->lock);
    answers_move(&queue->waiting, &call->left);
    answers_move(&call->left, &queue->waiting);
    pthread_mutex_unlock(&queue->lock);
    tdestroy(call->meters, nothing);
    answers_free(&call->sent);
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
