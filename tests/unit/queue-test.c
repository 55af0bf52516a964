/*
 * The queue between the plugin's thread and collectd's: in order, a series once
 * at a time, and bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugin/collectd/queue.h"

static struct cemm_ledger *ledger;

/* An entry that lives as long as the test. */
static struct cemm_ledger_entry *entry_of(const char *alias)
{
    static const struct cemm_uid uid = {"00-1E-C0-85-96-CC"};
    struct cemm_ledger_entry *entry;

    if (!ledger)
        ledger = cemm_ledger_new(0, NULL, 0);
    assert_non_null(ledger);
    entry = cemm_ledger_entry(ledger, &uid, alias, "t1");
    assert_non_null(entry);
    return entry;
}

static void add_of(struct queue *queue, const char *alias, uint64_t answer, int64_t time)
{
    struct reading *reading = calloc(1, sizeof(*reading));

    assert_non_null(reading);
    reading->entry = entry_of(alias);
    reading->answer = answer;
    reading->time = time;
    queue_put(queue, reading);
}

static void add(struct queue *queue, uint64_t answer, int64_t time)
{
    add_of(queue, "p1", answer, time);
}

/* Adds and tells. False: the oldest had to go. */
static bool put(struct queue *queue, uint64_t answer, int64_t time)
{
    add(queue, answer, time);
    return queue_tell(queue, 0) == 0;
}

#define LONG 60000 /* milliseconds */

/* Looks once and compares with `count` readings whose times count up from `first`; either no more
 * are there then, or the look gives no more. */
static void expect(struct queue *queue, size_t count, int64_t first)
{
    struct look look;

    look_begin(&look, queue, LONG);
    for (size_t i = 0; i < count; i++) {
        const struct reading *reading = look_next(&look);

        assert_non_null(reading);
        assert_int_equal(reading->time, first + (int64_t)i);
    }
    assert_true((!look.taken.count && !queue->waiting.count) || !look_next(&look));
    look_end(&look);
}

static void test_order(void **state)
{
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    expect(&queue, 0, 0);
    assert_true(put(&queue, 1, 10));
    assert_true(put(&queue, 1, 11));
    expect(&queue, 2, 10);
    expect(&queue, 0, 0);
    assert_true(put(&queue, 1, 12));
    assert_true(put(&queue, 2, 13));
    assert_true(put(&queue, 2, 14));
    assert_true(put(&queue, 3, 15));
    expect(&queue, 1, 12);
    expect(&queue, 2, 13);
    assert_true(put(&queue, 3, 16));
    expect(&queue, 2, 15);
    expect(&queue, 0, 0);
    queue_destroy(&queue);
}

/* What comes during a look does not overtake what that leaves. */
static void test_order_during_a_look(void **state)
{
    struct queue queue;
    struct look look;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    assert_true(put(&queue, 1, 10));
    assert_true(put(&queue, 2, 11));
    look_begin(&look, &queue, LONG);
    assert_int_equal(look_next(&look)->time, 10);
    assert_null(look_next(&look));
    assert_true(put(&queue, 2, 12));
    look_end(&look);
    expect(&queue, 2, 11);
    queue_destroy(&queue);
}

/* Two meters do not wait for each other. */
static void test_meters(void **state)
{
    static const char *const aliases[] = {"p1", "s01", "p1", "s01"};
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    for (size_t i = 0; i < 4; i++)
        add_of(&queue, aliases[i], i, 10 + (int64_t)i);
    assert_int_equal(queue_tell(&queue, 0), 0);
    expect(&queue, 2, 10);
    expect(&queue, 2, 12);
    queue_destroy(&queue);
}

/* Nor does one that has two answers hold up those behind it. */
static void test_two_answers_each(void **state)
{
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    add_of(&queue, "p1", 1, 10);
    add_of(&queue, "p1", 2, 12);
    add_of(&queue, "p1", 3, 14);
    add_of(&queue, "s01", 4, 11);
    add_of(&queue, "s01", 5, 13);
    assert_int_equal(queue_tell(&queue, 0), 0);
    expect(&queue, 2, 10);
    expect(&queue, 2, 12);
    expect(&queue, 1, 14);
    queue_destroy(&queue);
}

/* One that is held until later holds up what its meter has behind it, and nothing else. */
static void test_held(void **state)
{
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    add_of(&queue, "p1", 1, 12);
    TAILQ_FIRST(&queue.fresh.list)->held_until = INT64_MAX;
    add_of(&queue, "p1", 1, 13);
    add_of(&queue, "p1", 2, 14);
    add_of(&queue, "s01", 3, 11);
    assert_int_equal(queue_tell(&queue, 0), 0);
    expect(&queue, 1, 11);
    expect(&queue, 0, 0);
    TAILQ_FIRST(&queue.waiting.list)->held_until = 1; /* long ago */
    expect(&queue, 2, 12);
    expect(&queue, 1, 14);
    queue_destroy(&queue);
}

static void test_full(void **state)
{
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    for (int64_t i = 0; i < QUEUE_MAX + 2; i++)
        add(&queue, 1, i);
    assert_int_equal(queue_tell(&queue, 0), 2); /* 0 and 1 go */
    assert_int_equal(queue_tell(&queue, 0), 0);
    assert_false(put(&queue, 2, QUEUE_MAX + 2));
    expect(&queue, QUEUE_MAX - 1, 3);
    assert_true(put(&queue, 2, QUEUE_MAX + 3));
    expect(&queue, 2, QUEUE_MAX + 2);
    queue_destroy(&queue);
}

/* The second sweep of 10,000 devices is in the queue as a whole: it follows the first, which it
 * releases, a little later. */
static void test_fleet(void **state)
{
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    for (int64_t i = 0; i < 10000 * INT64_C(9); i++) {
        add(&queue, 1, i);
        TAILQ_LAST(&queue.fresh.list, reading_list)->held_until = INT64_MAX;
    }
    assert_int_equal(queue_tell(&queue, 0), 0); /* none is lost */
    queue_destroy(&queue);
}

static void *bring(void *queue)
{
    assert_true(put(queue, 1, 11));
    return NULL;
}

/* A look waits for what comes while it lasts. */
static void expect_brought(struct queue *queue)
{
    struct look look;
    pthread_t thread;

    look_begin(&look, queue, LONG);
    assert_int_equal(pthread_create(&thread, NULL, bring, queue), 0);
    assert_int_equal(look_next(&look)->time, 11);
    assert_int_equal(pthread_join(thread, NULL), 0);
    look_end(&look);
}

static void test_look_ends(void **state)
{
    struct queue queue;
    struct look look;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    look_begin(&look, &queue, 1);
    assert_null(look_next(&look));
    assert_true(put(&queue, 1, 10));
    assert_null(look_next(&look)); /* it is over */
    look_end(&look);
    expect(&queue, 1, 10);
    queue_destroy(&queue);
}

static void test_look_waits(void **state)
{
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    expect_brought(&queue);
    queue_destroy(&queue);
}

/* Nor does it wait when nothing can come before the next one; what is there it takes. */
static void test_look_expects_nothing(void **state)
{
    struct queue queue;
    struct look look;
    int64_t now = cemm_clock_steady();

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    add(&queue, 1, 10);
    assert_int_equal(queue_tell(&queue, now + LONG * INT64_C(60)), 0);
    look_begin(&look, &queue, LONG);
    assert_int_equal(look_next(&look)->time, 10);
    assert_null(look_next(&look));
    assert_true(cemm_clock_steady() < now + LONG / 2); /* it would have waited for 45 s */
    look_end(&look);

    assert_int_equal(queue_tell(&queue, now + LONG / 2), 0);
    expect_brought(&queue);
    queue_destroy(&queue);
}

static void test_destroy_frees_what_waits(void **state)
{
    struct queue queue;

    (void)state;
    assert_int_equal(queue_init(&queue), 0);
    assert_true(put(&queue, 1, 1));
    add(&queue, 2, 2);     /* and nobody has been told */
    queue_destroy(&queue); /* the leak checker is the judge */
}

static struct reading *reading_of(const char *alias, int64_t time)
{
    struct reading *reading = calloc(1, sizeof(*reading));

    assert_non_null(reading);
    reading->entry = entry_of(alias);
    reading->time = time;
    return reading;
}

/* The first of a series waits for the second one, for two minutes at most. */
static void test_hold(void **state)
{
    struct hold hold;
    struct reading *reading;

    (void)state;
    hold_init(&hold);
    assert_true(hold_due(&hold) == INT64_MAX);
    assert_null(hold_expired(&hold, INT64_MAX - 1));
    assert_true(hold_put(&hold, reading_of("p1", 1), 1000));
    assert_true(hold_put(&hold, reading_of("p1-gas", 2), 2000));
    assert_true(hold_put(&hold, reading_of("mb1", 3), 3000));
    assert_null(hold_take(&hold, entry_of("mb2")));
    reading = hold_take(&hold, entry_of("p1-gas"));
    assert_non_null(reading);
    assert_int_equal(reading->time, 2);
    free(reading);
    assert_null(hold_take(&hold, entry_of("p1-gas")));
    assert_int_equal(hold_due(&hold), 121000);
    assert_null(hold_expired(&hold, 120999));
    reading = hold_expired(&hold, 121000);
    assert_non_null(reading);
    assert_int_equal(reading->time, 1);
    free(reading);
    assert_null(hold_expired(&hold, 121000));
    assert_int_equal(hold_due(&hold), 123000);
    hold_free(&hold);
}

/* One that is held already stays, and the other is not held. */
static void test_hold_twice(void **state)
{
    struct hold hold;
    struct reading *second = reading_of("p1", 2);
    struct reading *reading;

    (void)state;
    hold_init(&hold);
    assert_true(hold_put(&hold, reading_of("p1", 1), 0));
    assert_false(hold_put(&hold, second, 0));
    free(second);
    reading = hold_take(&hold, entry_of("p1"));
    assert_non_null(reading);
    assert_int_equal(reading->time, 1);
    free(reading);
    assert_null(hold_take(&hold, entry_of("p1")));
    hold_free(&hold);
}

/* The hold only compares the pointers. */
static struct cemm_ledger_entry *series(size_t number)
{
    static char places[HOLD_MAX + 1];

    return (struct cemm_ledger_entry *)(void *)&places[number];
}

static struct reading *reading_in(size_t number)
{
    struct reading *reading = calloc(1, sizeof(*reading));

    assert_non_null(reading);
    reading->entry = series(number);
    return reading;
}

/* All that it may hold, taken in the worst order for a list: a search through the others for each
 * would not end within the test's time. */
static void test_hold_bound(void **state)
{
    struct hold hold;
    struct reading *one_more = reading_in(HOLD_MAX);

    (void)state;
    hold_init(&hold);
    for (size_t i = 0; i < HOLD_MAX; i++)
        assert_true(hold_put(&hold, reading_in(i), 0));
    assert_false(hold_put(&hold, one_more, 0));
    assert_null(hold_take(&hold, one_more->entry));
    free(one_more);
    for (size_t i = HOLD_MAX; i > 1; i--) {
        struct reading *reading = hold_take(&hold, series(i - 1));
        assert_non_null(reading);
        assert_ptr_equal(reading->entry, series(i - 1));
        free(reading);
    }
    hold_free(&hold); /* the leak checker sees that the last one goes, too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),      cmocka_unit_test(test_order_during_a_look),
        cmocka_unit_test(test_meters),     cmocka_unit_test(test_two_answers_each),
        cmocka_unit_test(test_held),       cmocka_unit_test(test_full),
        cmocka_unit_test(test_fleet),      cmocka_unit_test(test_look_ends),
        cmocka_unit_test(test_look_waits), cmocka_unit_test(test_look_expects_nothing),
        cmocka_unit_test(test_hold),       cmocka_unit_test(test_hold_twice),
        cmocka_unit_test(test_hold_bound), cmocka_unit_test(test_destroy_frees_what_waits),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    cemm_ledger_free(ledger);
    return failed;
}
