/*
 * Fetches missed minutes and sends them to the sinks. A round begins when a
 * series has a live sample, and goes from its oldest missing minute to the
 * newest, a day at a time.
 *
 * A missing row before the day's last row will hardly come later, so it is not
 * requested again. Other missing minutes are tried again after a pause, longer
 * each time; newly missed minutes are requested at once.
 *
 * A sink may be slow, and may fail: then all its series are left alone for a
 * while. Series take turns in the order of their live samples.
 */
#include "common/engine/health.h"
#include "common/engine/timer.h"
#include "common/model/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define MINUTE_MS INT64_C(60000)
#define LIVE_MS   MINUTE_MS /* a series without a newer sample is not tried again */

static const struct cemm_backoff sink_backoff = {.first = 1000, .max = 300 * 1000};
static const struct cemm_backoff minutes_backoff = {.first = 60 * 1000, .max = 3600 * 1000};

struct sink {
    const char *name;
    struct cemm_health health;
};

/* One series and one sink. Times of minutes are Unix milliseconds. */
struct fill {
    struct cemm_backfill_job base; /* what the frontend knows of it */
    struct cemm_backfill *backfill;
    struct sink *sink;
    enum { IDLE, WAITS, RUNS } state;
    int64_t lived; /* monotonic: the last live sample */
    struct cemm_timer timer;
    int64_t limit;              /* only minutes over by then count: cemm_ledger_missing() */
    int64_t since;              /* earlier minutes are abandoned: the API has later rows */
    int64_t asked;              /* earlier minutes were requested, and are tried again */
    struct cemm_health backoff; /* between two tries of those */

    /* The round: */
    bool sent;                 /* rows were sent */
    int64_t cursor;            /* the next minute to handle */
    struct cemm_query query;   /* for a day */
    struct cemm_document *day; /* that is being sent */
    int64_t row;               /* its next minute to send */
    TAILQ_ENTRY(fill) link;    /* in `ready` */
    SLIST_ENTRY(fill) all;
};

SLIST_HEAD(fill_list, fill);
TAILQ_HEAD(fill_queue, fill);

struct cemm_backfill {
    struct cemm *cemm;
    struct cemm_ledger *ledger;
    struct cemm_backfill_rules rules;
    void *data;
    struct fill_list fills;
    struct fill_queue ready; /* in order of their turns */
    struct cemm_timers timers;
    unsigned busy; /* rounds under way */
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
        if (ledger->sinks[i]->current)
            backfill->sinks[backfill->sink_count++].name = ledger->sinks[i]->name;
    return backfill;
}

void cemm_backfill_free(struct cemm_backfill *backfill)
{
    if (!backfill)
        return;
    while (!SLIST_EMPTY(&backfill->fills)) {
        struct fill *fill = SLIST_FIRST(&backfill->fills);
        SLIST_REMOVE_HEAD(&backfill->fills, all);
        cemm_document_unref(fill->day);
        free(fill);
    }
    free(backfill);
}

/* ---- what is missing ------------------------------------------------------------------ */

static bool missing(const struct fill *fill, int64_t from, int64_t *ret_from)
{
    int64_t until;

    return cemm_ledger_missing(fill->base.entry, fill->base.sink, from, fill->limit, ret_from,
                               &until);
}

/* Whether a round should begin at `now` (monotonic milliseconds). */
static bool wants(struct fill *fill, int64_t now)
{
    int64_t from;

    if (!missing(fill, fill->since, &from)) { /* it was sent, or has left the window */
        (void)cemm_health_recover(&fill->backoff);
        return false;
    }
    return !cemm_health_backs_off(&fill->backoff, now) ||
           missing(fill, fill->asked > fill->since ? fill->asked : fill->since, &from);
}

/* ---- waiting ------------------------------------------------------------------------- */

static void enqueue(void *data)
{
    struct fill *fill = data;

    TAILQ_INSERT_TAIL(&fill->backfill->ready, fill, link);
}

static void wait_until(struct fill *fill, int64_t when)
{
    cemm_timer_set(&fill->backfill->timers, &fill->timer, when);
    fill->state = WAITS;
}

/* ---- a round --------------------------------------------------------------------------- */

/* Ends the round. The next one begins at `again`; 0: not before the next live sample. */
static void stop(struct fill *fill, int64_t again)
{
    const struct cemm_backfill_rules *rules = &fill->backfill->rules;
    bool ran = fill->state == RUNS;

    cemm_document_unref(fill->day);
    fill->day = NULL;
    fill->state = IDLE;
    fill->backfill->busy--;
    if (again)
        wait_until(fill, again);
    if (ran && rules->done)
        rules->done(fill->backfill->data, &fill->base);
}

/* Later minutes are not over for long enough to be missing: cemm_ledger_missing(). */
static int64_t horizon(const struct fill *fill)
{
    return (fill->limit / MINUTE_MS - 1) * MINUTE_MS;
}

/* Minutes that are still missing are tried again later. */
static void end_round(struct fill *fill, bool failed)
{
    if (fill->sent || failed)
        (void)cemm_health_recover(&fill->backoff);
    (void)cemm_health_fail(&fill->backoff, cemm_clock_steady(), minutes_backoff, cemm_random());
    fill->asked = horizon(fill);
    stop(fill, 0);
}

/* The sink has not taken the rows, so they are still missing. True: its first failure. */
static bool refuse(struct fill *fill, int result)
{
    int64_t now = cemm_clock_steady();
    int64_t again = now - fill->lived < LIVE_MS ? now + fill->backfill->rules.delay_ms : 0;
    bool first = false;

    if (result != -EAGAIN) {
        first = cemm_health_fail(&fill->sink->health, now, sink_backoff, cemm_random());
        again = fill->sink->health.retry_at;
    }
    stop(fill, again);
    return first;
}

static void on_day(void *data, const struct cemm_answer *answer);

/* Requests the day of the oldest missing minute that this round has not requested. */
static void ask_day(struct fill *fill)
{
    struct cemm *cemm = fill->backfill->cemm;

    if (!missing(fill, fill->cursor, &fill->cursor)) {
        end_round(fill, false);
        return;
    }
    fill->query.period = cemm_period_at(cemm_zone(cemm), CEMM_DAY, fill->cursor / 1000);
    fill->row = 0;
    if (cemm_get(cemm, &fill->query, fill->backfill->rules.max_age_ms, on_day, fill, NULL) == 0)
        fill->state = RUNS;
    else
        end_round(fill, true);
}

/* All rows of the day have been sent. */
static void pass_day(struct fill *fill)
{
    const struct cemm_series *series =
        fill->day ? cemm_document_channel(fill->day, fill->base.entry->channel) : NULL;
    int64_t since = 0;

    if (series && series->count > 0)
        since = (series->samples[series->count - 1].time / MINUTE_MS + 1) * MINUTE_MS;
    if (since > horizon(fill)) /* the day has rows that were not sent, as they may come live */
        since = horizon(fill);
    if (since > fill->since)
        fill->since = since;
    fill->cursor = cemm_period_end(cemm_zone(fill->backfill->cemm), &fill->query.period) * 1000;
    cemm_document_unref(fill->day);
    fill->day = NULL;
    ask_day(fill);
}

/* True: the sink had failed before. */
static bool record_sent(struct fill *fill)
{
    fill->sent = true;
    return cemm_health_recover(&fill->sink->health);
}

/* Sends the rest of the day, and goes on. */
static void send_rows(struct fill *fill)
{
    const struct cemm_backfill_rules *rules = &fill->backfill->rules;

    for (;;) {
        struct cemm_document *rows = cemm_ledger_pick_missing(
            fill->base.entry, fill->base.sink, fill->day, fill->row, rules->rows_max, fill->limit);
        if (!rows) {
            end_round(fill, true);
            return;
        }
        int64_t newest = cemm_document_newest(rows);
        fill->row = (newest / MINUTE_MS + 1) * MINUTE_MS;
        int r = newest ? rules->send(fill->backfill->data, &fill->base, rows) : 0;
        cemm_document_unref(rows);
        if (r > 0)
            return; /* cemm_backfill_sent() goes on */
        if (r < 0) {
            (void)refuse(fill, r);
            return;
        }
        if (!newest) {
            pass_day(fill);
            return;
        }
        (void)record_sent(fill);
    }
}

static void on_day(void *data, const struct cemm_answer *answer)
{
    struct fill *fill = data;

    if (answer->result == -ECANCELED)
        return; /* the end */
    if (answer->result != 0 && answer->result != CEMM_ABSENT) {
        end_round(fill, true); /* the library's log says why */
    } else if (answer->document) {
        fill->day = cemm_document_ref(answer->document);
        send_rows(fill);
    } else {
        pass_day(fill);
    }
}

unsigned cemm_backfill_sent(struct cemm_backfill_job *base, size_t sent, int result)
{
    struct fill *fill = (struct fill *)base;
    unsigned changes = 0;

    if (sent > 0 && record_sent(fill))
        changes |= CEMM_SINK_RECOVERED;
    if (result < 0 && refuse(fill, result))
        changes |= CEMM_SINK_FAILED;
    if (result >= 0)
        send_rows(fill);
    return changes;
}

/* ---- when -------------------------------------------------------------------------------- */

static void begin(struct fill *fill)
{
    fill->backfill->busy++;
    fill->cursor = fill->since;
    fill->sent = false;
    ask_day(fill);
}

/* NULL: no memory until the next live sample. */
static struct fill *fill_get(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                             struct sink *sink)
{
    pthread_mutex_lock(&backfill->ledger->lock);
    struct cemm_sent *sent = cemm_ledger_sent_to(entry, sink->name);
    pthread_mutex_unlock(&backfill->ledger->lock);
    if (!sent || sent->job)
        return sent ? (struct fill *)sent->job : NULL;
    struct fill *fill = calloc(1, sizeof(*fill));
    if (!fill)
        return NULL;
    *fill = (struct fill){
        .base = {.entry = entry, .sink = sink->name},
        .backfill = backfill,
        .sink = sink,
        .query = {.uid = entry->meter->uid, .endpoint = CEMM_DATA},
        .timer = {.fire = enqueue, .data = fill},
    };
    strcpy(fill->query.alias, entry->meter->alias);
    SLIST_INSERT_HEAD(&backfill->fills, fill, all);
    sent->job = &fill->base;
    return fill;
}

/* True: a round is running. */
static bool live(struct fill *fill, int64_t limit, void *user, int64_t now)
{
    int64_t delay = fill->backfill->rules.delay_ms;

    if (fill->state == RUNS)
        return true;
    fill->base.user = user;
    fill->lived = now;
    fill->limit = limit;
    if (!wants(fill, now) || fill->state == WAITS)
        return false;
    if (delay > 0)
        wait_until(fill, now + delay);
    else
        begin(fill);
    return fill->state == RUNS;
}

bool cemm_backfill_live(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                        int64_t limit, void *user)
{
    bool busy = false;

    for (size_t i = 0; entry->followed && i < backfill->sink_count; i++) {
        struct fill *fill = fill_get(backfill, entry, &backfill->sinks[i]);
        if (fill && live(fill, limit, user, cemm_clock_steady()))
            busy = true;
    }
    return busy;
}

int64_t cemm_backfill_step(struct cemm_backfill *backfill, int64_t now)
{
    cemm_timers_run(&backfill->timers, now);
    while (!TAILQ_EMPTY(&backfill->ready) && backfill->busy < backfill->rules.rounds_max) {
        struct fill *fill = TAILQ_FIRST(&backfill->ready);
        TAILQ_REMOVE(&backfill->ready, fill, link);
        fill->state = IDLE;
        if (cemm_health_backs_off(&fill->sink->health, now))
            wait_until(fill, fill->sink->health.retry_at);
        else if (wants(fill, now))
            begin(fill);
    }
    return cemm_timers_next(&backfill->timers, now);
}
