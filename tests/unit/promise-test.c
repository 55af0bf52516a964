/*
 * Tests the promise (cloud §API Promise) without a network and without sleeping:
 * the time is an argument. Each case is a sequence of answers: when they arrive,
 * with which status, and what must be done then.
 */
#include "check.h"
#include "common/protocol/promise.h"

#define BEGIN   INT64_C(1000000) /* an arbitrary monotonic time */
#define TIMEOUT 15000
#define NO      (-1) /* no Retry-After */

static void test_quick_then_slower(void **state)
{
    struct cemm_promise promise;
    int64_t now = BEGIN;
    int64_t last = 0;
    int repeats = 0;

    (void)state;
    cemm_promise_begin(&promise, BEGIN, 60000, -1, false);
    while (cemm_promise_answer(&promise, now, 202, NO) == CEMM_WAIT && now < BEGIN + 9000) {
        int64_t pause = promise.until - now;
        if (repeats == 0)
            assert_int_equal(pause, 500);
        assert_true(pause >= last); /* slower each time … */
        assert_true(pause <= 3000); /* … up to a limit */
        last = pause;
        now = promise.until;
        repeats++;
    }
    assert_int_equal(last, 3000);
    assert_int_equal(promise.given, 1);
    assert_int_equal(repeats, CEMM_PROMISE_REPEATS); /* at 0.5, 1.5, 3.5, 6.5 and 9.5 s */
    assert_int_equal(cemm_promise_answer(&promise, now, 200, NO), CEMM_DONE);
}

/* A promise is valid for 10 s. A later 202 is a new promise, after which repeats are quick again.
 */
static void test_new_promise(void **state)
{
    static const struct {
        int64_t at;
        int64_t pause;
        unsigned given;
    } answers[] = {
        {0, 500, 1},      {5000, 1000, 1},  {9999, 2000, 1}, {10000, 500, 2},
        {10500, 1000, 2}, {19999, 2000, 2}, {20000, 500, 3},
    };
    struct cemm_promise promise;

    (void)state;
    cemm_promise_begin(&promise, BEGIN, 60000, -1, false);
    for (size_t i = 0; i < COUNT(answers); i++) {
        int64_t now = BEGIN + answers[i].at;
        assert_int_equal(cemm_promise_answer(&promise, now, 202, NO), CEMM_WAIT);
        expect_int("pause", promise.until - now, answers[i].pause);
        expect_int("promises", promise.given, answers[i].given);
    }
}

/* Tests the action that follows from a first answer. */
static void test_first_answer(void **state)
{
    static const struct {
        const char *row;
        int64_t at;
        int status;
        int64_t retry_after;
        enum cemm_step step;
        int64_t until; /* if CEMM_WAIT: when the pause ends, in milliseconds after BEGIN */
    } rows[] = {
        {"data", 0, 200, NO, CEMM_DONE, 0},
        {"data, with a useless header", 0, 200, 5000, CEMM_DONE, 0},
        {"promise", 50, 202, NO, CEMM_WAIT, 550},
        {"promise with a time", 50, 202, 3000, CEMM_WAIT, 3050},
        {"promise with time 0", 50, 202, 0, CEMM_WAIT, 50},
        {"promise beyond the deadline", 0, 202, 15000, CEMM_TIMED_OUT, 0},
        {"promise just before the deadline", 0, 202, 14999, CEMM_WAIT, 14999},
        {"promise near the deadline: one more try", 14400, 202, NO, CEMM_WAIT, 14900},
        {"promise too near the deadline", 14550, 202, NO, CEMM_TIMED_OUT, 0},
        {"promise at the deadline", 15000, 202, NO, CEMM_TIMED_OUT, 0},
        {"busy, with a time", 0, 429, 2000, CEMM_WAIT, 2000},
        {"busy, without a time", 0, 429, NO, CEMM_DONE, 0},
        {"busy beyond the deadline", 0, 429, 60000, CEMM_TIMED_OUT, 0},
        {"down, with a time", 10, 503, 1000, CEMM_WAIT, 1010},
        {"down, without a time", 0, 503, NO, CEMM_DONE, 0},
        {"down beyond the deadline", 1, 503, 15000, CEMM_TIMED_OUT, 0},
        {"denied", 0, 403, 1000, CEMM_DONE, 0},
        {"not found", 0, 404, NO, CEMM_DONE, 0},
        {"CEMM too slow", 0, 408, 1000, CEMM_DONE, 0},
        {"no such alias", 0, 412, NO, CEMM_DONE, 0},
        {"broken", 0, 500, 1000, CEMM_DONE, 0},
        {"bad gateway", 0, 502, 1000, CEMM_DONE, 0},
        {"redirect", 0, 302, NO, CEMM_DONE, 0},
        {"other success", 0, 204, NO, CEMM_DONE, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_promise promise;
        cemm_promise_begin(&promise, BEGIN, TIMEOUT, -1, false);
        expect_int(
            rows[i].row,
            cemm_promise_answer(&promise, BEGIN + rows[i].at, rows[i].status, rows[i].retry_after),
            rows[i].step);
        if (rows[i].step == CEMM_WAIT)
            expect_int(rows[i].row, promise.until - BEGIN, rows[i].until);
    }
}

/* However late the deadline is, a promise leads to at most five repeats of the request. */
static void test_five_repeats(void **state)
{
    (void)state;
    for (int64_t timeout = 600; timeout < 40000; timeout += 100) {
        struct cemm_promise promise;
        unsigned given = 0, repeats = 0;
        int64_t now = BEGIN;

        cemm_promise_begin(&promise, BEGIN, timeout, -1, false);
        while (cemm_promise_answer(&promise, now, 202, NO) == CEMM_WAIT) {
            repeats = promise.given == given ? repeats + 1 : 0;
            given = promise.given;
            assert_in_range(repeats, 0, CEMM_PROMISE_REPEATS);
            assert_true(repeats > 0 || promise.until - now == CEMM_PROMISE_FIRST_MS ||
                        promise.until == BEGIN + timeout - CEMM_PROMISE_FIRST_MS);
            now = promise.until;
        }
        assert_true(now > BEGIN);
    }
}

/* If a promise is never kept, the request fails after a last repeat shortly before the deadline. */
static void test_never_kept(void **state)
{
    struct cemm_promise promise;
    enum cemm_step step;
    int64_t now = BEGIN;

    (void)state;
    cemm_promise_begin(&promise, BEGIN, TIMEOUT, -1, false);
    while ((step = cemm_promise_answer(&promise, now, 202, NO)) == CEMM_WAIT) {
        assert_true(promise.until > now);
        assert_true(promise.until < BEGIN + TIMEOUT);
        now = promise.until;
    }
    assert_int_equal(step, CEMM_TIMED_OUT);
    assert_int_equal(now, BEGIN + TIMEOUT - CEMM_PROMISE_FIRST_MS);
    assert_int_equal(promise.given, 2);
}

static void test_deadline(void **state)
{
    struct cemm_promise promise;

    (void)state;
    cemm_promise_begin(&promise, BEGIN, TIMEOUT, -1, false);
    assert_int_equal(promise.deadline, BEGIN + TIMEOUT);
    assert_int_equal(cemm_promise_answer(&promise, BEGIN, 429, 10000), CEMM_WAIT);
    assert_int_equal(promise.until, BEGIN + 10000);
    assert_int_equal(cemm_promise_answer(&promise, BEGIN, 429, TIMEOUT - 1), CEMM_WAIT);
    assert_int_equal(cemm_promise_answer(&promise, BEGIN, 429, TIMEOUT), CEMM_TIMED_OUT);
}

/* After a 429, the pauses of the promise go on as if there had been no 429. */
static void test_mixed(void **state)
{
    struct cemm_promise promise;

    (void)state;
    cemm_promise_begin(&promise, BEGIN, TIMEOUT, -1, false);
    cemm_promise_answer(&promise, BEGIN, 202, NO);
    cemm_promise_answer(&promise, BEGIN + 500, 429, 1000);
    assert_int_equal(promise.until, BEGIN + 1500);
    cemm_promise_answer(&promise, BEGIN + 1500, 202, NO);
    assert_int_equal(promise.until, BEGIN + 2500);
    assert_int_equal(promise.given, 1);
    assert_int_equal(cemm_promise_answer(&promise, BEGIN + 2500, 200, NO), CEMM_DONE);
}

/* Tests the time that is learned for a source from the repeat that got the answer. */
static void test_learned(void **state)
{
    static const struct {
        const char *row;
        int64_t early; /* when a repeat got another 202 (ms after BEGIN); 0: none did */
        int64_t came;  /* when the repeat that got the data was sent (ms after BEGIN) */
        int64_t expected;
        int64_t known; /* the device's estimate; -1: none; a hint is another device's estimate */
        bool patient;  /* no repeat before `expected` */
        int64_t learned;
    } rows[] = {
        {"nothing known: between the two repeats, closer to the successful one", 812, 1318, -1, -1,
         false, 1192},
        {"nothing known, and there was no repeat before", 0, 100, -1, -1, false, 75},
        {"as expected, not patient: the estimate shrinks a little", 812, 1068, 1068, 1068, false,
         1060},
        {"as expected, patient: the estimate stays", 0, 1068, 1068, 1068, true, 1068},
        {"sooner than expected", 812, 900, 1068, 1068, false, 900},
        {"later than expected", 1068, 1093, 1068, 1068, true, 1093},
        {"later than expected, but another request has raised the estimate meanwhile", 1050, 1093,
         1050, 1080, true, 1080},
        {"a hint that is right", 500, 1000, 1000, -1, false, 1000},
        {"a hint that is right, after a wait", 0, 1000, 1000, -1, true, 1000},
        {"a hint that is too long", 0, 500, 1000, -1, false, 500},
        {"a hint that is too short", 1000, 1062, 1000, -1, true, 1062},
    };
    struct cemm_promise promise;

    (void)state;
    cemm_promise_begin(&promise, BEGIN, TIMEOUT, -1, false);
    assert_int_equal(cemm_promise_learned(&promise, BEGIN, 77), 77); /* there was no promise */
    for (size_t i = 0; i < COUNT(rows); i++) {
        cemm_promise_begin(&promise, BEGIN, TIMEOUT, rows[i].expected, rows[i].patient);
        cemm_promise_answer(&promise, BEGIN, 202, NO);
        if (rows[i].early)
            cemm_promise_answer(&promise, BEGIN + rows[i].early, 202, NO);
        expect_int(rows[i].row, cemm_promise_learned(&promise, BEGIN + rows[i].came, rows[i].known),
                   rows[i].learned);
    }
}

/* A patient promise repeats the request only when the data is expected; any other promise also
 * repeats it earlier. */
static void test_expected(void **state)
{
    struct cemm_promise promise;

    (void)state;
    for (int64_t expected = 300; expected < 3000; expected += 77) {
        bool met = false;
        unsigned repeats = 0;
        int64_t now;
        cemm_promise_begin(&promise, BEGIN, TIMEOUT, expected, false);
        for (now = BEGIN; now < BEGIN + expected; now = promise.until, repeats++) {
            assert_int_equal(cemm_promise_answer(&promise, now, 202, NO), CEMM_WAIT);
            met |= promise.until == BEGIN + expected;
        }
        assert_true(met);
        assert_int_equal(repeats, 2);
        /* If that is still too early, the next repeat follows soon. */
        assert_int_equal(cemm_promise_answer(&promise, now, 202, NO), CEMM_WAIT);
        int64_t late = expected / CEMM_PROMISE_LATE;
        assert_int_equal(promise.until - now,
                         late > CEMM_PROMISE_LATE_MS ? late : CEMM_PROMISE_LATE_MS);

        cemm_promise_begin(&promise, BEGIN, TIMEOUT, expected, true);
        assert_int_equal(cemm_promise_answer(&promise, BEGIN, 202, NO), CEMM_WAIT);
        assert_int_equal(promise.until, BEGIN + expected);
    }
    /* A promise is patient only if a time is expected. */
    cemm_promise_begin(&promise, BEGIN, TIMEOUT, -1, true);
    cemm_promise_answer(&promise, BEGIN, 202, NO);
    assert_int_equal(promise.until, BEGIN + CEMM_PROMISE_FIRST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learned),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_quick_then_slower),
        cmocka_unit_test(test_new_promise),
        cmocka_unit_test(test_first_answer),
        cmocka_unit_test(test_never_kept),
        cmocka_unit_test(test_five_repeats),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_mixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
