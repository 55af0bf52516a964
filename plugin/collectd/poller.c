/*
 * One thread with the library's loop in it. collectd's own threads never wait
 * for a network: it joins its read threads before it calls any shutdown
 * callback, so one stalled read there would hold up the whole stop.
 *
 * A block is swept on a fixed grid of its interval, and each of its devices at
 * its own pace: one that takes longer than that is left out until it has
 * answered, and the others do not wait for it.
 *
 * The library's log is passed on; what it leaves unsaid is in log_once.c.
 */
#include "plugin/collectd/poller.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/backfill.h"
#include "plugin/collectd/history_writer.h"
#include "plugin/collectd/locks.h"
#include "plugin/collectd/log_once.h"
#include "plugin/collectd/monitor.h"
#include "plugin/collectd/thread.h"

#define PAUSE_US 1000000 /* after a turn of the loop that failed by itself */

/* Readings go to collectd together: each time, all of its threads wake, which costs more than what
 * they are woken for. They are gathered while more come, but not for longer than nobody minds, nor
 * beyond the turn of the loop in which a sweep ends. */
#define GATHER_GAP_MS 1
#define GATHER_MAX_MS 10

#define APART_MS 2000 /* between the first two readings of a series */

/* Samples that were not handed on, and why. */
struct losses {
    unsigned long names;    /* do not fit collectd's fields; of the thread that dispatches */
    unsigned long early;    /* too far ahead of our clock */
    unsigned long memory;   /* no room for them */
    unsigned long overflow; /* collectd did not fetch them in time */
};

struct line {
    struct poller *poller;
    const struct block *block;
    struct log_once *log;
    int64_t due; /* monotonic milliseconds */
};

struct poller {
    struct cemm *cemm;
    struct cemm_ledger *ledger;
    struct queue queue;
    bool queue_made;
    struct readings held;
    uint64_t answers; /* so far */
    size_t sweeps;    /* under way */
    /* When the readings that were gathered go to collectd, monotonic milliseconds; INT64_MAX: there
     * are none. */
    int64_t gather_until; /* at the latest */
    int64_t gather_idle;  /* if no more come; 0: the sweep is over */
    struct history_writer *writer;
    struct backfill *backfill;
    struct monitor *monitor;
    struct line *lines;
    size_t count;
    struct losses losses;
    pthread_t thread;
    bool running; /* the thread is there to be joined */
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping; /* under lock */
};

static void pass_on(void *data, enum cemm_level level, const char *words)
{
    int severity = LOG_INFO;

    (void)data;
    if (level == CEMM_LOG_ERROR)
        severity = LOG_ERR;
    else if (level == CEMM_LOG_WARNING)
        severity = LOG_WARNING;
    plugin_log(severity, "cemm plugin: %s", words);
}

/* Counts a loss; the first of its kind is said, with an example. */
static void lose(unsigned long *count, const struct cemm_uid *uid, const char *alias,
                 const char *channel, const char *why)
{
    if ((*count)++ == 0)
        plugin_log(LOG_WARNING, "cemm plugin: %s %s %s: %s; more of these are only counted",
                   uid->text, alias, channel, why);
}

static void gather(struct poller *poller, int64_t now)
{
    if (poller->gather_until == INT64_MAX)
        poller->gather_until = now + GATHER_MAX_MS;
    if (poller->gather_idle > 0)
        poller->gather_idle = now + GATHER_GAP_MS;
}

static int64_t gather_due(const struct poller *poller)
{
    return poller->gather_until < poller->gather_idle ? poller->gather_until : poller->gather_idle;
}

/* NULL: no memory. */
static struct reading *reading_new(const struct line *line, struct cemm_ledger_entry *entry,
                                   const struct cemm_sample *sample)
{
    struct reading *reading = malloc(sizeof(*reading));

    if (reading)
        *reading = (struct reading){
            .entry = entry,
            .block = line->block,
            .answer = line->poller->answers,
            .time = sample->time,
            .value = sample->value,
        };
    return reading;
}

static void enqueue(struct poller *poller, struct reading *reading)
{
    queue_put(&poller->queue, reading);
    gather(poller, cemm_clock_steady());
    backfill_live(poller->backfill, reading->block, reading->entry);
}

/* One that tells the interval of its series sets the one free that was held for that, and follows
 * it a little later: the write threads of a busy collectd may swap the two. Where polls are rare,
 * no second one would come in time. */
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

/* What is new of a series. False: no memory. */
static bool take_series(struct line *line, const struct cemm_document *document,
                        const struct cemm_series *series, struct readings *ret_fresh)
{
    const struct cemm_query *query = cemm_document_query(document);
    struct poller *poller = line->poller;
    struct cemm_ledger_entry *entry =
        cemm_ledger_entry(poller->ledger, &query->uid, query->alias, series->channel);
    unsigned cadence;

    for (size_t i = 0; entry && i < series->count; i++) {
        bool known = cemm_ledger_cadence(entry, &cadence);
        enum cemm_verdict verdict = cemm_ledger_take(entry, document, &series->samples[i]);
        struct reading *reading;

        if (verdict == CEMM_REPEATED || verdict == CEMM_WITHHELD)
            continue;
        reading = verdict == CEMM_GIVE ? reading_new(line, entry, &series->samples[i]) : NULL;
        if (!reading)
            return false;
        enqueue_or_hold(poller, reading, known, ret_fresh);
    }
    return entry != NULL;
}

static void take_document(struct line *line, const struct cemm_uid *uid, const char *alias,
                          const struct cemm_document *document)
{
    struct losses *losses = &line->poller->losses;
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);
    struct readings fresh;

    readings_init(&fresh);
    line->poller->answers++;
    for (size_t early = cemm_document_early(document); early > 0; early--)
        lose(&losses->early, uid, alias, "realtime",
             "a sample lies more than 15 minutes ahead of our clock, it is left out");
    for (size_t i = 0; i < count; i++) {
        if (!take_series(line, document, &series[i], &fresh))
            lose(&losses->memory, uid, alias, series[i].channel, "no memory for a value");
    }
    /* They follow the readings of earlier answers that they have set free. */
    while (fresh.count)
        enqueue(line->poller, readings_take(&fresh));
}

/* A search that finds nothing looks just like one that goes well: the library has no failure to
 * report. */
static void note_search(struct line *line)
{
    static const char prefix[] = "discovery: ";
    struct cemm_discovery_state state;
    struct cemm_discovered device;

    cemm_discovery_at(line->poller->cemm, &state);
    if (strncmp(state.words, prefix, sizeof(prefix) - 1) == 0)
        state.words += sizeof(prefix) - 1;
    if (*state.words)
        log_once_note(line->log, NULL, NULL, -EIO, state.words);
    else if (!cemm_discovered_at(line->poller->cemm, 0, &device))
        log_once_note(line->log, NULL, NULL, CEMM_ABSENT, "no CEMM has answered yet");
    else
        log_once_note(line->log, NULL, NULL, 0, "");
}

static bool stopping(struct poller *poller)
{
    bool stopping;

    pthread_mutex_lock(&poller->lock);
    stopping = poller->stopping;
    pthread_mutex_unlock(&poller->lock);
    return stopping;
}

static void swept(void *data, const struct cemm_uid *uid, const char *alias,
                  const struct cemm_answer *answer)
{
    struct line *line = data;
    unsigned pace = 0;

    if (!answer) {
        line->poller->sweeps--;
        line->poller->gather_idle = 0;
        if (line->block->kind == DISCOVERY && !stopping(line->poller))
            note_search(line);
        return;
    }
    if (answer->result == -ECANCELED)
        return;
    if (answer->result == 0 && answer->document && uid && alias) {
        take_document(line, uid, alias, answer->document);
        pace = cemm_ledger_pace(line->poller->ledger, answer->document);
    }
    if (uid)
        monitor_note(line->poller->monitor, line->block, uid, alias, answer, pace,
                     cemm_clock_steady());
    /* What else can go wrong, the library's log tells, once. */
    if (answer->result == 0 || answer->result == CEMM_ABSENT)
        log_once_note(line->log, uid, alias, answer->result, answer->words);
}

static void sweep(struct line *line, int64_t now)
{
    const struct cemm_selection selection = {.source = line->block->source, .overlaps = true};
    int r;

    while (line->due <= now)
        line->due += line->block->interval;
    line->poller->sweeps++;
    r = cemm_sweep(line->poller->cemm, &selection, swept, line);
    if (r < 0)
        line->poller->sweeps--;
    if (r < 0 && r != -EALREADY)
        log_once_note(line->log, NULL, NULL, -EIO, strerror(-r));
}

/* When the next sweep begins, monotonic milliseconds. */
static int64_t next_sweep(const struct poller *poller)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < poller->count; i++) {
        if (poller->lines[i].due < first)
            first = poller->lines[i].due;
    }
    return first;
}

/* Begins what is due. Returns for how long the loop may wait, in milliseconds. */
static int begin(struct poller *poller)
{
    int64_t now = cemm_clock_steady();
    int64_t wait = backfill_step(poller->backfill, now);
    struct reading *reading;

    while ((reading = hold_expired(&poller->held, now)))
        enqueue(poller, reading);
    for (size_t i = 0; i < poller->count; i++) {
        struct line *line = &poller->lines[i];

        if (line->due <= now)
            sweep(line, now);
    }
    if (next_sweep(poller) - now < wait)
        wait = next_sweep(poller) - now;
    if (hold_due(&poller->held) - now < wait)
        wait = hold_due(&poller->held) - now;
    if (gather_due(poller) - now < wait)
        wait = gather_due(poller) - now;
    return wait > 0 ? (int)wait : 0;
}

/* A loop that fails at once must not spin; it wakes for the end all the same. */
static void pause_after(struct poller *poller, int error)
{
    int64_t until = locks_now() + PAUSE_US;

    plugin_log(LOG_ERR, "cemm plugin: the loop failed: %s", strerror(-error));
    pthread_mutex_lock(&poller->lock);
    while (!poller->stopping && locks_wait(&poller->stop, &poller->lock, until))
        ;
    pthread_mutex_unlock(&poller->lock);
}

static void pass_to_collectd(struct poller *poller)
{
    size_t lost;

    if (cemm_clock_steady() < gather_due(poller))
        return;
    poller->gather_until = poller->gather_idle = INT64_MAX;
    lost = queue_tell(&poller->queue, poller->sweeps ? 0 : next_sweep(poller));
    if (lost && !poller->losses.overflow)
        plugin_log(LOG_WARNING, "cemm plugin: collectd does not fetch the values; the oldest ones "
                                "are dropped, and only counted from now on");
    poller->losses.overflow += lost;
}

static void *run(void *data)
{
    struct poller *poller = data;

    while (!stopping(poller)) {
        int r = cemm_turn(poller->cemm, begin(poller), NULL, 0);

        if (r < 0)
            poller->gather_until = 0; /* the next turn comes late */
        pass_to_collectd(poller);
        if (r < 0)
            pause_after(poller, r);
    }
    return NULL;
}

static int add_line(struct poller *poller, const struct block *block)
{
    struct line *line = &poller->lines[poller->count];

    *line = (struct line){.poller = poller, .block = block, .due = cemm_clock_steady()};
    poller->count++;
    line->log = log_once_new(block->label);
    return line->log ? 0 : -ENOMEM;
}

static void wake(void *data)
{
    struct poller *poller = data;

    cemm_wakeup(poller->cemm);
}

static int build_memory(struct poller *poller, const struct settings *settings)
{
    int r = locks_init(&poller->lock, &poller->stop);

    if (r == 0)
        r = queue_init(&poller->queue);
    if (r < 0)
        return r;
    poller->queue_made = true;
    readings_init(&poller->held);
    poller->gather_until = poller->gather_idle = INT64_MAX;
    poller->ledger = cemm_ledger_new(settings->window, (const char *const *)settings->writers,
                                     settings->writer_count);
    poller->monitor = monitor_new();
    poller->lines = calloc(settings->count, sizeof(*poller->lines));
    poller->cemm = cemm_new(settings->config, CEMM_REST_POLLER, pass_on, NULL);
    if (!poller->ledger || !poller->monitor || !poller->lines || !poller->cemm)
        return -ENOMEM;
    for (size_t i = 0; i < settings->count && r == 0; i++)
        r = add_line(poller, &settings->blocks[i]);
    return r;
}

/* That the file is damaged is logged, or, where history hangs on it, not there. 0, or -ENOMEM: not
 * to be gone on with, for what the file says would be lost. */
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

    if (r < 0)
        return r;
    r = load(poller, settings);
    if (r < 0)
        return r;
    poller->writer = history_writer_start(poller->ledger, wake, poller);
    if (poller->writer)
        poller->backfill = backfill_new(settings, poller->cemm, poller->ledger, poller->writer);
    if (!poller->backfill)
        return -ENOMEM;
    r = thread_start(&poller->thread, run, poller, "cemm");
    poller->running = r == 0;
    return r;
}

struct poller *poller_start(const struct settings *settings)
{
    struct poller *poller = calloc(1, sizeof(*poller));
    int r = poller ? build(poller, settings) : -ENOMEM;

    if (r == 0)
        return poller;
    plugin_log(LOG_ERR, "cemm plugin: cannot start: %s", strerror(-r));
    poller_stop(poller);
    return NULL;
}

static void join(struct poller *poller)
{
    pthread_mutex_lock(&poller->lock);
    poller->stopping = true;
    pthread_cond_signal(&poller->stop);
    pthread_mutex_unlock(&poller->lock);
    cemm_wakeup(poller->cemm);
    pthread_join(poller->thread, NULL);
}

static void report(const struct losses *losses)
{
    if (losses->names || losses->early || losses->memory || losses->overflow)
        plugin_log(LOG_INFO,
                   "cemm plugin: values left out: %lu with too long names, %lu too far ahead of "
                   "our clock, %lu for want of memory, %lu that collectd did not fetch in time",
                   losses->names, losses->early, losses->memory, losses->overflow);
}

void poller_stop(struct poller *poller)
{
    if (!poller)
        return;
    if (poller->running)
        join(poller);
    history_writer_stop(poller->writer); /* which may wake the loop until then */
    cemm_free(poller->cemm);
    backfill_free(poller->backfill);
    report(&poller->losses);
    for (size_t i = 0; i < poller->count; i++)
        log_once_free(poller->lines[i].log);
    if (poller->queue_made) {
        readings_free(&poller->held);
        queue_destroy(&poller->queue);
    }
    cemm_ledger_free(poller->ledger);
    monitor_free(poller->monitor);
    pthread_cond_destroy(&poller->stop);
    pthread_mutex_destroy(&poller->lock);
    free(poller->lines);
    free(poller);
}

struct queue *poller_queue(struct poller *poller)
{
    return &poller->queue;
}

void poller_refused(struct poller *poller, const struct reading *reading)
{
    lose(&poller->losses.names, cemm_ledger_uid(reading->entry), cemm_ledger_alias(reading->entry),
         cemm_ledger_channel(reading->entry), "this name is too long for collectd, it is left out");
}

void poller_looked(struct poller *poller, bool gave)
{
    if (gave)
        history_writer_nudge(poller->writer);
    monitor_report(poller->monitor, cemm_clock_steady());
}
