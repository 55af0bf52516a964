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
 * Then it is in the state file at once, as is what was dispatched. For a writer
 * to which that is much work, several values are flushed together.
 */
#include "plugin/collectd/history_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/dispatch.h"
#include "plugin/collectd/locks.h"
#include "plugin/collectd/thread.h"

#define PACE_US      500      /* between two values: current ones want to be written, too */
#define SAVE_US      10000000 /* between two looks at the state file, where nothing is new */
#define SLOW_US      5000     /* a flush that takes longer is done less often */
#define TOGETHER_MAX 64       /* values that are flushed together at most */

struct history_writer {
    struct cemm_ledger *ledger;
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

/* ---- the state file -------------------------------------------------------------- */

static void save(struct history_writer *writer, bool whole)
{
    struct cemm_words words = {""};
    int r = cemm_ledger_save(writer->ledger, whole, &words);

    if (r < 0)
        plugin_log(LOG_ERR, "cemm plugin: %s: after a restart it will not be known what was given",
                   words.text);
    else if (r > 0)
        plugin_log(LOG_INFO, "cemm plugin: %s", words.text);
}

/* ---- giving ---------------------------------------------------------------------- */

/* Whether collectd has a value of the series that is not too old: only then may old ones be given.
 */
static bool is_live(const struct batch *batch)
{
    struct value value;
    const data_set_t *set;
    value_t *values;

    if (!dispatch_make(&value, batch->block, batch->entry, 0, 0))
        return false;
    set = plugin_get_ds(value.list.type);
    values = set ? uc_get_value(set, &value.list) : NULL;
    free(values);
    return values != NULL;
}

static int give(const struct batch *batch, const struct cemm_sample *sample)
{
    struct value value;
    int status;

    if (!dispatch_make(&value, batch->block, batch->entry, sample->time, sample->value))
        return EINVAL;
    value.list.meta = meta_data_create(); /* some writers look into it unasked */
    if (!value.list.meta)
        return ENOMEM;
    status = plugin_write(batch->writer, NULL, &value.list);
    meta_data_destroy(value.list.meta);
    return status;
}

/* The values from `given` to `end` have left the writer's buffer, and count. Returns how long that
 * took. */
static int64_t settle(struct history_writer *writer, struct batch *batch, size_t end)
{
    int64_t begun = locks_now();

    plugin_flush(batch->writer, 0, NULL);
    begun = locks_now() - begun;
    while (batch->given < end)
        (void)cemm_ledger_mark(batch->entry, batch->writer, batch->samples[batch->given++].time);
    save(writer, false);
    return begun;
}

/* Waits a little. True: the end has come. */
static bool rest(struct history_writer *writer, int64_t us)
{
    int64_t until = locks_now() + us;
    bool stopping;

    pthread_mutex_lock(&writer->lock);
    while (!writer->stopping && locks_wait(&writer->wake, &writer->lock, until))
        ;
    stopping = writer->stopping;
    pthread_mutex_unlock(&writer->lock);
    return stopping;
}

static void give_all(struct history_writer *writer, struct batch *batch)
{
    size_t together = 1;
    size_t next = 0;

    if (!is_live(batch))
        batch->status = HISTORY_NOT_LIVE;
    while (batch->status == 0 && next < batch->count) {
        batch->status = give(batch, &batch->samples[next]);
        if (batch->status == 0)
            next++;
        if (next - batch->given >= together && settle(writer, batch, next) > SLOW_US &&
            together < TOGETHER_MAX)
            together *= 2;
        if (rest(writer, PACE_US))
            break;
    }
    if (next > batch->given)
        settle(writer, batch, next);
}

/* ---- the thread ---------------------------------------------------------------------- */

/* The next batch, or NULL if there is none before it is time to look at the state file. */
static struct batch *wait_for_batch(struct history_writer *writer)
{
    int64_t until = locks_now() + SAVE_US;
    struct batch *batch;

    pthread_mutex_lock(&writer->lock);
    while (!writer->stopping && !writer->news && !writer->waiting &&
           locks_wait(&writer->wake, &writer->lock, until))
        ;
    writer->news = false;
    batch = writer->stopping ? NULL : writer->waiting;
    if (batch) {
        writer->waiting = batch->next;
        if (!writer->waiting)
            writer->waiting_end = &writer->waiting;
        batch->next = NULL;
    }
    pthread_mutex_unlock(&writer->lock);
    return batch;
}

static void finish(struct history_writer *writer, struct batch *batch)
{
    pthread_mutex_lock(&writer->lock);
    *writer->finished_end = batch;
    writer->finished_end = &batch->next;
    pthread_mutex_unlock(&writer->lock);
    writer->done(writer->data);
}

static bool stopping(struct history_writer *writer)
{
    bool result;

    pthread_mutex_lock(&writer->lock);
    result = writer->stopping;
    pthread_mutex_unlock(&writer->lock);
    return result;
}

static void *run(void *data)
{
    struct history_writer *writer = data;

    while (!stopping(writer)) {
        struct batch *batch = wait_for_batch(writer);

        save(writer, false);
        if (batch) {
            give_all(writer, batch);
            finish(writer, batch);
        }
    }
    save(writer, true);
    return NULL;
}

/* ---- for the others ---------------------------------------------------------------------- */

struct history_writer *history_writer_start(struct cemm_ledger *ledger, void (*done)(void *data),
                                            void *data)
{
    struct history_writer *writer = calloc(1, sizeof(*writer));
    int r = -ENOMEM;

    if (writer) {
        *writer = (struct history_writer){.ledger = ledger, .done = done, .data = data};
        writer->waiting_end = &writer->waiting;
        writer->finished_end = &writer->finished;
        r = locks_init(&writer->lock, &writer->wake);
    }
    if (r == 0)
        r = thread_start(&writer->thread, run, writer, "cemm history");
    if (r == 0)
        return writer;
    plugin_log(LOG_ERR, "cemm plugin: cannot start: %s", strerror(-r));
    free(writer);
    return NULL;
}

void batch_free(struct batch *batch)
{
    cemm_document_unref(batch->rows);
    free(batch);
}

static void free_batches(struct batch *batch)
{
    while (batch) {
        struct batch *next = batch->next;

        batch_free(batch);
        batch = next;
    }
}

void history_writer_stop(struct history_writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    free_batches(writer->waiting);
    free_batches(writer->finished);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

void history_writer_give(struct history_writer *writer, struct batch *batch)
{
    batch->next = NULL;
    pthread_mutex_lock(&writer->lock);
    *writer->waiting_end = batch;
    writer->waiting_end = &batch->next;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

struct batch *history_writer_take(struct history_writer *writer)
{
    struct batch *batch;

    pthread_mutex_lock(&writer->lock);
    batch = writer->finished;
    if (batch) {
        writer->finished = batch->next;
        if (!writer->finished)
            writer->finished_end = &writer->finished;
    }
    pthread_mutex_unlock(&writer->lock);
    return batch;
}

void history_writer_nudge(struct history_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->news = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}
