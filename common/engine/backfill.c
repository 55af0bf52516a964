/*
 * Fetches missed minutes and sends them to the sinks (the outputs, such as collectd's write
 * plugins). A round handles one series for one sink: it begins after a live sample (current value),
 * and goes from the oldest missing minute to the newest, a day at a time.
 *
 * If the API lacks a minute but has a later one of that day, the missing minute is
 * unlikely to appear, so it is not requested again. Other missing minutes are requested
 * again after a pause, longer each time; newly missed minutes are requested immediately.
 *
 * If a sink fails, nothing is sent to it for a while. Rounds that wait for others to end begin in
 * the order of their live samples.
 */
#include "common/engine/health.h"
#include "common/engine/timer.h"
#include "common/model/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/queue.h>

#define MINUTE_MS INT64_C(60000)
#define LIVE_MS   MINUTE_MS /* after -EAGAIN, a round is retried if its live sample is no older */

static const struct cemm_backoff sink_backoff = {.first = 1000, .max = 300 * 1000};
static const struct cemm_backoff minutes_backoff = {.first = 60 * 1000, .max = 3600 * 1000};

struct sink {
    const char *name;
    struct cemm_health health;
};

/* The backfill of one series for one sink. Times of minutes are Unix milliseconds. */
struct job {
    struct cemm_backfill_job base; /* what the frontend knows of the job */
    struct cemm_backfill *backfill;
    struct sink *sink;
    enum { IDLE, WAITS, RUNS } state; /* WAITS: for `timer`, then for its turn in `ready` */
    int64_t last_live;                /* when the last live sample arrived (monotonic) */
    struct cemm_timer timer;
    /* The minutes to fetch: */
    int64_t limit; /* minutes that ended less than a minute before this are not fetched */
    int64_t since; /* minutes before this are given up, because the API has later rows */
    int64_t asked; /* minutes before this were requested already, and wait for `backoff` */
    struct cemm_health backoff; /* the pause before minutes are requested again */

    /* The round: */
    bool sent;                 /* rows were sent in this round */
    int64_t cursor;            /* the next minute to handle */
    struct cemm_query query;   /* for the DATA of a day */
    struct cemm_document *day; /* the document of the day that is being sent */
    int64_t row;               /* the next minute of that day to send */
    TAILQ_ENTRY(job) link;     /* in `ready` */
    SLIST_ENTRY(job) all;
};

struct cemm_backfill {
    struct cemm *cemm;
    struct cemm_ledger *ledger;
    struct cemm_backfill_rules rules;
    void *data;
    SLIST_HEAD(job_list, job) jobs;
    TAILQ_HEAD(job_queue, job) ready; /* jobs in the order of their turns */
    struct cemm_timers timers;
    unsigned busy; /* number of rounds under way */
    size_t sink_count;
    struct sink sinks[];
};

/* ---- beginning and end ------------------------------------------------------------- */

struct cemm_backfill *cemm_backfill_new(struct cemm *cemm, struct cemm_ledger *ledger,
                                        const struct cemm_backfill_rules *rules, void *data)
{
    struct cemm_backfill *backfill =
        calloc(1, sizeof(*backfill) + ledger->sink_count * sizeof(struct sink));

    if (!backfill)
        return NULL;
    backfill->cemm = cemm;
    backfill->ledger = ledger;
    backfill->rules = *rules;
    backfill->data = data;
    TAILQ_INIT(&backfill->ready);
    for (size_t i = 0; i < ledger->sink_count; i++)
        if (ledger->sinks[i].current)
            backfill->sinks[backfill->sink_count++].name = ledger->sinks[i].name;
    return backfill;
}

void cemm_backfill_free(struct cemm_backfill *backfill)
{
    struct job *job;

    if (!backfill)
        return;
    while ((job = SLIST_FIRST(&backfill->jobs))) {
        SLIST_REMOVE_HEAD(&backfill->jobs, all);
        cemm_document_unref(job->day);
        free(job);
    }
    free(backfill);
}

/* ---- what is missing ------------------------------------------------------------------ */

/* Whether a minute is missing; *ret_first: the first missing one that begins at `from` or later. */
static bool missing(const struct job *job, int64_t from, int64_t *ret_first)
{
    int64_t end;

    return cemm_ledger_missing(job->base.entry, job->base.sink, from, job->limit, ret_first, &end);
}

/* Whether a round should begin at `now` (monotonic milliseconds). */
static bool wants(struct job *job, int64_t now)
{
    int64_t first;

    if (!missing(job, job->since, &first)) { /* all were sent or given up, or are too old now */
        (void)cemm_health_recover(&job->backoff);
        return false;
    }
    return !cemm_health_backs_off(&job->backoff, now) ||
           missing(job, MAX(job->asked, job->since), &first);
}

/* ---- waiting ------------------------------------------------------------------------- */

static void enqueue(void *data)
{
    struct job *job = data;

    TAILQ_INSERT_TAIL(&job->backfill->ready, job, link);
}

static void wait_until(struct job *job, int64_t when)
{
    cemm_timer_set(&job->backfill->timers, &job->timer, when);
    job->state = WAITS;
}

/* ---- a round --------------------------------------------------------------------------- */

/* Ends the round. The next one begins at `next_at`; 0: not before the next live sample. */
static void stop_round(struct job *job, int64_t next_at)
{
    const struct cemm_backfill_rules *rules = &job->backfill->rules;
    bool ran = job->state == RUNS; /* false: the round ended before its first request */

    cemm_document_unref(job->day);
    job->day = NULL;
    job->state = IDLE;
    job->backfill->busy--;
    if (next_at)
        wait_until(job, next_at);
    if (ran && rules->done)
        rules->done(job->backfill->data, &job->base);
}

/* The first minute that ended too recently to count as missing (see cemm_ledger_missing()). */
static int64_t horizon(const struct job *job)
{
    return (job->limit / MINUTE_MS - 1) * MINUTE_MS;
}

/* Ends the round. What is still missing is requested again after a pause: the shortest one if rows
 * were sent or the day could not be read (`failed`), else a longer one each time. */
static void end_round(struct job *job, bool failed)
{
    if (job->sent || failed)
        (void)cemm_health_recover(&job->backoff);
    (void)cemm_health_fail(&job->backoff, cemm_clock_steady(), minutes_backoff, cemm_random());
    job->asked = horizon(job);
    stop_round(job, 0);
}

/* Ends the round, because the sink has not taken the rows; they are still missing. True: the sink
 * begins to fail. */
static bool sink_refused(struct job *job, int result)
{
    int64_t now = cemm_clock_steady();
    int64_t next_at = now - job->last_live < LIVE_MS ? now + job->backfill->rules.delay_ms : 0;
    bool first = false;

    if (result != -EAGAIN) {
        first = cemm_health_fail(&job->sink->health, now, sink_backoff, cemm_random());
        next_at = job->sink->health.retry_at;
    }
    stop_round(job, next_at);
    return first;
}

static void on_day(void *data, const struct cemm_answer *answer);

/* Requests the day of the oldest missing minute that this round has not requested. */
static void ask_day(struct job *job)
{
    struct cemm *cemm = job->backfill->cemm;

    if (!missing(job, job->cursor, &job->cursor)) {
        end_round(job, false);
        return;
    }
    job->query.period = cemm_period_at(cemm_zone(cemm), CEMM_DAY, job->cursor / 1000);
    job->row = 0;
    if (cemm_get(cemm, &job->query, job->backfill->rules.max_age_ms, on_day, job, NULL) == 0)
        job->state = RUNS;
    else
        end_round(job, true);
}

/* Goes on to the next day, because nothing is left to send of this one. */
static void next_day(struct job *job)
{
    const struct cemm_series *series =
        job->day ? cemm_document_channel(job->day, job->base.entry->channel) : NULL;
    int64_t last = series && series->count > 0 ? series->samples[series->count - 1].time : 0;

    /* Minutes from the horizon on are not given up, because they may still arrive live. */
    job->since = MAX(job->since, MIN((last / MINUTE_MS + 1) * MINUTE_MS, horizon(job)));
    job->cursor = cemm_period_end(cemm_zone(job->backfill->cemm), &job->query.period) * 1000;
    cemm_document_unref(job->day);
    job->day = NULL;
    ask_day(job);
}

/* Sends the rest of the day, and goes on to the next day. */
static void send_rows(struct job *job)
{
    const struct cemm_backfill_rules *rules = &job->backfill->rules;

    for (;;) {
        struct cemm_document *rows = cemm_ledger_pick_missing(
            job->base.entry, job->base.sink, job->day, job->row, rules->rows_max, job->limit);
        if (!rows) {
            end_round(job, true);
            return;
        }
        int64_t newest = cemm_document_newest(rows);
        job->row = (newest / MINUTE_MS + 1) * MINUTE_MS;
        int r = newest ? rules->send(job->backfill->data, &job->base, rows) : 0;
        cemm_document_unref(rows);
        if (r > 0)
            return; /* cemm_backfill_sent() goes on */
        if (r < 0) {
            (void)sink_refused(job, r);
            return;
        }
        if (!newest) {
            next_day(job);
            return;
        }
        job->sent = true;
        (void)cemm_health_recover(&job->sink->health);
    }
}

static void on_day(void *data, const struct cemm_answer *answer)
{
    struct job *job = data;

    if (answer->result == -ECANCELED)
        return; /* the context is being freed */
    if (answer->result != 0 && answer->result != CEMM_ABSENT) {
        end_round(job, true); /* the library's log says why */
    } else if (answer->document) {
        job->day = cemm_document_ref(answer->document);
        send_rows(job);
    } else {
        next_day(job);
    }
}

unsigned cemm_backfill_sent(struct cemm_backfill_job *base, size_t sent, int result)
{
    struct job *job = (struct job *)base;
    unsigned changes = 0;

    job->sent |= sent > 0;
    if (sent > 0 && cemm_health_recover(&job->sink->health))
        changes |= CEMM_SINK_RECOVERED;
    if (result < 0 && sink_refused(job, result))
        changes |= CEMM_SINK_FAILED;
    if (result >= 0)
        send_rows(job);
    return changes;
}

/* ---- when a round begins ----------------------------------------------------------------- */

static void begin(struct job *job)
{
    job->backfill->busy++;
    job->cursor = job->since;
    job->sent = false;
    ask_day(job);
}

/* Finds or makes a series' job for a sink. NULL: no memory; the next live sample tries again. */
static struct job *job_get(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                           struct sink *sink)
{
    pthread_mutex_lock(&backfill->ledger->lock);
    struct cemm_sent *sent = cemm_ledger_sent_to(entry, sink->name);
    pthread_mutex_unlock(&backfill->ledger->lock);
    if (!sent || sent->job)
        return sent ? (struct job *)sent->job : NULL;
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    *job = (struct job){
        .base = {.entry = entry, .sink = sink->name},
        .backfill = backfill,
        .sink = sink,
        .query = {.uid = entry->meter->uid, .endpoint = CEMM_DATA},
        .timer = {.fire = enqueue, .data = job},
    };
    strcpy(job->query.alias, entry->meter->alias);
    SLIST_INSERT_HEAD(&backfill->jobs, job, all);
    sent->job = &job->base;
    return job;
}

/* Handles a live sample. True: a round is running. */
static bool on_live(struct job *job, int64_t limit, void *user, int64_t now)
{
    int64_t delay = job->backfill->rules.delay_ms;

    if (job->state == RUNS)
        return true;
    job->base.user = user;
    job->last_live = now;
    job->limit = limit;
    if (!wants(job, now) || job->state == WAITS)
        return false;
    if (delay > 0)
        wait_until(job, now + delay);
    else
        begin(job);
    return job->state == RUNS;
}

bool cemm_backfill_live(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                        int64_t limit, void *user)
{
    bool busy = false;

    for (size_t i = 0; entry->by_minute && i < backfill->sink_count; i++) {
        struct job *job = job_get(backfill, entry, &backfill->sinks[i]);
        busy |= job && on_live(job, limit, user, cemm_clock_steady());
    }
    return busy;
}

int64_t cemm_backfill_step(struct cemm_backfill *backfill, int64_t now)
{
    cemm_timers_run(&backfill->timers, now);
    while (!TAILQ_EMPTY(&backfill->ready) && backfill->busy < backfill->rules.rounds_max) {
        struct job *job = TAILQ_FIRST(&backfill->ready);
        TAILQ_REMOVE(&backfill->ready, job, link);
        job->state = IDLE;
        if (cemm_health_backs_off(&job->sink->health, now))
            wait_until(job, job->sink->health.retry_at);
        else if (wants(job, now))
            begin(job);
    }
    return cemm_timers_next(&backfill->timers, now);
}
