/*
 * Fetches missed minutes and gives them to the takers; gap.h decides which, and
 * when. A round begins when a series has a live sample.
 *
 * A taker may be slow, and may fail: then all its series are left alone for a
 * while. Series take turns in the order of their live samples.
 */
#include "common/base/random.h"
#include "common/engine/gap.h"
#include "common/engine/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define LIVE_MS INT64_C(60000) /* a series without a newer sample is not tried again */

static const struct cemm_rest rest_of_taker = {.first = 1000, .max = 300 * 1000};

struct taker {
    const char *name;
    struct cemm_health health;
};

/* One series and one taker. */
struct cemm_fill {
    struct cemm_backfill *backfill;
    struct taker *taker;
    struct cemm_gap gap;
    void *user;
    enum { IDLE, WAITS, FETCHES, GIVES } state;
    int64_t lived; /* monotonic: the last live sample */
    struct cemm_timer timer;
    struct cemm_query query;     /* for a day */
    struct cemm_document *day;   /* that is being given */
    TAILQ_ENTRY(cemm_fill) link; /* in `ready` */
    SLIST_ENTRY(cemm_fill) all;
};

SLIST_HEAD(fill_list, cemm_fill);
TAILQ_HEAD(fill_queue, cemm_fill);

struct cemm_backfill {
    struct cemm *cemm;
    struct cemm_ledger *ledger;
    struct cemm_backfill_rules rules;
    void *data;
    struct taker *takers;
    size_t taker_count;
    struct fill_list fills;
    struct fill_queue ready; /* in order of their turns */
    struct cemm_timers timers;
    unsigned busy; /* rounds under way */
};

/* ---- beginning and end ------------------------------------------------------------- */

struct cemm_backfill *cemm_backfill_new(struct cemm *cemm, struct cemm_ledger *ledger,
                                        const struct cemm_backfill_rules *rules, void *data)
{
    struct cemm_backfill *backfill = calloc(1, sizeof(*backfill));
    struct taker *takers = calloc(ledger->taker_count + 1, sizeof(*takers));

    if (!backfill || !takers) {
        free(takers);
        free(backfill);
        return NULL;
    }
    *backfill = (struct cemm_backfill){
        .cemm = cemm, .ledger = ledger, .rules = *rules, .data = data, .takers = takers};
    SLIST_INIT(&backfill->fills);
    TAILQ_INIT(&backfill->ready);
    for (size_t i = 0; i < ledger->taker_count; i++)
        if (ledger->takers[i]->current)
            takers[backfill->taker_count++].name = ledger->takers[i]->name;
    return backfill;
}

void cemm_backfill_free(struct cemm_backfill *backfill)
{
    if (!backfill)
        return;
    while (!SLIST_EMPTY(&backfill->fills)) {
        struct cemm_fill *fill = SLIST_FIRST(&backfill->fills);
        SLIST_REMOVE_HEAD(&backfill->fills, all);
        cemm_document_unref(fill->day);
        free(fill);
    }
    cemm_timers_clear(&backfill->timers);
    free(backfill->takers);
    free(backfill);
}

struct cemm_ledger_entry *cemm_fill_entry(const struct cemm_fill *fill)
{
    return fill->gap.entry;
}

const char *cemm_fill_taker(const struct cemm_fill *fill)
{
    return fill->taker->name;
}

void *cemm_fill_user(const struct cemm_fill *fill)
{
    return fill->user;
}

/* ---- waiting ------------------------------------------------------------------------- */

static void take_turn(void *data)
{
    struct cemm_fill *fill = data;

    TAILQ_INSERT_TAIL(&fill->backfill->ready, fill, link);
}

/* If memory runs out, it stays idle until the next live sample. */
static void wait_until(struct cemm_fill *fill, int64_t when)
{
    fill->state = IDLE;
    if (cemm_timer_set(&fill->backfill->timers, &fill->timer, when) == 0)
        fill->state = WAITS;
}

/* ---- a round --------------------------------------------------------------------------- */

static void stop(struct cemm_fill *fill)
{
    cemm_document_unref(fill->day);
    fill->day = NULL;
    fill->state = IDLE;
    fill->backfill->busy--;
}

static void end_round(struct cemm_fill *fill, bool failed)
{
    cemm_gap_end(&fill->gap, failed, cemm_clock_steady(), cemm_random());
    stop(fill);
}

/* The taker has not taken the rows, so they are still missing. */
static void refuse(struct cemm_fill *fill, int result)
{
    int64_t now = cemm_clock_steady();

    stop(fill);
    if (result != -EAGAIN) {
        (void)cemm_health_fail(&fill->taker->health, now, rest_of_taker, cemm_random());
        wait_until(fill, fill->taker->health.rest_until);
    } else if (now - fill->lived < LIVE_MS) {
        wait_until(fill, now + fill->backfill->rules.delay_ms);
    }
}

static void take_day(void *data, const struct cemm_answer *answer);

/* Requests the next day of the round. False: the round is over. */
static bool proceed(struct cemm_fill *fill)
{
    const struct cemm_backfill *backfill = fill->backfill;

    if (!cemm_gap_next(&fill->gap, cemm_zone(backfill->cemm), &fill->query.period)) {
        end_round(fill, false);
        return false;
    }
    fill->state = FETCHES;
    if (cemm_get(backfill->cemm, &fill->query, backfill->rules.max_age_ms, take_day, fill, NULL) <
        0)
        end_round(fill, true);
    return fill->state == FETCHES;
}

static bool pass_day(struct cemm_fill *fill)
{
    cemm_gap_pass(&fill->gap, cemm_zone(fill->backfill->cemm), &fill->query.period, fill->day);
    cemm_document_unref(fill->day);
    fill->day = NULL;
    return proceed(fill);
}

static void note_gave(struct cemm_fill *fill)
{
    (void)cemm_health_recover(&fill->taker->health);
    fill->gap.gave = true;
}

/* Gives the rest of the day, and goes on. False: the round is over. */
static bool give(struct cemm_fill *fill)
{
    const struct cemm_backfill_rules *rules = &fill->backfill->rules;
    struct cemm_document *rows;
    int r;

    while ((r = cemm_gap_pick(&fill->gap, fill->day, rules->rows_max, &rows)) > 0) {
        fill->state = GIVES;
        r = rules->give(fill->backfill->data, fill, rows);
        cemm_document_unref(rows);
        if (r > 0)
            return true; /* cemm_backfill_gave() goes on */
        if (r < 0) {
            refuse(fill, r);
            return false;
        }
        note_gave(fill);
    }
    if (r == 0)
        return pass_day(fill);
    end_round(fill, true);
    return false;
}

static void tell_end(struct cemm_fill *fill)
{
    if (fill->backfill->rules.done)
        fill->backfill->rules.done(fill->backfill->data, fill);
}

static void take_day(void *data, const struct cemm_answer *answer)
{
    struct cemm_fill *fill = data;
    bool goes_on = false;

    if (answer->result == -ECANCELED)
        return; /* the end */
    if (answer->result != 0 && answer->result != CEMM_ABSENT) {
        end_round(fill, true); /* the library's log says why */
    } else if (answer->document) {
        fill->day = cemm_document_ref(answer->document);
        goes_on = give(fill);
    } else {
        goes_on = pass_day(fill);
    }
    if (!goes_on)
        tell_end(fill);
}

void cemm_backfill_gave(struct cemm_fill *fill, size_t given, int result)
{
    bool goes_on = false;

    if (given > 0)
        note_gave(fill);
    if (result < 0)
        refuse(fill, result);
    else
        goes_on = give(fill);
    if (!goes_on)
        tell_end(fill);
}

/* ---- when -------------------------------------------------------------------------------- */

static bool begin(struct cemm_fill *fill)
{
    fill->backfill->busy++;
    cemm_gap_begin(&fill->gap);
    return proceed(fill);
}

/* NULL: no memory until the next live sample. */
static struct cemm_fill *fill_get(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                                  struct taker *taker)
{
    pthread_mutex_lock(&backfill->ledger->lock);
    struct cemm_given *given = cemm_ledger_given_to(entry, taker->name);
    pthread_mutex_unlock(&backfill->ledger->lock);
    if (!given || given->fill)
        return given ? given->fill : NULL;
    struct cemm_fill *fill = calloc(1, sizeof(*fill));
    if (!fill)
        return NULL;
    *fill = (struct cemm_fill){
        .backfill = backfill,
        .taker = taker,
        .gap = {.entry = entry, .taker = taker->name},
        .query = {.uid = *cemm_ledger_uid(entry), .endpoint = CEMM_DATA},
        .timer = {.fire = take_turn, .data = fill},
    };
    strcpy(fill->query.alias, cemm_ledger_alias(entry));
    SLIST_INSERT_HEAD(&backfill->fills, fill, all);
    given->fill = fill;
    return fill;
}

/* True: a round is running. */
static bool live(struct cemm_fill *fill, int64_t limit, void *user, int64_t now)
{
    const struct cemm_backfill *backfill = fill->backfill;

    if (fill->state == FETCHES || fill->state == GIVES)
        return true;
    fill->user = user;
    fill->lived = now;
    if (!cemm_gap_wants(&fill->gap, limit, now) || fill->state == WAITS)
        return false;
    if (backfill->rules.delay_ms == 0)
        return begin(fill);
    wait_until(fill, now + backfill->rules.delay_ms);
    return false;
}

bool cemm_backfill_live(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                        int64_t limit, void *user)
{
    bool busy = false;

    for (size_t i = 0; entry->followed && i < backfill->taker_count; i++) {
        struct cemm_fill *fill = fill_get(backfill, entry, &backfill->takers[i]);
        if (fill && live(fill, limit, user, cemm_clock_steady()))
            busy = true;
    }
    return busy;
}

int64_t cemm_backfill_step(struct cemm_backfill *backfill, int64_t now)
{
    cemm_timers_run(&backfill->timers, now);
    while (!TAILQ_EMPTY(&backfill->ready) && backfill->busy < backfill->rules.rounds_max) {
        struct cemm_fill *fill = TAILQ_FIRST(&backfill->ready);
        TAILQ_REMOVE(&backfill->ready, fill, link);
        fill->state = IDLE;
        if (cemm_health_rests(&fill->taker->health, now))
            wait_until(fill, fill->taker->health.rest_until);
        else if (cemm_gap_wants(&fill->gap, fill->gap.limit, now))
            (void)begin(fill);
    }
    return cemm_timers_next(&backfill->timers, now);
}
