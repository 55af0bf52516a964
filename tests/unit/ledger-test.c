/*
 * A sample is given once (spec §2): per series, never one that is not newer,
 * never one that lies more than 15 minutes ahead.
 */
#include "check.h"
#include "common/cemm.h"

#include <stdio.h>

#define NOW     INT64_C(1700000000000)
#define MINUTES (INT64_C(60) * 1000)

static const struct cemm_uid one = {"00-1E-C0-85-96-CC"};
static const struct cemm_uid other = {"D8-80-39-46-22-B5"};

static void test_story(void **state)
{
    static const struct {
        const char *row;
        const struct cemm_uid *uid;
        const char *alias;
        const char *channel;
        int64_t time;
        enum cemm_verdict verdict;
    } rows[] = {
        {"first", &one, "p1", "t1", NOW - 5000, CEMM_GIVE},
        {"the same again", &one, "p1", "t1", NOW - 5000, CEMM_REPEATED},
        {"an older one", &one, "p1", "t1", NOW - 6000, CEMM_REPEATED},
        {"a newer one", &one, "p1", "t1", NOW - 4999, CEMM_GIVE},
        {"another channel", &one, "p1", "t2", NOW - 5000, CEMM_GIVE},
        {"another alias", &one, "p1-usb", "t1", NOW - 5000, CEMM_GIVE},
        {"another device", &other, "p1", "t1", NOW - 5000, CEMM_GIVE},
        {"that device again", &other, "p1", "t1", NOW - 5000, CEMM_REPEATED},
        {"names that only joined are alike", &one, "p1t", "1", NOW - 5000, CEMM_GIVE},
        {"in the future, which is not the ledger's business", &one, "p1", "t1", NOW + 15 * MINUTES,
         CEMM_GIVE},
        {"never read", &one, "p1", "switch", 0, CEMM_REPEATED},
    };
    struct cemm_ledger *ledger = cemm_ledger_new();

    (void)state;
    assert_non_null(ledger);
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_int(
            rows[i].row,
            cemm_ledger_take(ledger, rows[i].uid, rows[i].alias, rows[i].channel, rows[i].time),
            rows[i].verdict);
    cemm_ledger_free(ledger);
    cemm_ledger_free(NULL);
}

/* Many series, in an order that a bad tree would mind. */
static void test_many(void **state)
{
    struct cemm_ledger *ledger = cemm_ledger_new();
    char channel[CEMM_NAME_SIZE];

    (void)state;
    assert_non_null(ledger);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2000; i++) {
            assert_true(snprintf(channel, sizeof(channel), "channel-%05d", i) > 0);
            assert_int_equal(cemm_ledger_take(ledger, &one, "p1", channel, NOW + round), CEMM_GIVE);
            assert_int_equal(cemm_ledger_take(ledger, &one, "p1", channel, NOW + round),
                             CEMM_REPEATED);
        }
    }
    cemm_ledger_free(ledger);
}

static void test_long_names(void **state)
{
    struct cemm_ledger *ledger = cemm_ledger_new();
    char name[CEMM_NAME_SIZE + 1];

    (void)state;
    assert_non_null(ledger);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0'; /* one more than fits */
    assert_int_equal(cemm_ledger_take(ledger, &one, name, "t1", NOW), CEMM_NO_ROOM);
    assert_int_equal(cemm_ledger_take(ledger, &one, "p1", name, NOW), CEMM_NO_ROOM);
    name[sizeof(name) - 2] = '\0';
    assert_int_equal(cemm_ledger_take(ledger, &one, name, name, NOW), CEMM_GIVE);
    cemm_ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_story),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_long_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
