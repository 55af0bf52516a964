/*
 * Tests sets of minutes: what is added to them and what is missing.
 */
#include "check.h"
#include "common/base/limits.h"
#include "common/model/minutes.h"

#include <stdio.h>
#include <stdlib.h>

/* Returns the minutes between 0 and 100 that are missing, as "FROM-UNTIL …". */
static const char *missing_of(const struct cemm_minutes *minutes)
{
    static char text[200];
    struct cemm_stretch missing = {0, 0};
    size_t length = 0;

    text[0] = '\0';
    while (cemm_minutes_missing(minutes, (struct cemm_stretch){missing.until, 100}, &missing))
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%d-%d",
                                   length ? " " : "", missing.from, missing.until);
    return text;
}

/* Each row adds to the set that the previous rows have made. */
static void test_add(void **state)
{
    static const struct {
        const char *row;
        struct cemm_stretch added;
        int result;
        const char *missing;
    } rows[] = {
        {"the first", {50, 60}, 1, "0-50 60-100"},
        {"within the first", {52, 58}, 0, "0-50 60-100"},
        {"the first again", {50, 60}, 0, "0-50 60-100"},
        {"touching the end of the first", {60, 61}, 1, "0-50 61-100"},
        {"touching the beginning of the first", {49, 50}, 1, "0-49 61-100"},
        {"before", {10, 20}, 1, "0-10 20-49 61-100"},
        {"between", {30, 31}, 1, "0-10 20-30 31-49 61-100"},
        {"after", {99, 120}, 1, "0-10 20-30 31-49 61-99"},
        {"over the ends of two", {25, 55}, 1, "0-10 20-25 61-99"},
        {"over several", {5, 110}, 1, "0-5"},
        {"over all", {0, 200}, 1, ""},
    };
    struct cemm_minutes minutes = {0};

    (void)state;
    expect_text("the empty set", missing_of(&minutes), "0-100");
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect_int(rows[i].row, cemm_minutes_add(&minutes, rows[i].added), rows[i].result);
        expect_text(rows[i].row, missing_of(&minutes), rows[i].missing);
    }
    expect_int("stretches", minutes.count, 1);
    free(minutes.stretches);
}

/* The number of gaps is bounded: the oldest ones are dropped. */
static void test_bounded(void **state)
{
    struct cemm_minutes minutes = {0};
    struct cemm_stretch missing;

    (void)state;
    for (int i = 0; i < CEMM_STRETCHES_MAX + 10; i++)
        assert_int_equal(cemm_minutes_add(&minutes, (struct cemm_stretch){2 * i, 2 * i + 1}), 1);
    expect_int("stretches", minutes.count, CEMM_STRETCHES_MAX);
    assert_true(cemm_minutes_missing(&minutes, (struct cemm_stretch){0, 100}, &missing));
    expect_int("the oldest gap", missing.from, 21);
    assert_false(cemm_minutes_missing(&minutes, (struct cemm_stretch){5, 5}, &missing));
    free(minutes.stretches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
