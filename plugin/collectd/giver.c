/*
 * Old values must not go through collectd's queue: its cache, its thresholds
 * and the writers of current values would take them for the present. So each
 * goes straight to the writer that was named (plugin_write).
 *
 * A writer is free to block; so this is a thread of its own. It is joined when
 * collectd stops, which the writers outlive.
 *
 * A value counts as given once the writer has taken it and has been told to
 * pass it on (flush): what waits in its buffer would be lost with a kill -9.
 * Then it is in the state file at once. For a writer to which that is much
 * work, several values are flushed together.
 */
#include "plugin/collectd/giver.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/collectd/give.h"
#include "plugin/collectd/locks.h"
#include "plugin/collectd/thread.h"

#define PACE_US      500   /* between two values: current ones want to be written, too */
#define KEEP_MS      10000 /* between two looks at the state file, where nothing is new */
#define SLOW_US      5000  /* a flush that takes longer is done less often */
#define TOGETHER_MAX 64    /* values that are flushed together at most */

struct giver {
    struct state *state;
    void (*done)(void *data);
    void *data;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* this and all below under lock */
    bool news;
    struct batch *waiting;
    struct batch **waiting_end;
    struct batch *finished;
    struct batch **finished_end;
};

/* ---- time ---------------------------------------------------------------------- */

static int64_t microseconds(void)
{
    struct timespec now = locks_ahead(0);

    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Waits a little; true if the end has come. */
static bool rest(struct giver *giver, int64_t us)
{
    struct timespec until = locks_ahead(us);
    bool stopping;

    pthread_mutex_lock(&giver->lock);
    while (!giver->stopping &&
           pthread_cond_timedwait(&giver->wake, &giver->lock, &until) != ETIMEDOUT)
        ;
    stopping = giver->stopping;
    pthread_mutex_unlock(&giver->lock);
    return stopping;
}

/* ---- giving ---------------------------------------------------------------------- */

bool giver_is_live(const struct block *block, const struct cemm_identity *identity)
{
    value_t none = {.gauge = 0};
    value_list_t list = give_list(block, identity, 0, &none);
    const data_set_t *set = plugin_get_ds(list.type);
    value_t *values = set ? uc_get_value(set, &list) : NULL;

    free(values);
    return values != NULL;
}

static int give(const struct batch *batch, const struct row *row)
{
    value_t value = {.gauge = row->value};
    value_list_t list = give_list(batch->block, &batch->identity, row->time, &value);
    int status;

    list.meta = meta_data_create(); /* some writers look into it unasked */
    if (!list.meta)
        return ENOMEM;
    status = plugin_write(batch->writer, NULL, &list);
    meta_data_destroy(list.meta);
    return status;
}

/* The values from `given` to `end` have left the writer's buffer, and count. Returns how long that
 * took. */
static int64_t settle(struct giver *giver, struct batch *batch, size_t end)
{
    int64_t begun = microseconds();

    plugin_flush(batch->writer, 0, NULL);
    begun = microseconds() - begun;
    while (batch->given < end)
        state_given(giver->state, batch->writer, &batch->series, batch->rows[batch->given++].time);
    state_keep(giver->state, false);
    return begun;
}

static void give_all(struct giver *giver, struct batch *batch)
{
    size_t together = 1;
    size_t next = 0;

    if (!giver_is_live(batch->block, &batch->identity))
        batch->status = GIVER_NOT_LIVE;
    while (batch->status == 0 && next < batch->count) {
        batch->status = give(batch, &batch->rows[next]);
        if (batch->status == 0)
            next++;
        if (next - batch->given >= together && settle(giver, batch, next) > SLOW_US &&
            together < TOGETHER_MAX)
            together *= 2;
        if (rest(giver, PACE_US))
            break;
    }
    if (next > batch->given)
        settle(giver, batch, next);
}

/* ---- the thread ---------------------------------------------------------------------- */

/* The next batch, or NULL if there is none before it is time to look at the state file. */
static struct batch *wait_for_batch(struct giver *giver)
{
    struct timespec until = locks_ahead(KEEP_MS * INT64_C(1000));
    struct batch *batch;

    pthread_mutex_lock(&giver->lock);
    while (!giver->stopping && !giver->news && !giver->waiting &&
           pthread_cond_timedwait(&giver->wake, &giver->lock, &until) != ETIMEDOUT)
        ;
    giver->news = false;
    batch = giver->stopping ? NULL : giver->waiting;
    if (batch) {
        giver->waiting = batch->next;
        if (!giver->waiting)
            giver->waiting_end = &giver->waiting;
        batch->next = NULL;
    }
    pthread_mutex_unlock(&giver->lock);
    return batch;
}

static void finish(struct giver *giver, struct batch *batch)
{
    pthread_mutex_lock(&giver->lock);
    *giver->finished_end = batch;
    giver->finished_end = &batch->next;
    pthread_mutex_unlock(&giver->lock);
    giver->done(giver->data);
}

static bool stopping(struct giver *giver)
{
    bool result;

    pthread_mutex_lock(&giver->lock);
    result = giver->stopping;
    pthread_mutex_unlock(&giver->lock);
    return result;
}

static void *run(void *data)
{
    struct giver *giver = data;

    while (!stopping(giver)) {
        struct batch *batch = wait_for_batch(giver);

        state_keep(giver->state, false);
        if (batch) {
            give_all(giver, batch);
            finish(giver, batch);
        }
    }
    state_keep(giver->state, true);
    return NULL;
}

/* ---- for the others ---------------------------------------------------------------------- */

struct giver *giver_start(struct state *state, void (*done)(void *data), void *data)
{
    struct giver *giver = calloc(1, sizeof(*giver));
    int r = -ENOMEM;

    if (giver) {
        *giver = (struct giver){.state = state, .done = done, .data = data};
        giver->waiting_end = &giver->waiting;
        giver->finished_end = &giver->finished;
        r = locks_init(&giver->lock, &giver->wake);
    }
    if (r == 0)
        r = thread_start(&giver->thread, run, giver, "cemm history");
    if (r == 0)
        return giver;
    plugin_log(LOG_ERR, "cemm plugin: cannot start: %s", strerror(-r));
    free(giver);
    return NULL;
}

static void free_batches(struct batch *batch)
{
    while (batch) {
        struct batch *next = batch->next;

        free(batch);
        batch = next;
    }
}

void giver_stop(struct giver *giver)
{
    if (!giver)
        return;
    pthread_mutex_lock(&giver->lock);
    giver->stopping = true;
    pthread_cond_signal(&giver->wake);
    pthread_mutex_unlock(&giver->lock);
    pthread_join(giver->thread, NULL);
    free_batches(giver->waiting);
    free_batches(giver->finished);
    pthread_cond_destroy(&giver->wake);
    pthread_mutex_destroy(&giver->lock);
    free(giver);
}

void giver_give(struct giver *giver, struct batch *batch)
{
    batch->next = NULL;
    pthread_mutex_lock(&giver->lock);
    *giver->waiting_end = batch;
    giver->waiting_end = &batch->next;
    pthread_cond_signal(&giver->wake);
    pthread_mutex_unlock(&giver->lock);
}

struct batch *giver_take(struct giver *giver)
{
    struct batch *batch;

    pthread_mutex_lock(&giver->lock);
    batch = giver->finished;
    if (batch) {
        giver->finished = batch->next;
        if (!giver->finished)
            giver->finished_end = &giver->finished;
    }
    pthread_mutex_unlock(&giver->lock);
    return batch;
}

void giver_nudge(struct giver *giver)
{
    pthread_mutex_lock(&giver->lock);
    giver->news = true;
    pthread_cond_signal(&giver->wake);
    pthread_mutex_unlock(&giver->lock);
}
