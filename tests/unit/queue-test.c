/*
 * Tests the queue between the plugin's thread and collectd's threads: it is
 * sorted, a series is in only one thread at a time, and its size is limited.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/collectd/queue.h"

static struct cemm_ledger *ledger;

/* Returns an entry that is valid until the test ends. */
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

static struct answer *answer_of(const char *alias, int64_t time)
{
    struct answer *answer = calloc(1, sizeof(*answer) + sizeof(answer->readings[0]));

    assert_non_null(answer);
    strcpy(answer->meter.uid.text, "00-1E-C0-85-96-CC");
    strcpy(answer->meter.alias, alias);
    answer->ended = time;
    answer->count = 1;
    answer->readings[0] = (struct reading){.entry = entry_of(alias), .time = time};
    return answer;
}

/* Puts an answer into the queue. Returns false if the oldest answer was dropped. */
static bool put_of(struct queue *queue, const char *alias, int64_t time)
{
    return queue_put(queue, answer_of(alias, time)) == 0;
}

static bool put(struct queue *queue, int64_t time)
{
    return put_of(queue, "p1", time);
}

#define LONG 60000 /* milliseconds */

/* What happens during a call that hands over answers. */
struct call {
    struct queue *queue;
    size_t count;   /* number of answers that were handed over */
    int64_t first;  /* the time of the first answer; the times of the others count up from it */
    int64_t puts;   /* the time of an answer that arrives while the first is handled; 0: none */
    bool full;      /* the queue was full when that answer arrived */
    bool defers;    /* leaves the first answer for much later */
    int64_t pauses; /* milliseconds for which each answer is handled */
};

static bool take(void *data, struct answer *answer)
{
    struct call *call = data;
    bool first = call->count == 0;

    assert_int_equal(answer->readings[0].time, call->first + (int64_t)call->count++);
    if (first && call->puts)
        call->full = !put(call->queue, call->puts);
    usleep((useconds_t)call->pauses * 1000);
    if (first && call->defers)
        answer->not_before = INT64_MAX;
    return !first || !call->defers;
}

/* Makes a call that does not wait, and checks that it hands over `count` answers. */
static void expect_call(struct queue *queue, struct call call, size_t count)
{
    call.queue = queue;
    queue_tell(queue, INT64_MAX);
    queue_hand_over(queue, LONG, take, &call);
    assert_int_equal(call.count, count);
}

/* Like expect_call(). `first`: the time of the first answer. */
static void expect(struct queue *queue, size_t count, int64_t first)
{
    expect_call(queue, (struct call){.first = first}, count);
}

static void test_order(void **state)
{
    struct queue queue;

    (void)state;
    queue_init(&queue);
    expect(&queue, 0, 0);
    assert_true(put(&queue, 10));
    expect(&queue, 1, 10);
    expect(&queue, 0, 0);
    assert_true(put(&queue, 12));
    assert_true(put(&queue, 13));
    assert_true(put(&queue, 14));
    expect(&queue, 1, 12);
    expect(&queue, 1, 13);
    assert_true(put(&queue, 15));
    expect(&queue, 1, 14);
    expect(&queue, 1, 15);
    expect(&queue, 0, 0);
    queue_destroy(&queue);
}

/* Answers that arrive during a call do not overtake answers that the call leaves for later. */
static void test_order_during_a_call(void **state)
{
    struct queue queue;

    (void)state;
    queue_init(&queue);
    assert_true(put(&queue, 10));
    assert_true(put(&queue, 11));
    expect_call(&queue, (struct call){.first = 10, .puts = 12}, 1);
    expect(&queue, 1, 11);
    expect(&queue, 1, 12);
    queue_destroy(&queue);
}

/* The answers of two meters do not wait for each other. */
static void test_meters(void **state)
{
    static const char *const aliases[] = {"p1", "s01", "p1", "s01"};
    struct queue queue;

    (void)state;
    queue_init(&queue);
    for (size_t i = 0; i < 4; i++)
        assert_true(put_of(&queue, aliases[i], 10 + (int64_t)i));
    expect(&queue, 2, 10);
    expect(&queue, 2, 12);
    queue_destroy(&queue);
}

/* A meter with several answers does not delay those of other meters. */
static void test_several_answers_each(void **state)
{
    struct queue queue;

    (void)state;
    queue_init(&queue);
    put_of(&queue, "p1", 10);
    put_of(&queue, "p1", 12);
    put_of(&queue, "p1", 14);
    put_of(&queue, "s01", 11);
    put_of(&queue, "s01", 13);
    expect(&queue, 2, 10);
    expect(&queue, 2, 12);
    expect(&queue, 1, 14);
    queue_destroy(&queue);
}

/* An answer that is left for later delays newer answers of its meter, and nothing else. */
static void test_left(void **state)
{
    struct queue queue;

    (void)state;
    queue_init(&queue);
    assert_true(put_of(&queue, "p1", 10));
    assert_true(put_of(&queue, "p1", 12));
    assert_true(put_of(&queue, "s01", 11));
    expect_call(&queue, (struct call){.first = 10, .puts = 13, .defers = true}, 2);
    expect(&queue, 0, 0);
    TAILQ_FIRST(&queue.waiting)->not_before = 1; /* long ago */
    expect(&queue, 1, 10);
    expect(&queue, 1, 12);
    expect(&queue, 1, 13);
    queue_destroy(&queue);
}

/* An answer has the shortest cadence of its channels, without those in totals. */
static void test_cadence(void **state)
{
    static const struct {
        bool total;
        unsigned cadence;
        unsigned shortest; /* the shortest cadence so far */
    } rows[] = {
        {false, 0, 0},      {true, 10, 0},   {false, 300, 300}, {false, 0, 300},
        {false, 3600, 300}, {true, 10, 300}, {false, 60, 60},   {false, 300, 60},
    };
    struct answer answer = {.count = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct cemm_series series = {.total = rows[i].total};
        answer_set_cadence(&answer, &series, rows[i].cadence);
        assert_int_equal(answer.cadence, rows[i].shortest);
    }
}

/* The bytes of an answer with one reading. */
#define SIZE ((int64_t)(sizeof(struct answer) + sizeof(struct reading)))

/* Makes a queue with the answers `first` to `most` - 1, and returns `most`, the number of answers
 * that it can hold. */
static int64_t fill(struct queue *queue, int64_t first)
{
    const int64_t most = QUEUE_MAX / SIZE;

    queue_init(queue);
    for (int64_t i = first; i < most; i++)
        assert_true(put(queue, i));
    return most;
}

static void test_full(void **state)
{
    struct queue queue;
    int64_t most = fill(&queue, 0);

    (void)state;
    assert_false(put(&queue, most)); /* drops 0 */
    assert_false(put(&queue, most + 1));
    assert_true(queue.size <= QUEUE_MAX);
    expect(&queue, 1, 2);
    assert_true(put(&queue, most + 2));
    assert_false(put(&queue, most + 3));
    expect(&queue, 1, 4);
    queue_destroy(&queue);
}

/* A large answer drops several small ones. */
static void test_large(void **state)
{
    const size_t readings = 100;
    struct queue queue;
    int64_t most = fill(&queue, 0);
    size_t full = queue.size;

    (void)state;
    struct answer *large =
        realloc(answer_of("p1", most), sizeof(*large) + readings * sizeof(large->readings[0]));
    assert_non_null(large);
    large->count = readings;
    for (size_t i = 1; i < readings; i++)
        large->readings[i] = large->readings[0];
    size_t size = sizeof(*large) + readings * sizeof(large->readings[0]);
    size_t dropped = queue_put(&queue, large);
    assert_true(dropped > 1);
    assert_int_equal(queue.size, full + size - dropped * SIZE);
    queue_destroy(&queue);
}

/* An answer that arrives during a call drops the oldest answer that waits. */
static void test_full_during_a_call(void **state)
{
    struct queue queue;
    int64_t most = fill(&queue, 0);

    (void)state;
    expect_call(&queue, (struct call){.first = 0, .puts = most}, 1); /* drops 1 */
    assert_true(queue.size <= QUEUE_MAX);
    expect(&queue, 1, 2);
    queue_destroy(&queue);
}

/* Answers that a call has taken or left for later also count towards the limit. An answer that was
 * left for later may be dropped. */
static void test_full_of_left_ones(void **state)
{
    struct queue queue;
    int64_t most = fill(&queue, 1);
    struct call call = {.queue = &queue, .first = most, .puts = most + 1};

    (void)state;
    TAILQ_FIRST(&queue.waiting)->not_before = INT64_MAX;
    assert_true(put_of(&queue, "s01", most));
    queue_tell(&queue, INT64_MAX);
    queue_hand_over(&queue, LONG, take, &call);
    assert_int_equal(call.count, 1);
    assert_true(call.full); /* drops 1 */
    assert_int_equal(queue.size, (most - 1) * SIZE);
    expect(&queue, 1, 2);
    queue_destroy(&queue);
}

static void *bring(void *queue)
{
    assert_true(put(queue, 11));
    queue_tell(queue, 0);
    return NULL;
}

static bool take_brought(void *queue, struct answer *answer)
{
    assert_int_equal(answer->readings[0].time, 11);
    queue_tell(queue, INT64_MAX); /* no more answers arrive */
    return true;
}

/* A call waits for answers that arrive during it. */
static void expect_brought(struct queue *queue)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, bring, queue), 0);
    queue_hand_over(queue, LONG, take_brought, queue);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(queue->size, 0);
}

/* A call ends after three quarters of the interval between calls. */
static void test_call_ends(void **state)
{
    struct queue queue;
    struct call call = {.queue = &queue, .first = 10, .pauses = 100};
    int64_t begun = cemm_clock_steady();

    (void)state;
    queue_init(&queue);
    queue_hand_over(&queue, 100, take, &call);
    assert_true(cemm_clock_steady() >= begun + 75);
    assert_true(put_of(&queue, "p1", 10));
    assert_true(put_of(&queue, "s01", 11));
    queue_hand_over(&queue, 1, take, &call); /* ends immediately */
    assert_int_equal(call.count, 0);
    queue_hand_over(&queue, 100, take, &call);
    assert_int_equal(call.count, 1);
    expect(&queue, 1, 11);
    queue_destroy(&queue);
}

/* If a call leaves an answer for later and ends before it reaches a newer answer, the older answer
 * stays first. */
static void test_call_ends_after_a_left_one(void **state)
{
    struct queue queue;
    struct call call = {.queue = &queue, .first = 10, .pauses = 100, .defers = true};

    (void)state;
    queue_init(&queue);
    assert_true(put(&queue, 10));
    assert_true(put(&queue, 11));
    queue_hand_over(&queue, 100, take, &call);
    assert_int_equal(call.count, 1);
    TAILQ_FIRST(&queue.waiting)->not_before = 1; /* long ago */
    expect(&queue, 1, 10);
    expect(&queue, 1, 11);
    queue_destroy(&queue);
}

static void test_call_waits(void **state)
{
    struct queue queue;

    (void)state;
    queue_init(&queue);
    expect_brought(&queue);
    queue_destroy(&queue);
}

/* A call does not wait if no answer can arrive before the next call. It takes the answers that are
 * in the queue. */
static void test_call_expects_nothing(void **state)
{
    struct queue queue;
    struct call call = {.queue = &queue, .first = 10};
    int64_t now = cemm_clock_steady();

    (void)state;
    queue_init(&queue);
    assert_true(put(&queue, 10));
    queue_tell(&queue, now + LONG * INT64_C(60));
    queue_hand_over(&queue, LONG, take, &call);
    assert_int_equal(call.count, 1);
    assert_true(cemm_clock_steady() < now + LONG / 2); /* it would have waited for 45 s */

    queue_tell(&queue, now + LONG / 2);
    expect_brought(&queue);
    queue_destroy(&queue);
}

static void test_destroy_frees_what_waits(void **state)
{
    struct queue queue;

    (void)state;
    queue_init(&queue);
    assert_true(put(&queue, 1));
    queue_destroy(&queue); /* the leak checker finds an answer that was not freed */
}

static bool hold_of(struct hold *hold, const char *alias, int64_t time, int64_t now)
{
    const struct reading reading = {.entry = entry_of(alias), .time = time};

    return hold_put(hold, NULL, &reading, now);
}

/* Checks a reading that was held back, and frees it. */
static void expect_held(struct held *held, int64_t time)
{
    assert_non_null(held);
    assert_int_equal(held->reading.time, time);
    free(held);
}

/* The first reading of a series waits for the second reading, for two minutes at most. */
static void test_hold(void **state)
{
    struct hold hold;

    (void)state;
    hold_init(&hold);
    assert_null(hold_expired(&hold, INT64_MAX - 1));
    assert_true(hold_of(&hold, "p1", 1, 1000));
    assert_true(hold_of(&hold, "p1-gas", 2, 2000));
    assert_true(hold_of(&hold, "mb1", 3, 3000));
    assert_false(hold_of(&hold, "mb1", 4, 3000)); /* a reading of mb1 is already held back */
    assert_null(hold_take(&hold, entry_of("mb2")));
    expect_held(hold_take(&hold, entry_of("p1-gas")), 2);
    assert_null(hold_take(&hold, entry_of("p1-gas")));
    assert_null(hold_expired(&hold, 120999));
    expect_held(hold_expired(&hold, 121000), 1);
    assert_null(hold_expired(&hold, 121000));
    assert_true(hold_of(&hold, "p1", 5, 4000));
    expect_held(hold_expired(&hold, 123000), 3);
    hold_free(&hold);
    assert_int_equal(hold.count, 0);
}

/* At most HOLD_MAX readings are held back. Each of them is found by its series. */
static void test_hold_bound(void **state)
{
    static char series[HOLD_MAX + 1]; /* only the addresses of the elements are used */
    struct reading reading = {0};
    struct hold hold;

    (void)state;
    hold_init(&hold);
    for (size_t i = 0; i <= HOLD_MAX; i++) {
        reading.entry = (struct cemm_ledger_entry *)&series[i];
        assert_int_equal(hold_put(&hold, NULL, &reading, 0), i < HOLD_MAX);
    }
    assert_null(hold_take(&hold, reading.entry));
    for (size_t i = HOLD_MAX; i > 1; i--) {
        struct held *held = hold_take(&hold, (struct cemm_ledger_entry *)&series[i - 1]);
        assert_non_null(held);
        assert_ptr_equal(held->reading.entry, &series[i - 1]);
        free(held);
    }
    hold_free(&hold); /* the leak checker checks that the last reading is freed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_during_a_call),
        cmocka_unit_test(test_meters),
        cmocka_unit_test(test_several_answers_each),
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_cadence),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_full_during_a_call),
        cmocka_unit_test(test_full_of_left_ones),
        cmocka_unit_test(test_call_ends),
        cmocka_unit_test(test_call_ends_after_a_left_one),
        cmocka_unit_test(test_call_waits),
        cmocka_unit_test(test_call_expects_nothing),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_hold_bound),
        cmocka_unit_test(test_destroy_frees_what_waits),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    cemm_ledger_free(ledger);
    return failed;
}
