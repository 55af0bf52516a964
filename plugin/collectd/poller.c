/*
 * One thread runs the library's loop. collectd's own threads never wait for the
 * network: collectd joins its read threads before it calls any shutdown
 * callback, so one stalled read would delay the whole shutdown.
 *
 * Each block is swept at fixed multiples of its interval. If a device has not
 * answered when the next sweep begins, that sweep skips the device, and the
 * other devices do not wait for it.
 *
 * The library's lines go to collectd's log; monitor.c logs what the library does not.
 */
#include "plugin/collectd/poller.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/dispatch.h"
#include "plugin/collectd/history_writer.h"
#include "plugin/collectd/monitor.h"
#include "plugin/collectd/queue.h"

#define PAUSE_MS 500  /* after a failed turn of the loop; a shutdown waits for it */
#define APART_MS 2000 /* between the first two readings of a series */

/* How many samples were dropped, for each reason. */
struct losses {
    unsigned long names;  /* a name does not fit collectd's fields; collectd's thread counts this */
    unsigned long ahead;  /* the time is too far ahead of our clock */
    unsigned long memory; /* there was no memory; a whole answer counts as one */
    unsigned long overflow; /* whole answers that did not fit in the queue */
};

/* A block that is swept. */
struct target {
    struct poller *poller;
    const struct block *block;
    int64_t due;  /* when its next sweep begins, monotonic milliseconds */
    bool failing; /* the block failed as a whole; already logged */
};

struct poller {
    struct cemm *cemm;
    struct cemm_ledger *ledger;
    struct queue queue;
    size_t sweeps;      /* number of sweeps under way */
    int64_t next_sweep; /* when the next sweep begins, monotonic milliseconds */
    bool news;          /* an answer has arrived, or a sweep has ended */
    struct history_writer *history;
    struct hold hold; /* only collectd's thread uses `hold`, `monitor` and `sent` */
    struct monitor monitor;
    bool sent; /* values were dispatched in the current call */
    struct losses losses;
    pthread_t thread;
    bool running; /* the thread was started and must be joined */
    atomic_bool stopping;
    size_t count;
    struct target targets[];
};

static void pass_on(void *data, enum cemm_level level, const char *message)
{
    int severity = level == CEMM_LOG_ERROR     ? LOG_ERR
                   : level == CEMM_LOG_WARNING ? LOG_WARNING
                                               : LOG_INFO;

    (void)data;
    plugin_log(severity, "cemm plugin: %s", message);
}

/* Counts a loss, and logs the first one of its kind. */
static void count_loss(unsigned long *count, const struct cemm_uid *uid, const char *alias,
                       const char *channel, const char *why)
{
    if ((*count)++ == 0)
        plugin_log(LOG_WARNING, "cemm plugin: %s %s %s: %s; further ones are only counted",
                   uid->text, alias, channel, why);
}

/* Makes an answer for the queue, still without readings. NULL: no memory. */
static struct answer *answer_new(const struct block *block, const struct cemm_uid *uid,
                                 const char *alias, const struct cemm_answer *answer)
{
    const struct cemm_document *document = answer->document;
    size_t count = 0;

    if (document)
        (void)cemm_document_series(document, &count);
    struct answer *copy = malloc(sizeof(*copy) + count * sizeof(copy->readings[0]));
    if (!copy)
        return NULL;
    *copy = (struct answer){
        .meter.uid = *uid,
        .block = block,
        .ended = cemm_clock_steady(),
        .result = answer->result,
    };
    sstrncpy(copy->meter.alias, alias, sizeof(copy->meter.alias));
    sstrncpy(copy->message, answer->message, sizeof(copy->message));
    if (document) {
        sstrncpy(copy->source, cemm_document_source(document), sizeof(copy->source));
        sstrncpy(copy->type, cemm_document_type(document), sizeof(copy->type));
        copy->took = cemm_document_took(document);
        copy->newest = cemm_document_newest(document);
    }
    return copy;
}

/* Adds the sample of a series if it is new. Marks it to be held back if the cadence is not known,
 * unless the block's interval is so long that no second sample would arrive within HOLD_MS. */
static void add_sample(struct poller *poller, struct answer *answer,
                       const struct cemm_document *document, const struct cemm_series *series)
{
    const struct cemm_sample *sample = series->samples;
    struct cemm_ledger_entry *entry =
        cemm_ledger_entry(poller->ledger, &answer->meter.uid, answer->meter.alias, series->channel);
    unsigned cadence;

    if (!entry) {
        count_loss(&poller->losses.memory, &answer->meter.uid, answer->meter.alias, series->channel,
                   "out of memory; a value is dropped");
        return;
    }
    bool new = series->count > 0 && cemm_ledger_accept(entry, document, sample);
    bool known = cemm_ledger_cadence(entry, &cadence);
    answer_set_cadence(answer, series, cadence);
    if (!new)
        return;
    struct reading *reading = &answer->readings[answer->count++];
    *reading = (struct reading){
        .entry = entry,
        .time = sample->time,
        .value = sample->value,
        .hold = !known && answer->block->interval < HOLD_MS,
    };
    if (!reading->hold) /* a sample that is held back is not dispatched yet */
        history_writer_live(poller->history, answer->block, entry);
}

static void add_samples(struct poller *poller, struct answer *answer,
                        const struct cemm_document *document)
{
    const struct meter_name *meter = &answer->meter;
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);

    for (size_t ahead = cemm_document_ahead(document); ahead > 0; ahead--)
        count_loss(
            &poller->losses.ahead, &meter->uid, meter->alias, "realtime",
            "a sample is left out: it is more than 15 minutes ahead of this machine's clock");
    for (size_t i = 0; i < count; i++)
        add_sample(poller, answer, document, &series[i]);
}

static void enqueue(struct target *target, const struct cemm_uid *uid, const char *alias,
                    const struct cemm_answer *answer)
{
    struct poller *poller = target->poller;
    struct answer *copy = answer_new(target->block, uid, alias, answer);

    if (!copy) {
        count_loss(&poller->losses.memory, uid, alias, "", "out of memory; an answer is dropped");
        return;
    }
    if (answer->document)
        add_samples(poller, copy, answer->document);
    size_t dropped = queue_put(&poller->queue, copy);
    if (dropped > 0 && poller->losses.overflow == 0)
        plugin_log(LOG_WARNING,
                   "cemm plugin: collectd is not taking the values quickly enough (is a "
                   "write plugin slow?); the oldest are dropped, and further losses "
                   "are only counted");
    poller->losses.overflow += dropped;
    poller->news = true;
}

/* Logs once when a block begins to fail as a whole, and once when it works again (`why` NULL). */
static void log_block(struct target *target, const char *why)
{
    if (why && !target->failing)
        plugin_log(LOG_WARNING, "cemm plugin: %s: %s", target->block->label, why);
    else if (!why && target->failing)
        plugin_log(LOG_INFO, "cemm plugin: %s is back", target->block->label);
    target->failing = why != NULL;
}

/* Logs if discovery fails or finds nothing, which a sweep does not report as a failure. */
static void log_search(struct target *target)
{
    static const char prefix[] = "discovery: "; /* the block's label replaces it */
    const size_t length = sizeof(prefix) - 1;
    struct cemm_discovery_state state;
    struct cemm_discovered device;
    const char *why = NULL;

    cemm_discovery_at(target->poller->cemm, &state);
    if (*state.message)
        why = state.message + (strncmp(state.message, prefix, length) == 0 ? length : 0);
    else if (!cemm_discovered_at(target->poller->cemm, 0, &device))
        why = "no CEMM has answered yet";
    log_block(target, why);
}

static void receive(void *data, const struct cemm_uid *uid, const char *alias,
                    const struct cemm_answer *answer)
{
    struct target *target = data;

    if (!answer) { /* the sweep has ended */
        target->poller->sweeps--;
        target->poller->news = true;
        if (target->block->kind == DISCOVERY && !target->poller->stopping)
            log_search(target);
        return;
    }
    if (answer->result == -ECANCELED || answer->result == -ENOMEM) /* not the device's fault */
        return;
    if (uid)
        enqueue(target, uid, alias ? alias : "", answer);
    if (answer->result == 0)
        log_block(target, NULL);
    else if (!uid && answer->result == CEMM_ABSENT) /* other failures are in the library's log */
        log_block(target, answer->message);
}

static void sweep(struct target *target, int64_t now)
{
    const struct cemm_selection selection = {.source = target->block->source, .overlaps = true};

    while (target->due <= now)
        target->due += target->block->interval;
    int r = cemm_sweep(target->poller->cemm, &selection, receive, target);
    if (r == 0)
        target->poller->sweeps++;
    else if (r != -EALREADY) /* EALREADY: an earlier sweep is still looking for devices */
        log_block(target, strerror(-r));
}

/* Begins the sweeps and backfills that are due. Returns how many milliseconds the loop may wait. */
static int begin(struct poller *poller)
{
    int64_t now = cemm_clock_steady();
    int64_t wait = history_writer_step(poller->history, now);

    poller->next_sweep = INT64_MAX;
    for (size_t i = 0; i < poller->count; i++) {
        struct target *target = &poller->targets[i];

        if (target->due <= now)
            sweep(target, now);
        if (target->due < poller->next_sweep)
            poller->next_sweep = target->due;
    }
    if (poller->next_sweep - now < wait)
        wait = poller->next_sweep - now;
    return wait > 0 ? (int)wait : 0;
}

static void *run(void *data)
{
    struct poller *poller = data;

    while (!poller->stopping) {
        int r = cemm_turn(poller->cemm, begin(poller), NULL, 0);

        /* Once per turn: waking collectd's thread costs more than dispatching a value. */
        if (poller->news)
            queue_tell(&poller->queue, poller->sweeps ? 0 : poller->next_sweep);
        poller->news = false;
        if (r < 0) {
            plugin_log(LOG_ERR, "cemm plugin: event loop error: %s; retrying", strerror(-r));
            (void)poll(NULL, 0, PAUSE_MS);
        }
    }
    return NULL;
}

/* ---- in collectd's thread ----------------------------------------------------------- */

static void dispatch(struct poller *poller, const struct block *block,
                     const struct reading *reading)
{
    struct cemm_ledger_entry *entry = reading->entry;
    struct cemm_ledger_names names = cemm_ledger_names(entry);
    struct value value;

    if (!dispatch_make(&value, block, entry, reading->time, reading->value)) {
        count_loss(&poller->losses.names, names.uid, names.alias, names.channel,
                   "this name is too long for collectd; the value is left out");
        return;
    }
    plugin_dispatch_values(&value.list);
    /* If there is no memory to record this, the value is dispatched again after a restart. */
    (void)cemm_ledger_mark(entry, NULL, reading->time);
    poller->sent = true;
}

static void dispatch_held(struct poller *poller, struct held *held)
{
    dispatch(poller, held->block, &held->reading);
    free(held);
}

/* If the answer has the second reading of a series whose first one is held, dispatches the first.
 * The answer must then wait a little, because the write threads of a busy collectd may swap two
 * readings that are dispatched together. False: no reading was held. */
static bool release(struct poller *poller, const struct answer *answer)
{
    bool any = false;

    for (size_t i = 0; i < answer->count; i++) {
        const struct reading *reading = &answer->readings[i];
        struct held *held = reading->hold ? NULL : hold_take(&poller->hold, reading->entry);

        if (held)
            dispatch_held(poller, held);
        any |= held != NULL;
    }
    return any;
}

/* Dispatches or holds the readings of an answer. False: the answer must be taken again later. */
static bool take_answer(void *data, struct answer *answer)
{
    struct poller *poller = data;

    if (!answer->not_before) /* it is taken for the first time */
        monitor_add(&poller->monitor, answer);
    if (release(poller, answer)) {
        answer->not_before = cemm_clock_steady() + APART_MS;
        return false;
    }
    for (size_t i = 0; i < answer->count; i++) {
        const struct reading *reading = &answer->readings[i];

        if (!reading->hold || !hold_put(&poller->hold, answer->block, reading, cemm_clock_steady()))
            dispatch(poller, answer->block, reading);
    }
    return true;
}

void poller_hand_over(struct poller *poller, int64_t interval_ms)
{
    struct held *held;

    queue_hand_over(&poller->queue, interval_ms, take_answer, poller);
    while ((held = hold_expired(&poller->hold, cemm_clock_steady())))
        dispatch_held(poller, held);
    if (poller->sent)
        history_writer_nudge(poller->history);
    poller->sent = false;
    monitor_report(&poller->monitor, cemm_clock_steady());
}

/* ---- beginning and end -------------------------------------------------------------- */

static int build(struct poller *poller, const struct settings *settings)
{
    struct cemm_message message = {""};

    queue_init(&poller->queue);
    hold_init(&poller->hold);
    poller->ledger = cemm_ledger_new(
        settings->window / 1000, (const char *const *)settings->writers, settings->writer_count);
    poller->cemm = cemm_new(settings->config, CEMM_BACKOFF_POLLER, pass_on, NULL);
    if (!poller->ledger || !poller->cemm)
        return -ENOMEM;
    for (poller->count = 0; poller->count < settings->count; poller->count++)
        poller->targets[poller->count] = (struct target){
            .poller = poller,
            .block = &settings->blocks[poller->count],
            .due = cemm_clock_steady(),
        };
    int r = cemm_ledger_load(poller->ledger, settings->state_file, &message);
    if (r == -ENOMEM) /* the state file must not be overwritten */
        return r;
    if (r < 0 || (r == CEMM_ABSENT && settings->writer_count))
        plugin_log(r < 0 ? LOG_WARNING : LOG_INFO, "cemm plugin: %s", message.text);
    r = history_writer_start(&poller->history, poller->cemm, poller->ledger);
    if (r == 0)
        r = -plugin_thread_create(&poller->thread, run, poller, "cemm");
    poller->running = r == 0;
    return r;
}

struct poller *poller_start(const struct settings *settings)
{
    struct poller *poller =
        calloc(1, sizeof(*poller) + settings->count * sizeof(poller->targets[0]));
    int r = poller ? build(poller, settings) : -ENOMEM;

    if (r == 0)
        return poller;
    poller_stop(poller);
    plugin_log(LOG_ERR, "cemm plugin: cannot start: %s", strerror(-r));
    return NULL;
}

void poller_stop(struct poller *poller)
{
    if (!poller)
        return;
    const struct losses *losses = &poller->losses;
    if (poller->running) {
        poller->stopping = true;
        cemm_wakeup(poller->cemm);
        pthread_join(poller->thread, NULL);
    }
    history_writer_stop(poller->history); /* until then, its thread may wake the loop */
    cemm_free(poller->cemm);
    history_writer_free(poller->history);
    if (losses->names || losses->ahead || losses->memory || losses->overflow)
        plugin_log(LOG_INFO,
                   "cemm plugin: values left out: %lu with names that are too long, %lu too far "
                   "ahead of this machine's clock, %lu for lack of memory, and %lu whole answers "
                   "that collectd did not take in time",
                   losses->names, losses->ahead, losses->memory, losses->overflow);
    hold_free(&poller->hold);
    queue_destroy(&poller->queue);
    cemm_ledger_free(poller->ledger);
    monitor_clear(&poller->monitor);
    free(poller);
}
