/*
 * For how long a refused request is left alone: as long as the source said, an hour at
 * most; without a word longer each time, up to a maximum. Few are remembered.
 */
#include "check.h"
#include "common/base/limits.h"
#include "common/engine/pause.h"

#include <stdio.h>

#define BEGIN  INT64_C(5000000)
#define MIDDLE 25 /* the chance that leaves a pause as it is */

static const struct cemm_rest rest = {1000, 300000};

static struct cemm_query query_of(int number)
{
    struct cemm_query query = {.endpoint = CEMM_REALTIME};

    snprintf(query.alias, sizeof(query.alias), "mb%d", number);
    return query;
}

static struct cemm_pause *refuse(struct cemm_pauses *pauses, int number, int64_t now, int64_t told)
{
    struct cemm_query query = query_of(number);

    return cemm_pauses_refused(pauses, &query, now, told, rest, MIDDLE);
}

static void test_told_or_not(void **state)
{
    static const struct {
        const char *name;
        int64_t told[4], pauses[4];
    } rows[] = {
        {"without a word", {-1, -1, -1, -1}, {1000, 2000, 4000, 8000}},
        {"as told", {30000, 30000, 5000, 0}, {30000, 30000, 5000, 0}},
        {"an hour at most",
         {3600000, 3601000, INT64_C(1) << 50, 1},
         {3600000, 3600000, 3600000, 1}},
        {"no longer told", {20000, 20000, -1, -1}, {20000, 20000, 4000, 8000}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_pauses pauses = LIST_HEAD_INITIALIZER(pauses);
        int64_t now = BEGIN;
        for (size_t n = 0; n < COUNT(rows[i].told); n++) {
            const struct cemm_pause *pause = refuse(&pauses, 1, now, rows[i].told[n]);
            assert_non_null(pause);
            expect_int(rows[i].name, pause->health.rest_until - now, rows[i].pauses[n]);
            now = pause->health.rest_until;
        }
        cemm_pauses_clear(&pauses);
    }
}

static void test_each_by_itself(void **state)
{
    struct cemm_pauses pauses = LIST_HEAD_INITIALIZER(pauses);
    struct cemm_query one = query_of(1);
    struct cemm_query two = query_of(2);

    (void)state;
    refuse(&pauses, 1, BEGIN, -1);
    assert_non_null(cemm_pauses_find(&pauses, &one));
    assert_null(cemm_pauses_find(&pauses, &two));
    cemm_pauses_drop(&pauses, &two);
    assert_non_null(cemm_pauses_find(&pauses, &one));
    cemm_pauses_drop(&pauses, &one);
    assert_null(cemm_pauses_find(&pauses, &one));
    cemm_pauses_clear(&pauses);
}

/* The one that ends first gives way. */
static void test_bound(void **state)
{
    struct cemm_pauses pauses = LIST_HEAD_INITIALIZER(pauses);
    struct cemm_query shortest = query_of(3);
    const struct cemm_pause *pause;
    size_t count = 0;

    (void)state;
    for (int i = 0; i < CEMM_PAUSES_MAX; i++)
        refuse(&pauses, i, BEGIN, i == 3 ? 1000 : 60000);
    assert_non_null(cemm_pauses_find(&pauses, &shortest));
    refuse(&pauses, CEMM_PAUSES_MAX, BEGIN, 60000);
    LIST_FOREACH (pause, &pauses, link)
        count++;
    expect_int("remembered", (int64_t)count, CEMM_PAUSES_MAX);
    assert_null(cemm_pauses_find(&pauses, &shortest));
    cemm_pauses_clear(&pauses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_or_not),
        cmocka_unit_test(test_each_by_itself),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
