/*
 * One thread with the library's loop in it. collectd's own threads never wait
 * for a network: it joins its read threads before it calls any shutdown
 * callback, so one stalled read there would hold up the whole stop.
 *
 * A block is swept on a fixed grid of its interval. A device that has not
 * answered by then is skipped until it has, and the others do not wait for it.
 *
 * The library's log is passed on; monitor.c logs what the library does not.
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

#define PAUSE_MS 500 /* after a failed turn of the loop; a stop waits for it */

/* Readings are passed to collectd in groups, because each time all of its threads wake, which
 * costs more than to dispatch a reading. A group is passed on when no more readings come, after a
 * short time, or when a sweep ends. */
#define GATHER_GAP_MS 1
#define GATHER_MAX_MS 10

#define APART_MS 2000 /* between the first two readings of a series */

/* Samples that were dropped, and why. */
struct losses {
    unsigned long names;    /* do not fit collectd's fields; of the thread that dispatches */
    unsigned long early;    /* too far ahead of our clock */
    unsigned long memory;   /* no room for them */
    unsigned long overflow; /* collectd did not fetch them in time */
};

/* A block that is swept. */
struct target {
    struct poller *poller;
    const struct block *block;
    int64_t due;  /* monotonic milliseconds */
    bool failing; /* as a whole, which was logged */
};

struct poller {
    struct cemm *cemm;
    struct cemm_ledger *ledger;
    struct queue queue;
    struct hold held;
    uint64_t answers; /* so far */
    size_t sweeps;    /* under way */
    int64_t
        gathered; /* when the oldest reading came that was not passed on, monotonic milliseconds */
    int64_t pass_due; /* when they are passed to collectd; INT64_MAX: there are none */
    struct history_writer *writer;
    struct monitor *monitor;
    struct target *targets;
    size_t count;
    struct losses losses;
    pthread_t thread;
    bool running; /* the thread is there to be joined */
    atomic_bool stopping;
};

static void pass_on(void *data, enum cemm_level level, const char *message)
{
    static const int severities[] = {
        [CEMM_LOG_ERROR] = LOG_ERR,
        [CEMM_LOG_WARNING] = LOG_WARNING,
        [CEMM_LOG_INFO] = LOG_INFO,
    };

    (void)data;
    plugin_log(severities[level], "cemm plugin: %s", message);
}

/* Counts a loss; the first of its kind is logged. */
static void count_loss(unsigned long *count, const struct cemm_uid *uid, const char *alias,
                       const char *channel, const char *why)
{
    if ((*count)++ == 0)
        plugin_log(LOG_WARNING, "cemm plugin: %s %s %s: %s; more of these are only counted",
                   uid->text, alias, channel, why);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* NULL: no memory. */
static struct reading *reading_new(const struct target *target, struct cemm_ledger_entry *entry,
                                   const struct cemm_sample *sample)
{
    struct reading *reading = malloc(sizeof(*reading));

    if (reading)
        *reading = (struct reading){
            .entry = entry,
            .block = target->block,
            .answer = target->poller->answers,
            .time = sample->time,
            .value = sample->value,
        };
    return reading;
}

static void enqueue(struct poller *poller, struct reading *reading)
{
    int64_t now = cemm_clock_steady();

    queue_put(&poller->queue, reading);
    if (poller->pass_due == INT64_MAX)
        poller->gathered = now;
    if (poller->pass_due > 0) /* else a sweep has ended in this turn */
        poller->pass_due = earlier(poller->gathered + GATHER_MAX_MS, now + GATHER_GAP_MS);
    history_writer_live(poller->writer, reading->block, reading->entry);
}

/* A reading that tells the interval of its series releases the one that is held for that. It
 * follows a little later: the write threads of a busy collectd may swap the two. Nothing is held if
 * the block's interval is so long that no second reading would come in time. */
static void enqueue_or_hold(struct poller *poller, struct reading *reading, bool known,
                            struct readings *ret_fresh)
{
    struct reading *held;
    unsigned cadence;

    if (!cemm_ledger_cadence(reading->entry, &cadence) && reading->block->interval < HOLD_MS &&
        hold_put(&poller->held, reading, cemm_clock_steady()))
        return;
    held = known ? NULL : hold_take(&poller->held, reading->entry);
    if (held) {
        held->held_until = 0;
        reading->held_until = cemm_clock_steady() + APART_MS;
        enqueue(poller, held);
    }
    readings_add(ret_fresh, reading);
}

/* Queues the new samples of a series. False: no memory. */
static bool take_series(struct target *target, const struct cemm_document *document,
                        const struct cemm_series *series, struct readings *ret_fresh)
{
    const struct cemm_query *query = cemm_document_query(document);
    struct poller *poller = target->poller;
    struct cemm_ledger_entry *entry =
        cemm_ledger_entry(poller->ledger, &query->uid, query->alias, series->channel);
    unsigned cadence;

    for (size_t i = 0; entry && i < series->count; i++) {
        bool known = cemm_ledger_cadence(entry, &cadence);
        enum cemm_verdict verdict = cemm_ledger_take(entry, document, &series->samples[i]);
        struct reading *reading;

        if (verdict == CEMM_REPEATED || verdict == CEMM_WITHHELD)
            continue;
        reading = verdict == CEMM_GIVE ? reading_new(target, entry, &series->samples[i]) : NULL;
        if (!reading)
            return false;
        enqueue_or_hold(poller, reading, known, ret_fresh);
    }
    return entry != NULL;
}

static void take_document(struct target *target, const struct cemm_uid *uid, const char *alias,
                          const struct cemm_document *document)
{
    struct losses *losses = &target->poller->losses;
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);
    struct readings fresh;

    readings_init(&fresh);
    target->poller->answers++;
    for (size_t early = cemm_document_early(document); early > 0; early--)
        count_loss(
            &losses->early, uid, alias, "realtime",
            "a sample is left out: it is more than 15 minutes ahead of this machine's clock");
    for (size_t i = 0; i < count; i++) {
        if (!take_series(target, document, &series[i], &fresh))
            count_loss(&losses->memory, uid, alias, series[i].channel, "no memory for a value");
    }
    /* They follow the readings of earlier answers that they have released. */
    while (fresh.count)
        enqueue(target->poller, readings_take(&fresh));
}

/* Logs once when a block begins to fail as a whole, and once when it works again (`why` NULL). */
static void note_block(struct target *target, const char *why)
{
    if (why && !target->failing)
        plugin_log(LOG_WARNING, "cemm plugin: %s: %s", target->block->label, why);
    else if (!why && target->failing)
        plugin_log(LOG_INFO, "cemm plugin: %s: is back", target->block->label);
    target->failing = why != NULL;
}

/* The library reports no failure if a search finds nothing. */
static void note_search(struct target *target)
{
    static const char prefix[] = "discovery: "; /* the block's label replaces it */
    const size_t length = sizeof(prefix) - 1;
    struct cemm_discovery_state state;
    struct cemm_discovered device;
    const char *why = NULL;

    cemm_discovery_at(target->poller->cemm, &state);
    if (*state.words)
        why = state.words + (strncmp(state.words, prefix, length) == 0 ? length : 0);
    else if (!cemm_discovered_at(target->poller->cemm, 0, &device))
        why = "no CEMM has answered yet";
    note_block(target, why);
}

static void swept(void *data, const struct cemm_uid *uid, const char *alias,
                  const struct cemm_answer *answer)
{
    struct target *target = data;
    unsigned pace = 0;

    if (!answer) {
        target->poller->sweeps--;
        target->poller->pass_due = 0;
        if (target->block->kind == DISCOVERY && !target->poller->stopping)
            note_search(target);
        return;
    }
    if (answer->result == -ECANCELED)
        return;
    if (answer->result == 0 && answer->document && uid && alias) {
        take_document(target, uid, alias, answer->document);
        pace = cemm_ledger_pace(target->poller->ledger, answer->document);
    }
    if (uid)
        monitor_note(target->poller->monitor, target->block, uid, alias, answer, pace,
                     cemm_clock_steady());
    if (answer->result == 0)
        note_block(target, NULL);
    else if (!uid && answer->result == CEMM_ABSENT) /* other failures are in the library's log */
        note_block(target, answer->words);
}

static void sweep(struct target *target, int64_t now)
{
    const struct cemm_selection selection = {.source = target->block->source, .overlaps = true};
    int r;

    while (target->due <= now)
        target->due += target->block->interval;
    target->poller->sweeps++;
    r = cemm_sweep(target->poller->cemm, &selection, swept, target);
    if (r < 0)
        target->poller->sweeps--;
    if (r < 0 && r != -EALREADY)
        note_block(target, strerror(-r));
}

/* When the next sweep begins, monotonic milliseconds. */
static int64_t next_sweep(const struct poller *poller)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < poller->count; i++)
        first = earlier(first, poller->targets[i].due);
    return first;
}

/* Begins the sweeps that are due. Returns how long the loop may wait, in milliseconds. */
static int begin(struct poller *poller)
{
    int64_t now = cemm_clock_steady();
    int64_t wait = history_writer_step(poller->writer, now);
    struct reading *reading;

    while ((reading = hold_expired(&poller->held, now)))
        enqueue(poller, reading);
    for (size_t i = 0; i < poller->count; i++) {
        struct target *target = &poller->targets[i];

        if (target->due <= now)
            sweep(target, now);
    }
    wait = earlier(wait, next_sweep(poller) - now);
    wait = earlier(wait, hold_due(&poller->held) - now);
    wait = earlier(wait, poller->pass_due - now);
    return wait > 0 ? (int)wait : 0;
}

static void pass_to_collectd(struct poller *poller)
{
    size_t lost;

    if (cemm_clock_steady() < poller->pass_due)
        return;
    poller->pass_due = INT64_MAX;
    lost = queue_tell(&poller->queue, poller->sweeps ? 0 : next_sweep(poller));
    if (lost && !poller->losses.overflow)
        plugin_log(LOG_WARNING, "cemm plugin: collectd does not fetch the values; the oldest ones "
                                "are dropped, and only counted from now on");
    poller->losses.overflow += lost;
}

static void *run(void *data)
{
    struct poller *poller = data;

    while (!poller->stopping) {
        int r = cemm_turn(poller->cemm, begin(poller), NULL, 0);

        if (r < 0)
            poller->pass_due = 0; /* the next turn comes late */
        pass_to_collectd(poller);
        if (r < 0) {
            plugin_log(LOG_ERR, "cemm plugin: the loop failed: %s", strerror(-r));
            (void)poll(NULL, 0, PAUSE_MS);
        }
    }
    return NULL;
}

/* ---- in collectd's thread ----------------------------------------------------------- */

/* False: its names do not fit collectd's fields. */
static bool dispatch(struct poller *poller, const struct reading *reading)
{
    struct cemm_ledger_entry *entry = reading->entry;
    struct value value;

    if (!dispatch_make(&value, reading->block, entry, reading->time, reading->value)) {
        count_loss(&poller->losses.names, cemm_ledger_uid(entry), cemm_ledger_alias(entry),
                   cemm_ledger_channel(entry),
                   "this name is too long for collectd, it is left out");
        return false;
    }
    plugin_dispatch_values(&value.list);
    /* If memory runs out, it is dispatched again after a restart. */
    (void)cemm_ledger_gave(entry, reading->time);
    return true;
}

void poller_hand_over(struct poller *poller, int64_t every)
{
    const struct reading *reading;
    bool gave = false;
    struct look look;

    look_begin(&look, &poller->queue, every);
    while ((reading = look_next(&look)))
        gave |= dispatch(poller, reading);
    look_end(&look);
    if (gave)
        history_writer_nudge(poller->writer);
    monitor_report(poller->monitor, cemm_clock_steady());
}

/* ---- beginning and end -------------------------------------------------------------- */

static int build_memory(struct poller *poller, const struct settings *settings)
{
    hold_init(&poller->held);
    poller->pass_due = INT64_MAX;
    poller->ledger = cemm_ledger_new(settings->window, (const char *const *)settings->writers,
                                     settings->writer_count);
    poller->monitor = monitor_new();
    poller->targets = calloc(settings->count, sizeof(*poller->targets));
    poller->cemm = cemm_new(settings->config, CEMM_REST_POLLER, pass_on, NULL);
    if (!poller->ledger || !poller->monitor || !poller->targets || !poller->cemm)
        return -ENOMEM;
    for (poller->count = 0; poller->count < settings->count; poller->count++)
        poller->targets[poller->count] = (struct target){
            .poller = poller,
            .block = &settings->blocks[poller->count],
            .due = cemm_clock_steady(),
        };
    return 0;
}

/* Logs a damaged file, and, with <Backfill>, a missing one. Returns 0, or -ENOMEM, after which
 * the file must not be overwritten. */
static int load(struct poller *poller, const struct settings *settings)
{
    struct cemm_words words = {""};
    int r = cemm_ledger_load(poller->ledger, settings->state_file, &words);

    if (r == -ENOMEM)
        return r;
    if (r < 0 || (r == CEMM_ABSENT && settings->writer_count))
        plugin_log(r == CEMM_ABSENT ? LOG_INFO : LOG_WARNING, "cemm plugin: %s", words.text);
    return 0;
}

static int build(struct poller *poller, const struct settings *settings)
{
    int r = build_memory(poller, settings);

    if (r == 0)
        r = load(poller, settings);
    if (r == 0)
        r = history_writer_start(&poller->writer, settings, poller->cemm, poller->ledger);
    if (r == 0)
        r = thread_start(&poller->thread, run, poller, "cemm");
    poller->running = r == 0;
    return r;
}

struct poller *poller_start(const struct settings *settings)
{
    struct poller *poller = calloc(1, sizeof(*poller));
    int r = poller ? queue_init(&poller->queue) : -ENOMEM;

    if (r == 0) {
        r = build(poller, settings);
        if (r == 0)
            return poller;
        poller_stop(poller);
    } else {
        free(poller);
    }
    plugin_log(LOG_ERR, "cemm plugin: cannot start: %s", strerror(-r));
    return NULL;
}

static void report(const struct losses *losses)
{
    if (losses->names || losses->early || losses->memory || losses->overflow)
        plugin_log(
            LOG_INFO,
            "cemm plugin: values left out: %lu with too long names, %lu too far ahead of "
            "this machine's clock, %lu for lack of memory, %lu that collectd did not fetch in time",
            losses->names, losses->early, losses->memory, losses->overflow);
}

void poller_stop(struct poller *poller)
{
    if (!poller)
        return;
    if (poller->running) {
        poller->stopping = true;
        cemm_wakeup(poller->cemm);
        pthread_join(poller->thread, NULL);
    }
    history_writer_stop(poller->writer); /* it may wake the loop until then */
    cemm_free(poller->cemm);
    history_writer_free(poller->writer);
    report(&poller->losses);
    hold_free(&poller->held);
    queue_destroy(&poller->queue);
    cemm_ledger_free(poller->ledger);
    monitor_free(poller->monitor);
    free(poller->targets);
    free(poller);
}
