/*
 * Tests the interval of a series: the shortest of the last seven gaps between its
 * samples, in whole seconds, rounded up to one of our steps: 10, 30, 60, 300 or 3600 s.
 */
#include "common/model/ledger.h"

#include "check.h"

#define END INT64_C(-1)

static void test_learn(void **state)
{
    static const struct {
        const char *row;
        int64_t recalled; /* the interval in a state file, in seconds; 0: none */
        int64_t gaps[12]; /* milliseconds, until END */
        unsigned seconds;
    } rows[] = {
        {"nothing is known", 0, {END}, 0},
        {"every second", 0, {1000, END}, 10},
        {"every millisecond", 0, {1, END}, 10},
        {"every 10 s", 0, {10000, END}, 10},
        {"times that are not exact", 0, {10999, END}, 10},
        {"every 11 s", 0, {11000, END}, 30},
        {"every 30 s", 0, {30000, END}, 30},
        {"every 31 s", 0, {31000, END}, 60},
        {"every minute", 0, {60000, END}, 60},
        {"every two minutes", 0, {120000, END}, 300},
        {"every five minutes", 0, {300000, END}, 300},
        {"every quarter of an hour", 0, {900000, END}, 3600},
        {"every hour", 0, {3600000, END}, 3600},
        {"every day", 0, {86400000, END}, 3600},
        {"polls that miss some samples", 0, {20000, 30000, 10000, 40000, END}, 10},
        {"an outage at first", 0, {7200000, 10000, END}, 10},
        {"an outage between samples", 0, {10000, 7200000, 10000, 20000, END}, 10},
        {"seven gaps are kept", 0, {10000, 60000, 60000, 60000, 60000, 60000, 60000, END}, 10},
        {"an eighth gap drops the oldest",
         0,
         {10000, 60000, 60000, 60000, 60000, 60000, 60000, 60000, END},
         60},
        {"gaps that are not positive", 0, {0, -5000, END}, 0},
        {"recalled", 30, {END}, 30},
        {"recalled, not one of our steps", 42, {END}, 60},
        {"recalled, and a longer gap", 10, {60000, END}, 10},
        {"recalled, and a shorter gap", 300, {60000, END}, 60},
        {"recalled, and six longer gaps", 10, {60000, 60000, 60000, 60000, 60000, 60000, END}, 10},
        {"recalled, and seven longer gaps",
         10,
         {60000, 60000, 60000, 60000, 60000, 60000, 60000, END},
         60},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_cadence cadence = {0};
        if (rows[i].recalled)
            cemm_cadence_learn(&cadence, rows[i].recalled * 1000);
        for (const int64_t *gap = rows[i].gaps; *gap != END; gap++)
            cemm_cadence_learn(&cadence, *gap);
        expect_int(rows[i].row, cemm_cadence_seconds(&cadence), rows[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
