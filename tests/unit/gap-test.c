/*
 * Which day is asked for next, which of its rows are given, and how long what
 * could not be had is let rest.
 */
#include "answers.h"
#include "check.h"
#include "common/engine/gap.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY       INT64_C(86400000)
#define MINUTE    INT64_C(60000)
#define NOON      INT64_C(1496314800000) /* 2017-06-01 13:00 in Amsterdam, 11:00 UTC */
#define AGO(n)    (NOON - MINUTE * (n))
#define MIDDLE    25 /* the chance that leaves a pause as it is */
#define ROWS_MOST 2

static const struct cemm_uid uid = {"00-1E-C0-85-96-CC"};

/* A gap as the tests drive it. */
struct drive {
    struct cemm_ledger *ledger;
    struct cemm_zone *zone;
    struct cemm_gap gap;
    char text[200]; /* what has happened */
};

static void drive_begin(struct drive *drive, int64_t window)
{
    *drive = (struct drive){.zone = cemm_zone_new("Europe/Amsterdam")};
    drive->ledger = cemm_ledger_new(window, NULL, 0);
    assert_non_null(drive->zone);
    assert_non_null(drive->ledger);
    drive->gap.taker = "csv";
    drive->gap.entry = cemm_ledger_entry(drive->ledger, &uid, "p1", "electric_power");
    assert_non_null(drive->gap.entry);
}

static void drive_end(struct drive *drive)
{
    cemm_ledger_free(drive->ledger);
    cemm_zone_free(drive->zone);
}

static void say(struct drive *drive, const char *text)
{
    assert_true(strlen(drive->text) + strlen(text) + 2 < sizeof(drive->text));
    if (drive->text[0])
        strcat(drive->text, " ");
    strcat(drive->text, text);
}

/* A day that has a row for each minute from `first` to `last` ago; 0: no rows at all. */
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

/* Gives what is to be given of a day; `taken` rows of each piece are marked. */
static void give(struct drive *drive, const struct cemm_document *day)
{
    struct cemm_document *rows;

    while (cemm_gap_pick(&drive->gap, day, ROWS_MOST, &rows) == 1) {
        size_t count;
        const struct cemm_series *series = cemm_document_series(rows, &count);
        char text[40] = "";
        for (size_t i = 0; i < series->count; i++) {
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", i ? "+" : "",
                           (int)series->samples[i].value);
            assert_int_equal(cemm_ledger_mark(drive->gap.entry, "csv", series->samples[i].time), 1);
        }
        say(drive, text);
        drive->gap.gave = true;
        cemm_document_unref(rows);
    }
}

/* One round, in which each day has rows for these minutes. */
static void round_of(struct drive *drive, int first, int last)
{
    struct cemm_period period;

    cemm_gap_begin(&drive->gap);
    while (cemm_gap_next(&drive->gap, drive->zone, &period)) {
        struct cemm_document *day = day_of(first, last);
        char text[CEMM_TIME_SIZE];
        cemm_period_format(&period, text, sizeof(text));
        say(drive, text);
        give(drive, day);
        cemm_gap_pass(&drive->gap, drive->zone, &period, day);
        cemm_document_unref(day);
    }
}

static void test_rounds(void **state)
{
    static const struct {
        const char *row;
        int window;    /* minutes */
        int marked[6]; /* minutes ago; 0 ends them */
        int first;     /* rows that the API has, minutes ago */
        int last;
        const char *story;
    } rows[] = {
        {"all of it, oldest first, few at a time", 6, {0}, 10, 1, "2017-06-01 6+5 4+3 2"},
        {"only what is missing", 6, {5, 3}, 10, 1, "2017-06-01 6+4 2"},
        {"nothing is missing", 4, {4, 3, 2}, 10, 1, ""},
        {"the API has nothing", 4, {0}, 0, 0, "2017-06-01"},
        {"or not all", 6, {0}, 5, 3, "2017-06-01 5+4 3"},
        {"two days", 13 * 60 + 2, {0}, 5, 4, "2017-05-31 5+4 2017-06-01"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct drive drive;
        drive_begin(&drive, rows[i].window * 60);
        for (size_t j = 0; j < COUNT(rows[i].marked) && rows[i].marked[j]; j++)
            (void)cemm_ledger_mark(drive.gap.entry, "csv", AGO(rows[i].marked[j]));
        expect_int(rows[i].row, cemm_gap_wants(&drive.gap, NOON, 0), *rows[i].story != 0);
        round_of(&drive, rows[i].first, rows[i].last);
        expect_text(rows[i].row, drive.text, rows[i].story);
        drive_end(&drive);
    }
}

/* What could not be had rests, for longer each time, unless more is missing. */
static void test_rest(void **state)
{
    static const struct {
        const char *row;
        int64_t after; /* milliseconds since the end of the last round */
        int later;     /* minutes that `limit` has moved on */
        bool wants;
        bool failed;   /* how the round ends that begins then */
        int64_t rests; /* milliseconds */
    } rows[] = {
        {"at first", 0, 0, true, false, 60000},
        {"it rests", 59999, 0, false, false, 0},
        {"then it is asked for again", 1, 0, true, false, 120000},
        {"and rests for longer", 119999, 0, false, false, 0},
        {"more is missing", 0, 1, true, true, 60000},
        {"which rests, too", 1000, 1, false, false, 0},
        {"and again", 59000, 1, true, false, 120000},
    };
    struct drive drive;
    int64_t now = 5000000;

    (void)state;
    drive_begin(&drive, 3600);
    for (size_t i = 0; i < COUNT(rows); i++) {
        now += rows[i].after;
        expect_int(rows[i].row, cemm_gap_wants(&drive.gap, NOON + rows[i].later * MINUTE, now),
                   rows[i].wants);
        if (!rows[i].wants)
            continue;
        cemm_gap_begin(&drive.gap);
        cemm_gap_end(&drive.gap, rows[i].failed, now, MIDDLE);
        expect_int(rows[i].row, drive.gap.rest.rest_until - now, rows[i].rests);
    }
    drive_end(&drive);
}

/* What lies before the last row and has none is not asked for again; what comes after it is. */
static void test_hole(void **state)
{
    struct drive drive;

    (void)state;
    drive_begin(&drive, 6 * 60);
    assert_true(cemm_gap_wants(&drive.gap, NOON, 0));
    round_of(&drive, 4, 4);
    expect_text("one row", drive.text, "2017-06-01 4");
    cemm_gap_end(&drive.gap, false, 0, MIDDLE);
    drive.text[0] = '\0';
    assert_true(cemm_gap_wants(&drive.gap, NOON, DAY)); /* 3 and 2 are missing */
    round_of(&drive, 3, 2);
    expect_text("behind it", drive.text, "2017-06-01 3+2");
    assert_false(cemm_gap_wants(&drive.gap, NOON, 2 * DAY)); /* 6 and 5 have none */
    drive_end(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_hole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
