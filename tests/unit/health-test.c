/*
 * Tests the back-off of a source that does not answer: it takes 1 s at first and
 * is doubled, with jitter, up to a maximum. It is reported once when it begins and
 * once when it ends.
 */
#include "check.h"
#include "common/engine/health.h"

#define BEGIN  INT64_C(5000000)
#define MIDDLE 25 /* the random number that does not change a pause */

static const struct cemm_backoff rules = {1000, 10000}; /* 1 s at first, at most 10 s */

/* Tests the back-offs of a source that fails again after each of them. */
static void test_doubling(void **state)
{
    static const struct {
        int64_t backoff_max;
        int64_t backoffs[12]; /* 0: end */
    } rows[] = {
        {10000, {1000, 2000, 4000, 8000, 10000, 10000, 10000}},
        {300000, {1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000}},
        {500, {500, 500}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_health health = {0};
        int64_t now = BEGIN;
        for (size_t n = 0; rows[i].backoffs[n]; n++) {
            bool first = cemm_health_fail(&health, now,
                                          (struct cemm_backoff){1000, rows[i].backoff_max}, MIDDLE);
            expect_int("reported", first, n == 0);
            expect_int("back-off", health.retry_at - now, rows[i].backoffs[n]);
            expect_int("down since", health.down_since, BEGIN);
            assert_true(cemm_health_backs_off(&health, now));
            assert_true(cemm_health_backs_off(&health, health.retry_at - 1));
            assert_false(cemm_health_backs_off(&health, health.retry_at));
            now = health.retry_at;
        }
    }
}

static void test_jitter(void **state)
{
    int64_t shortest = INT64_MAX;
    int64_t longest = 0;

    (void)state;
    for (uint32_t chance = 0; chance < 200; chance++) {
        struct cemm_health health = {0};
        cemm_health_fail(&health, BEGIN, rules, chance * 21474836u);
        int64_t backoff = health.retry_at - BEGIN;
        shortest = backoff < shortest ? backoff : shortest;
        longest = backoff > longest ? backoff : longest;
    }
    assert_in_range(shortest, 750, 800);
    assert_in_range(longest, 1200, 1250);
    for (uint32_t chance = 0; chance < 51; chance++) { /* never above the maximum */
        struct cemm_health health = {.pause = 8000};
        cemm_health_fail(&health, BEGIN, rules, chance);
        assert_in_range(health.retry_at - BEGIN, 7500, 10000);
    }
}

static void test_recover(void **state)
{
    struct cemm_health health = {0};

    (void)state;
    assert_false(cemm_health_backs_off(&health, BEGIN));
    assert_false(cemm_health_recover(&health)); /* was healthy: no report */
    assert_true(cemm_health_fail(&health, BEGIN, rules, MIDDLE));
    assert_true(cemm_health_recover(&health));
    assert_false(cemm_health_backs_off(&health, BEGIN));
    assert_false(cemm_health_recover(&health));
    /* The next failure is reported again, and its back-off is short again. */
    assert_true(cemm_health_fail(&health, BEGIN + 1, rules, MIDDLE));
    assert_int_equal(health.retry_at, BEGIN + 1001);
}

/* Requests that were pending when the back-off began may fail during it. That is not a new failure.
 */
static void test_stragglers(void **state)
{
    struct cemm_health health = {0};

    (void)state;
    assert_true(cemm_health_fail(&health, BEGIN, rules, MIDDLE));
    for (int i = 0; i < 10; i++)
        assert_false(cemm_health_fail(&health, BEGIN + i, rules, MIDDLE));
    assert_int_equal(health.retry_at, BEGIN + 1000);
    assert_false(cemm_health_fail(&health, BEGIN + 1000, rules, MIDDLE));
    assert_int_equal(health.retry_at, BEGIN + 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubling),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_recover),
        cmocka_unit_test(test_stragglers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
