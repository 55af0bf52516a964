/*
 * The library determines which minutes are missing and fetches them. The loop
 * hands the rows to the history thread, because a writer may block, and takes
 * them back when the thread has written them.
 *
 * Old values must not go through collectd's queue: its cache, its thresholds
 * and the writers of current values would treat them as current. So each old
 * value goes directly to the named writer (plugin_write). This is done only
 * while collectd has a current value of the series, and after the current value
 * has had time to be written.
 *
 * A value counts as sent once the writer has taken it and has been flushed:
 * values in its buffer would be lost by a kill -9. The state file is then
 * updated immediately; this also records the current values that were
 * dispatched. A round handles all missing minutes of one series for one writer.
 *
 * When collectd stops, the thread is joined before the writers end.
 */
#include "plugin/collectd/history_writer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "plugin/collectd/dispatch.h"

#define DELAY_MS     1000    /* time for a live sample to reach the writers */
#define AGE_MS       30000   /* how old the document of a day may be */
#define ROUNDS_MAX   4       /* rounds at a time; there is no hurry */
#define SAVE_S       10      /* seconds; the thread wakes at least this often to save the state */
#define SLOW_MS      5       /* if a flush takes longer, more values are flushed together */
#define TOGETHER_MAX 64      /* at most this many values are flushed together */
#define NOT_LIVE     (-1000) /* collectd has no current value of the series */

/* The pause between two values, so that current values are written, too. */
static const struct timespec pace = {.tv_nsec = 500000};

/* Minutes of one series for one writer, oldest first. */
struct batch {
    /* The thread owns a batch that is WAITING; the loop owns all others. */
    _Atomic enum { FREE, WAITING, WRITTEN } state;
    struct cemm_backfill_job *job; /* of the round; `sink` is the name of the writer */
    struct cemm_document *rows;    /* the document that `series` belongs to */
    const struct cemm_series *series;
    size_t sent; /* how many samples of `series` count as sent */
    int status;  /* 0, the error of the last write, or NOT_LIVE */
};

struct history_writer {
    struct cemm *cemm;
    struct cemm_ledger *ledger;
    struct cemm_backfill *backfill;
    pthread_t thread;
    bool running; /* the thread was started and must be joined */
    sem_t wake;
    atomic_bool stopping;
    struct batch batches[ROUNDS_MAX]; /* one for each round that may run */
};

/* ---- the state file ----------------------------------------------------------------- */

static void save(struct history_writer *history, bool whole)
{
    struct cemm_message message = {""};
    int r = cemm_ledger_save(history->ledger, whole, &message);

    if (r < 0)
        plugin_log(LOG_ERR,
                   "cemm plugin: %s; until it can be written, a restart may send values again",
                   message.text);
    else if (r > 0)
        plugin_log(LOG_INFO, "cemm plugin: %s", message.text);
}

/* ---- writing ------------------------------------------------------------------------ */

/* Whether collectd has a current value of the series. If not, old values must not be written. */
static bool is_live(const struct batch *batch)
{
    struct value value;

    if (!dispatch_make(&value, batch->job->user, batch->job->entry, 0, 0))
        return false;
    const data_set_t *set = plugin_get_ds(value.list.type);
    value_t *values = set ? uc_get_value(set, &value.list) : NULL;
    free(values);
    return values != NULL;
}

static int write_sample(const struct batch *batch, const struct cemm_sample *sample)
{
    struct value value;

    if (!dispatch_make(&value, batch->job->user, batch->job->entry, sample->time, sample->value))
        return EINVAL;
    value.list.meta = meta_data_create(); /* some writers do not check whether it is NULL */
    if (!value.list.meta)
        return ENOMEM;
    int status = plugin_write(batch->job->sink, NULL, &value.list);
    meta_data_destroy(value.list.meta);
    return status;
}

/* Flushes the writer: the first `end` samples then count as sent. Returns how many ms it took. */
static int64_t flush(struct history_writer *history, struct batch *batch, size_t end)
{
    const char *sink = batch->job->sink;
    int64_t begun = cemm_clock_steady();

    plugin_flush(sink, 0, NULL);
    int64_t took = cemm_clock_steady() - begun;
    while (batch->sent < end)
        (void)cemm_ledger_mark(batch->job->entry, sink, batch->series->samples[batch->sent++].time);
    save(history, false);
    return took;
}

static void write_batch(struct history_writer *history, struct batch *batch)
{
    size_t together = 1;
    size_t next = 0;

    if (!is_live(batch))
        batch->status = NOT_LIVE;
    while (batch->status == 0 && next < batch->series->count && !history->stopping) {
        batch->status = write_sample(batch, &batch->series->samples[next]);
        if (batch->status == 0)
            next++;
        if (next - batch->sent >= together && flush(history, batch, next) > SLOW_MS &&
            together < TOGETHER_MAX)
            together *= 2;
        nanosleep(&pace, NULL);
    }
    if (next > batch->sent)
        flush(history, batch, next);
}

/* ---- the thread --------------------------------------------------------------------- */

static void *run(void *data)
{
    struct history_writer *history = data;
    struct timespec until;

    while (!history->stopping) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += SAVE_S;
        (void)sem_clockwait(&history->wake, CLOCK_MONOTONIC, &until);
        while (sem_trywait(&history->wake) == 0)
            ;
        save(history, false);
        for (struct batch *batch = history->batches; batch < history->batches + ROUNDS_MAX;
             batch++) {
            if (batch->state != WAITING)
                continue;
            write_batch(history, batch);
            batch->state = WRITTEN;
            cemm_wakeup(history->cemm);
        }
    }
    save(history, true);
    return NULL;
}

/* ---- in the thread of the loop ------------------------------------------------------ */

static int hand_over(void *data, struct cemm_backfill_job *job, struct cemm_document *rows)
{
    struct history_writer *history = data;
    struct batch *batch = history->batches;

    while (batch->state != FREE) /* one is FREE, because each round has at most one batch */
        batch++;
    batch->job = job;
    batch->rows = cemm_document_ref(rows);
    batch->series = cemm_document_channel(rows, cemm_ledger_names(job->entry).channel);
    batch->sent = 0;
    batch->status = 0;
    batch->state = WAITING;
    history_writer_nudge(history);
    return 1; /* cemm_backfill_sent() will be called */
}

static void log_failure(const char *name, int status)
{
    if (status == ENOENT)
        plugin_log(LOG_WARNING,
                   "cemm plugin: <Backfill>: there is no writer \"%s\"; backfill is paused until "
                   "it exists",
                   name);
    else
        plugin_log(LOG_WARNING,
                   "cemm plugin: <Backfill>: the writer \"%s\" did not take a value (%d); the "
                   "value will be sent again",
                   name, status);
}

static void take_back(struct batch *batch)
{
    struct cemm_backfill_job *job = batch->job;
    int status = batch->status;
    bool failed = status != 0 && status != NOT_LIVE;
    int result = batch->sent == batch->series->count ? 0 : -EAGAIN;

    cemm_document_unref(batch->rows);
    batch->state = FREE; /* cemm_backfill_sent() may call hand_over(), which needs a FREE batch */
    unsigned changes = cemm_backfill_sent(job, batch->sent, failed ? -EIO : result);
    if (changes & CEMM_SINK_RECOVERED)
        plugin_log(LOG_INFO, "cemm plugin: <Backfill>: the writer \"%s\" accepts history again",
                   job->sink);
    if (changes & CEMM_SINK_FAILED)
        log_failure(job->sink, status);
}

void history_writer_live(struct history_writer *history, const struct block *block,
                         struct cemm_ledger_entry *entry)
{
    (void)cemm_backfill_live(history->backfill, entry, cemm_clock_wall(), (void *)block);
}

int64_t history_writer_step(struct history_writer *history, int64_t now)
{
    for (struct batch *batch = history->batches; batch < history->batches + ROUNDS_MAX; batch++)
        if (batch->state == WRITTEN)
            take_back(batch);
    int64_t wait = cemm_backfill_step(history->backfill, now);
    return wait < 0 ? INTERVAL_MAX_MS : wait;
}

/* ---- beginning and end -------------------------------------------------------------- */

int history_writer_start(struct history_writer **ret_history, struct cemm *cemm,
                         struct cemm_ledger *ledger)
{
    static const struct cemm_backfill_rules rules = {
        .delay_ms = DELAY_MS,
        .max_age_ms = AGE_MS,
        .rows_max = SIZE_MAX,
        .rounds_max = ROUNDS_MAX,
        .send = hand_over,
    };
    struct history_writer *history = calloc(1, sizeof(*history));

    *ret_history = history;
    if (!history)
        return -ENOMEM;
    history->cemm = cemm;
    history->ledger = ledger;
    (void)sem_init(&history->wake, 0, 0);
    history->backfill = cemm_backfill_new(cemm, ledger, &rules, history);
    if (!history->backfill)
        return -ENOMEM;
    int r = -plugin_thread_create(&history->thread, run, history, "cemm history");
    history->running = r == 0;
    return r;
}

void history_writer_stop(struct history_writer *history)
{
    if (!history || !history->running)
        return;
    history->stopping = true;
    history_writer_nudge(history);
    pthread_join(history->thread, NULL);
}

void history_writer_free(struct history_writer *history)
{
    if (!history)
        return;
    for (struct batch *batch = history->batches; batch < history->batches + ROUNDS_MAX; batch++)
        if (batch->state != FREE)
            cemm_document_unref(batch->rows);
    cemm_backfill_free(history->backfill);
    (void)sem_destroy(&history->wake);
    free(history);
}

void history_writer_nudge(struct history_writer *history)
{
    (void)sem_post(&history->wake);
}
