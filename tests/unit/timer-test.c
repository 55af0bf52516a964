/*
 * Tests the heap of timers: timers that are due fire once each, in the order of their
 * times; a stopped timer does not fire, wherever it was in the heap.
 */
#include "check.h"
#include "common/engine/timer.h"

#define TIMERS 500

struct probe {
    struct cemm_timer timer;
    int fired;
    struct cemm_timers *timers;
    struct probe *stops; /* the timer that is stopped when this one fires */
    int64_t again;       /* when it fires, it is started again for this time; 0: it is not */
};

static int64_t last_fired;

static void fire(void *data)
{
    struct probe *probe = data;

    assert_true(probe->timer.when >= last_fired); /* earliest first */
    last_fired = probe->timer.when;
    assert_null(probe->timer.link); /* is no longer in the heap, so it can be started again here */
    probe->fired++;
    if (probe->stops)
        cemm_timer_stop(&probe->stops->timer);
    if (probe->again) {
        int64_t again = probe->again;
        probe->again = 0;
        cemm_timer_set(probe->timers, &probe->timer, again);
    }
}

static void set(struct cemm_timers *timers, struct probe *probe, int64_t when)
{
    *probe = (struct probe){.timer = {.fire = fire, .data = probe}, .timers = timers};
    cemm_timer_set(timers, &probe->timer, when);
}

static int setup(void **state)
{
    (void)state;
    last_fired = 0;
    return 0;
}

static void test_empty(void **state)
{
    struct cemm_timers timers = {0};
    struct cemm_timer unset = {0};

    (void)state;
    assert_int_equal(cemm_timers_next(&timers, 1000), -1);
    cemm_timers_run(&timers, 1000);
    cemm_timer_stop(&unset);
}

static void test_due(void **state)
{
    struct cemm_timers timers = {0};
    struct probe a;
    struct probe b;

    (void)state;
    set(&timers, &a, 200);
    set(&timers, &b, 100);
    assert_int_equal(cemm_timers_next(&timers, 40), 60);
    assert_int_equal(cemm_timers_next(&timers, 100), 0);
    assert_int_equal(cemm_timers_next(&timers, 150), 0);
    cemm_timers_run(&timers, 99);
    assert_int_equal(a.fired + b.fired, 0);
    cemm_timers_run(&timers, 100);
    assert_int_equal(b.fired, 1);
    assert_int_equal(cemm_timers_next(&timers, 100), 100);
    cemm_timers_run(&timers, 1000);
    assert_int_equal(a.fired, 1);
    assert_int_equal(b.fired, 1);
    assert_int_equal(cemm_timers_next(&timers, 1000), -1);
}

static void test_from_within(void **state)
{
    struct cemm_timers timers = {0};
    struct probe stopper;
    struct probe stopped;
    struct probe repeater;

    (void)state;
    set(&timers, &stopper, 10);
    set(&timers, &stopped, 20);
    set(&timers, &repeater, 15);
    stopper.stops = &stopped;
    repeater.again = 30;
    cemm_timers_run(&timers, 25);
    assert_int_equal(stopped.fired, 0);
    assert_int_equal(repeater.fired, 1);
    assert_int_equal(cemm_timers_next(&timers, 25), 5);
    cemm_timers_run(&timers, 30);
    assert_int_equal(repeater.fired, 2);
}

static int order[TIMERS];
static int fired;

static void fire_in_order(void *data)
{
    assert_int_equal(*(int *)data, fired);
    fired++;
}

/* Timers that are due at the same time fire in the order in which they were started. */
static void test_same_time(void **state)
{
    struct cemm_timers timers = {0};
    struct cemm_timer equal[TIMERS] = {0};

    (void)state;
    for (int i = 0; i < TIMERS; i++) {
        order[i] = i;
        equal[i].fire = fire_in_order;
        equal[i].data = &order[i];
        cemm_timer_set(&timers, &equal[i], 7);
    }
    cemm_timers_run(&timers, 7);
    assert_int_equal(fired, TIMERS);
}

/* Starts many timers in a scrambled order, some of them for the same time, and stops every third
 * one. */
static void test_many(void **state)
{
    struct cemm_timers timers = {0};
    static struct probe probes[TIMERS];

    (void)state;
    for (int i = 0; i < TIMERS; i++)
        set(&timers, &probes[i], 1 + (i * 7919) % 331);
    for (int i = 0; i < TIMERS; i += 3) {
        cemm_timer_stop(&probes[i].timer);
        cemm_timer_stop(&probes[i].timer);
    }
    for (int64_t now = 0; now <= 331; now++) {
        cemm_timers_run(&timers, now);
        for (int i = 0; i < TIMERS; i++)
            assert_int_equal(probes[i].fired, i % 3 != 0 && probes[i].timer.when <= now);
    }
    assert_null(timers.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty, setup),
        cmocka_unit_test_setup(test_due, setup),
        cmocka_unit_test_setup(test_from_within, setup),
        cmocka_unit_test_setup(test_same_time, setup),
        cmocka_unit_test_setup(test_many, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
