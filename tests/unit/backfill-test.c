/*
 * Tests backfill with a simulated network: when a round begins, which day is
 * requested next, which of its rows are sent, how many rounds run at a time, and
 * what happens if rows can't be fetched or are not accepted.
 */
#include "answers.h"
#include "check.h"
#include "common/model/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MINUTE INT64_C(60000)
#define LIMIT  INT64_C(1496314800000) /* 2017-06-01 13:00 in Amsterdam */
#define WINDOW (4 * 60)               /* seconds */
#define AGO(n) (LIMIT - MINUTE * (n)) /* n minutes before LIMIT */

static const struct cemm_uid uid = {"00-1E-C0-85-96-CC"};
static const char *const aliases[] = {"p1", "s01", "s02"};

static struct {
    struct cemm_zone *zone;
    struct cemm_ledger *ledger;
    struct cemm_backfill *backfill;
    int64_t now;
    int get_result;  /* the result of the next requests */
    int send_result; /* the result of the next calls of send_rows() */
    bool details;    /* `events` has days and values, not aliases */
    struct {
        cemm_answer_fn *done;
        void *data;
    } pending[8]; /* oldest first */
    size_t pending_count;
    struct cemm_backfill_job *sending; /* the job whose rows were sent last */
    char events[400];
} fake;

int64_t __wrap_cemm_clock_steady(void);

int64_t __wrap_cemm_clock_steady(void)
{
    return fake.now;
}

uint32_t __wrap_cemm_random(void);

/* Returns the random number that does not change a pause. */
uint32_t __wrap_cemm_random(void)
{
    return 25;
}

static void record(const char *what, const char *which)
{
    size_t length = strlen(fake.events);

    assert_true(snprintf(fake.events + length, sizeof(fake.events) - length, "%s%s %s",
                         length ? ", " : "", what, which) < (int)(sizeof(fake.events) - length));
}

/* ---- the simulated engine ------------------------------------------------------------ */

const struct cemm_zone *cemm_zone(const struct cemm *cemm)
{
    (void)cemm;
    return fake.zone;
}

int cemm_get(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
             cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    (void)cemm;
    (void)max_age_ms;
    (void)ret_ticket;
    char day[16];
    cemm_period_format(&query->period, day, sizeof(day));
    record("get", fake.details ? day : query->alias);
    if (fake.get_result < 0)
        return fake.get_result;
    fake.pending[fake.pending_count].done = done;
    fake.pending[fake.pending_count++].data = data;
    return 0;
}

/* Returns a day that has a row for each minute from `first` to `last` minutes ago. If `first` is 0,
 * it has no rows. */
static struct cemm_document *day_of(int first, int last)
{
    char text[8000] = "{\"data\":{\"electric_power\":[";
    size_t length = strlen(text);

    for (int i = last; first && i <= first; i++) /* newest first, as the API has it */
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s[%lld,%d]",
                                   i > last ? "," : "", (long long)AGO(i), i);
    strcat(text, "]}}");
    return answer(CEMM_DATA, "p1", CEMM_DAY, text);
}

/* Answers the oldest request. Takes the reference to `day`. */
static void answer_with(int result, struct cemm_document *day)
{
    struct cemm_answer next = {.result = result, .document = day, .message = ""};
    cemm_answer_fn *done = fake.pending[0].done;
    void *data = fake.pending[0].data;

    assert_true(fake.pending_count > 0);
    fake.pending_count--;
    memmove(fake.pending, fake.pending + 1, fake.pending_count * sizeof(fake.pending[0]));
    done(data, &next);
    cemm_document_unref(day);
}

/* Answers the oldest request: if `result` is 0, with a day whose rows are 4 to 2 minutes old. */
static void answer_next(int result)
{
    answer_with(result, result == 0 ? day_of(4, 2) : NULL);
}

/* ---- the frontend ------------------------------------------------------------------ */

static void mark(struct cemm_backfill_job *job, const struct cemm_document *rows)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(rows, &count);

    for (size_t i = 0; i < series->count; i++)
        assert_int_equal(cemm_ledger_mark(job->entry, job->sink, series->samples[i].time), 1);
}

static const char *values_of(const struct cemm_document *rows)
{
    static char text[40];
    size_t count;
    const struct cemm_series *series = cemm_document_series(rows, &count);

    text[0] = '\0';
    for (size_t i = 0; i < series->count; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", i ? "+" : "",
                       (int)series->samples[i].value);
    return text;
}

static int send_rows(void *data, struct cemm_backfill_job *job, struct cemm_document *rows)
{
    assert_ptr_equal(data, &fake);
    assert_ptr_equal(job->user, &uid);
    record("send", fake.details ? values_of(rows) : cemm_ledger_names(job->entry).alias);
    fake.sending = job;
    if (fake.send_result >= 0)
        mark(job, rows);
    return fake.send_result;
}

static void done(void *data, struct cemm_backfill_job *job)
{
    (void)data;
    record("done", cemm_ledger_names(job->entry).alias);
}

static void begin(const struct cemm_backfill_rules *rules, int64_t window)
{
    static const char *const sinks[] = {"csv"};

    memset(&fake, 0, sizeof(fake));
    fake.now = 1000000;
    fake.zone = cemm_zone_new("Europe/Amsterdam");
    fake.ledger = cemm_ledger_new(window, sinks, 1);
    assert_non_null(fake.zone);
    assert_non_null(fake.ledger);
    fake.backfill = cemm_backfill_new(NULL, fake.ledger, rules, &fake);
    assert_non_null(fake.backfill);
}

static void end(void)
{
    while (fake.pending_count > 0)
        answer_next(-ECANCELED);
    cemm_backfill_free(fake.backfill);
    cemm_ledger_free(fake.ledger);
    cemm_zone_free(fake.zone);
}

/* ---- sequences of events -------------------------------------------------------- */

enum action { LIVE, ANSWER, SENT, STEP };

struct step {
    const char *row;
    enum action action;
    int which;          /* LIVE: the meter; ANSWER, SENT: the result; STEP: milliseconds later */
    int get_result;     /* the result of requests from now on */
    int send_result;    /* the result of sending from now on */
    const char *events; /* the expected events */
    int64_t result;     /* LIVE: whether a round is running; STEP: what the call returns */
};

static int64_t act(const struct step *step)
{
    switch (step->action) {
    case LIVE:
        return cemm_backfill_live(
            fake.backfill,
            cemm_ledger_entry(fake.ledger, &uid, aliases[step->which], "electric_power"), LIMIT,
            (void *)&uid);
    case ANSWER:
        answer_next(step->which);
        return 0;
    case SENT:
        cemm_backfill_sent(fake.sending, step->which == 0, step->which);
        return 0;
    case STEP:
        fake.now += step->which;
        return cemm_backfill_step(fake.backfill, fake.now);
    }
    return 0;
}

static void run(const struct cemm_backfill_rules *rules, const struct step *steps, size_t count)
{
    begin(rules, WINDOW);
    for (size_t i = 0; i < count; i++) {
        fake.get_result = steps[i].get_result;
        fake.send_result = steps[i].send_result;
        fake.events[0] = '\0';
        expect_int(steps[i].row, act(&steps[i]), steps[i].result);
        expect_text(steps[i].row, fake.events, steps[i].events);
    }
    end();
}

/* Uses backfill as `cemm stream` does: it begins immediately, sends few rows at a time, and samples
 * wait for its end. */
static void test_at_once(void **state)
{
    static const struct cemm_backfill_rules rules = {
        .rows_max = 2, .send = send_rows, .done = done};
    static const struct step steps[] = {
        {"a live sample", LIVE, 0, 0, 0, "get p1", true},
        {"another sample meanwhile", LIVE, 0, 0, 0, "", true},
        {"a sample of another meter", LIVE, 1, 0, 0, "get s01", true},
        {"rows come in pieces", ANSWER, 0, 0, 0, "send p1, send p1, done p1", 0},
        {"nothing is missing", LIVE, 0, 0, 0, "", false},
        {"a request that fails", ANSWER, -ETIMEDOUT, 0, 0, "done s01", 0},
        {"the failed series backs off", LIVE, 1, 0, 0, "", false},
        {"a minute and a half later nothing happens by itself", STEP, 90000, 0, 0, "", -1},
        {"no memory for a request", LIVE, 1, -ENOMEM, 0, "get s01", false},
        {"after that the series backs off, too", LIVE, 1, 0, 0, "", false},
        {"the API has nothing", LIVE, 2, 0, 0, "get s02", true},
        {"the answer without a document ends the round", ANSWER, CEMM_ABSENT, 0, 0, "done s02", 0},
    };

    (void)state;
    run(&rules, steps, COUNT(steps));
}

/* Uses backfill as the plugin does: it begins later, sends all rows together in another thread, and
 * few rounds run at a time. */
static void test_later(void **state)
{
    static const struct cemm_backfill_rules rules = {
        .delay_ms = 1000, .rows_max = SIZE_MAX, .rounds_max = 1, .send = send_rows};
    static const struct step steps[] = {
        {"a live sample", LIVE, 0, 0, 1, "", false},
        {"it is not due", STEP, 999, 0, 1, "", 1},
        {"nor is the next", LIVE, 1, 0, 1, "", false},
        {"it is due", STEP, 1, 0, 1, "get p1", 999},
        {"the next waits for its turn", STEP, 999, 0, 1, "", -1},
        {"rows", ANSWER, 0, 0, 1, "send p1", 0},
        {"it is still being sent", STEP, 10, 0, 1, "", -1},
        {"all rows are sent", SENT, 0, 0, 1, "", 0},
        {"then the next has its turn", STEP, 10, 0, 1, "get s01", -1},
        {"its rows", ANSWER, 0, 0, 1, "send s01", 0},
    };

    (void)state;
    run(&rules, steps, COUNT(steps));
}

/* Rows that are not accepted are offered again: soon if the series was not live, otherwise after
 * the back-off of the sink. */
static void test_refused(void **state)
{
    static const struct cemm_backfill_rules rules = {
        .delay_ms = 1000, .rows_max = SIZE_MAX, .rounds_max = 4, .send = send_rows, .done = done};
    static const struct step steps[] = {
        {"a live sample", LIVE, 0, 0, 0, "", false},
        {"it is due", STEP, 1000, 0, 0, "get p1", -1},
        {"the series is not live", ANSWER, 0, 0, -EAGAIN, "send p1, done p1", 0},
        {"it is tried again soon", STEP, 1000, 0, 0, "get p1", -1},
        {"the sink fails", ANSWER, 0, 0, -EIO, "send p1, done p1", 0},
        {"the sink backs off for about a second", STEP, 1250, 0, 0, "get p1", -1},
        {"the sink fails again", ANSWER, 0, 0, -EIO, "send p1, done p1", 0},
        {"a live sample changes nothing", LIVE, 0, 0, 0, "", false},
        {"the sink backs off for longer", STEP, 2500, 0, 0, "get p1", -1},
        {"the sink works", ANSWER, 0, 0, 0, "send p1, done p1", 0},
        {"nothing is missing", LIVE, 0, 0, 0, "", false},
        {"another meter", LIVE, 1, 0, 0, "", false},
        {"the other meter is due", STEP, 1000, 0, 0, "get s01", -1},
        {"a minute without a sample", STEP, 60000, 0, 0, "", -1},
        {"the other series is not live", ANSWER, 0, 0, -EAGAIN, "send s01, done s01", 0},
        {"it is not tried again", STEP, 600000, 0, 0, "", -1},
        {"until it is live", LIVE, 1, 0, 0, "", false},
        {"then it is tried again", STEP, 1000, 0, 0, "get s01", -1},
        {"the healthy sink fails", ANSWER, 0, 0, -EIO, "send s01, done s01", 0},
        {"the sink backs off for a second again", STEP, 1250, 0, 0, "get s01", -1},
    };

    (void)state;
    run(&rules, steps, COUNT(steps));
}

/* Only electric_power and flow have a row for each minute. Other channels are not requested. */
static void test_not_by_minute(void **state)
{
    static const struct cemm_backfill_rules rules = {.rows_max = 2, .send = send_rows};

    (void)state;
    begin(&rules, WINDOW);
    assert_false(cemm_backfill_live(fake.backfill, cemm_ledger_entry(fake.ledger, &uid, "p1", "t1"),
                                    LIMIT, NULL));
    expect_text("not requested", fake.events, "");
    end();
}

/* ---- a round ----------------------------------------------------------------------- */

static const struct cemm_backfill_rules two_rows = {.rows_max = 2, .send = send_rows};

static struct cemm_ledger_entry *power(void)
{
    return cemm_ledger_entry(fake.ledger, &uid, "p1", "electric_power");
}

/* Runs a round in which each day has rows from `first` to `last` minutes ago. fake.events then
 * lists what the round did. */
static void round_of(int64_t limit, int first, int last)
{
    fake.events[0] = '\0';
    (void)cemm_backfill_live(fake.backfill, power(), limit, (void *)&uid);
    while (fake.pending_count > 0)
        answer_with(0, day_of(first, last));
}

static void test_rounds(void **state)
{
    static const struct {
        const char *row;
        int window;    /* minutes */
        int marked[6]; /* the minutes that were sent: AGO(n); 0: end */
        int first;     /* the API has rows from `first` to `last` minutes ago */
        int last;
        const char *events;
    } rows[] = {
        {"the rows are sent oldest first, two at a time",
         6,
         {0},
         10,
         1,
         "get 2017-06-01, send 6+5, send 4+3, send 2"},
        {"only what is missing", 6, {5, 3}, 10, 1, "get 2017-06-01, send 6+4, send 2"},
        {"nothing is missing", 4, {4, 3, 2}, 10, 1, ""},
        {"the API has nothing", 4, {0}, 0, 0, "get 2017-06-01"},
        {"the API has only some rows", 6, {0}, 5, 3, "get 2017-06-01, send 5+4, send 3"},
        {"two days", 13 * 60 + 2, {0}, 5, 4, "get 2017-05-31, send 5+4, get 2017-06-01"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(&two_rows, rows[i].window * 60);
        fake.details = true;
        for (size_t j = 0; j < COUNT(rows[i].marked) && rows[i].marked[j]; j++)
            (void)cemm_ledger_mark(power(), "csv", AGO(rows[i].marked[j]));
        round_of(LIMIT, rows[i].first, rows[i].last);
        expect_text(rows[i].row, fake.events, rows[i].events);
        end();
    }
}

/* A day that could not be fetched is not requested again for a while, longer each time, unless more
 * minutes are missing. */
static void test_backoff(void **state)
{
    static const struct {
        const char *row;
        int64_t after; /* milliseconds since the end of the previous round */
        int later;     /* minutes by which `limit` has advanced */
        bool requested;
        int result; /* the result of the request for the day */
    } rows[] = {
        {"it is requested at first", 0, 0, true, CEMM_ABSENT},
        {"it backs off for a minute", 59999, 0, false, 0},
        {"then it is requested again", 1, 0, true, CEMM_ABSENT},
        {"it backs off for two minutes", 119999, 0, false, 0},
        {"it is requested if more is missing", 0, 1, true, -ETIMEDOUT},
        {"a failure backs off for a minute", 59999, 1, false, 0},
        {"then it is requested, and fails", 1, 1, true, -ETIMEDOUT},
        {"a second failure backs off for a minute", 59999, 1, false, 0},
        {"then it is requested, and is absent", 1, 1, true, CEMM_ABSENT},
        {"without a failure it backs off for longer", 119999, 1, false, 0},
        {"it is requested after two minutes", 1, 1, true, CEMM_ABSENT},
    };

    (void)state;
    begin(&two_rows, 3600);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fake.now += rows[i].after;
        expect_int(rows[i].row,
                   cemm_backfill_live(fake.backfill, power(), LIMIT + rows[i].later * MINUTE, NULL),
                   rows[i].requested);
        if (rows[i].requested)
            answer_next(rows[i].result);
    }
    end();
}

/* Minutes without a row are not requested again if they are before the newest row; later minutes
 * are. */
static void test_hole(void **state)
{
    (void)state;
    begin(&two_rows, 6 * 60);
    fake.details = true;
    round_of(LIMIT, 4, 4);
    expect_text("one row", fake.events, "get 2017-06-01, send 4");
    fake.now += 60000;
    round_of(LIMIT, 3, 2); /* minutes 3 and 2 are missing */
    expect_text("after the row", fake.events, "get 2017-06-01, send 3+2");
    fake.now += 3600000;
    round_of(LIMIT, 3, 2); /* minutes 6 and 5 have no row */
    expect_text("before the row", fake.events, "");
    end();
}

/* A day may already have the row of a minute that has just ended, although a live sample of that
 * minute may still arrive. If none arrives, the row is sent afterwards. */
static void test_just_ended(void **state)
{
    (void)state;
    begin(&two_rows, 3 * 60);
    fake.details = true;
    round_of(LIMIT, 3, 1);
    expect_text("not yet", fake.events, "get 2017-06-01, send 3+2");
    round_of(LIMIT + MINUTE, 3, 1);
    expect_text("a minute later", fake.events, "get 2017-06-01, send 1");
    round_of(LIMIT + MINUTE, 3, 1);
    expect_text("once", fake.events, "");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),  cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_hole),    cmocka_unit_test(test_just_ended),
        cmocka_unit_test(test_at_once), cmocka_unit_test(test_later),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_not_by_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
