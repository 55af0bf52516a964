/*
 * Tests local days, months and years: both clock changes, zones whose offset is
 * not a whole hour, and days whose midnight is missing or occurs twice. The
 * expected seconds are from date(1) and zdump(8), not from the code under test.
 */
#include "check.h"
#include "common/frontend.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HOUR INT64_C(3600)

static enum cemm_span span_of(const char *text)
{
    return strlen(text) == 10 ? CEMM_DAY : strlen(text) == 7 ? CEMM_MONTH : CEMM_YEAR;
}

static struct cemm_period period_of(const char *text)
{
    struct cemm_period period;

    if (!cemm_period_parse(span_of(text), text, &period))
        fail_msg("%s is refused", text);
    return period;
}

static void expect_period(const char *row, const struct cemm_period *period, const char *wanted)
{
    char text[CEMM_TIME_SIZE];

    cemm_period_format(period, text, sizeof(text));
    expect_text(row, text, wanted);
}

static const struct {
    const char *zone;
    const char *period;
    int64_t start;
    int64_t length;
} ranges[] = {
    {"Europe/Amsterdam", "2024-03-30", 1711753200, 24 * HOUR},
    {"Europe/Amsterdam", "2024-03-31", 1711839600, 23 * HOUR}, /* 02:00 → 03:00 */
    {"Europe/Amsterdam", "2024-04-01", 1711922400, 24 * HOUR},
    {"Europe/Amsterdam", "2024-10-27", 1729980000, 25 * HOUR}, /* 03:00 → 02:00 */
    {"Europe/Amsterdam", "2024-10-28", 1730070000, 24 * HOUR},
    {"Europe/Amsterdam", "2024-02-29", 1709161200, 24 * HOUR},
    {"Europe/Amsterdam", "2023-02-28", 1677538800, 24 * HOUR},
    {"Europe/Amsterdam", "2017-05-31", 1496181600, 24 * HOUR}, /* cloud §daily data */
    {"Europe/Amsterdam", "2020-04-21", 1587420000, 24 * HOUR}, /* LAN §Historical data */
    {"Europe/Amsterdam", "1970-01-01", -3600, 24 * HOUR},
    {"Europe/Amsterdam", "2099-12-31", 4102354800, 24 * HOUR},
    {"Europe/Amsterdam", "2024-03", 1709247600, 31 * 24 * HOUR - HOUR},
    {"Europe/Amsterdam", "2024-10", 1727733600, 31 * 24 * HOUR + HOUR},
    {"Europe/Amsterdam", "2024-02", 1706742000, 29 * 24 * HOUR},
    {"Europe/Amsterdam", "2023-12", 1701385200, 31 * 24 * HOUR},
    {"Europe/Amsterdam", "2024", 1704063600, 366 * 24 * HOUR},
    {"Europe/Amsterdam", "2023", 1672527600, 365 * 24 * HOUR},
    {"UTC", "2024-01-01", 1704067200, 24 * HOUR},
    {"Asia/Kolkata", "2024-01-01", 1704047400, 24 * HOUR},
    {"Asia/Kathmandu", "2024-01-01", 1704046500, 24 * HOUR},
    {"America/St_Johns", "2024-01-01", 1704079800, 24 * HOUR},
    {"Pacific/Chatham", "2024-01-01", 1704017700, 24 * HOUR},
    {"Australia/Lord_Howe", "2024-04-07", 1712408400, 24 * HOUR + HOUR / 2},
    {"Australia/Lord_Howe", "2024-10-06", 1728135000, 23 * HOUR + HOUR / 2},
    {"Australia/Sydney", "2024-04-07", 1712408400, 25 * HOUR}, /* autumn is in April there */
    {"Australia/Sydney", "2024-10-06", 1728136800, 23 * HOUR},
    {"America/Sao_Paulo", "2017-10-14", 1507950000, 24 * HOUR},
    {"America/Sao_Paulo", "2017-10-15", 1508036400, 23 * HOUR}, /* begins at 01:00 */
    {"America/Sao_Paulo", "2017-10-16", 1508119200, 24 * HOUR},
    {"America/Sao_Paulo", "2018-02-17", 1518832800, 25 * HOUR}, /* 24:00 → 23:00 */
    {"America/Sao_Paulo", "2018-02-18", 1518922800, 24 * HOUR},
    {"America/Havana", "2024-11-02", 1730520000, 24 * HOUR},
    {"America/Havana", "2024-11-03", 1730606400, 25 * HOUR}, /* midnight occurs twice */
    {"America/Havana", "2024-11-04", 1730696400, 24 * HOUR},
    {"America/Havana", "2024-03-10", 1710046800, 23 * HOUR}, /* begins at 01:00 */
    {"Pacific/Apia", "2011-12-29", 1325152800, 24 * HOUR},
    {"Pacific/Apia", "2011-12-30", 1325239200, 0}, /* there was no such day */
    {"Pacific/Apia", "2011-12-31", 1325239200, 24 * HOUR},
    {"Pacific/Apia", "2011-12", 1322733600, 30 * 24 * HOUR},
};

static void test_ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ranges); i++) {
        struct cemm_zone *zone = cemm_zone_new(ranges[i].zone);
        struct cemm_period period = period_of(ranges[i].period);
        char row[80];
        assert_non_null(zone);
        assert_true(snprintf(row, sizeof(row), "%s %s", ranges[i].zone, ranges[i].period) > 0);
        int64_t start = cemm_period_start(zone, &period);
        int64_t end = cemm_period_end(zone, &period);
        expect_int(row, start, ranges[i].start);
        expect_int(row, end - start, ranges[i].length);
        if (end > start) { /* its first and last moment are in it, and adjacent moments are not */
            struct cemm_period at = cemm_period_at(zone, period.span, start);
            expect_period(row, &at, ranges[i].period);
            at = cemm_period_at(zone, period.span, end - 1);
            expect_period(row, &at, ranges[i].period);
            at = cemm_period_at(zone, period.span, start - 1);
            assert_true(cemm_period_compare(&at, &period) < 0);
            at = cemm_period_at(zone, period.span, end);
            assert_true(cemm_period_compare(&at, &period) > 0);
        }
        cemm_zone_free(zone);
    }
}

static void test_step(void **state)
{
    static const struct {
        const char *from;
        int steps;
        const char *to;
    } rows[] = {
        {"2024-02-28", 1, "2024-02-29"},
        {"2024-02-29", 1, "2024-03-01"},
        {"2023-02-28", 1, "2023-03-01"},
        {"2000-02-28", 1, "2000-02-29"},
        {"2100-02-28", 1, "2100-03-01"},
        {"2024-01-01", -1, "2023-12-31"},
        {"2024-12-31", 1, "2025-01-01"},
        {"2024-03-31", 1, "2024-04-01"},
        {"2024-10-27", -1, "2024-10-26"},
        {"2024-01-01", 366, "2025-01-01"},
        {"2024-05-05", 0, "2024-05-05"},
        {"2024-12", 1, "2025-01"},
        {"2024-01", -1, "2023-12"},
        {"2024-05", -17, "2022-12"},
        {"2024-05", 20, "2026-01"},
        {"2024-05", 0, "2024-05"},
        {"2024", 1, "2025"},
        {"2024", -30, "1994"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_period from = period_of(rows[i].from);
        struct cemm_period to = cemm_period_step(&from, rows[i].steps);
        expect_period(rows[i].from, &to, rows[i].to);
        expect_int(rows[i].from, to.span, from.span);
        int order = cemm_period_compare(&from, &to);
        expect_int(rows[i].from, (order > 0) - (order < 0),
                   (rows[i].steps < 0) - (rows[i].steps > 0));
    }
}

static void test_refusals(void **state)
{
    static const struct {
        enum cemm_span span;
        const char *text;
    } rows[] = {
        {CEMM_DAY, ""},           {CEMM_DAY, "2024"},        {CEMM_DAY, "2024-03"},
        {CEMM_DAY, "2024-03-"},   {CEMM_DAY, "2024-3-31"},   {CEMM_DAY, "2024-03-1"},
        {CEMM_DAY, "2024-03-32"}, {CEMM_DAY, "2024-02-30"},  {CEMM_DAY, "2023-02-29"},
        {CEMM_DAY, "2100-02-29"}, {CEMM_DAY, "2024-04-31"},  {CEMM_DAY, "2024-00-10"},
        {CEMM_DAY, "2024-13-01"}, {CEMM_DAY, "2024-03-00"},  {CEMM_DAY, "2024-03-310"},
        {CEMM_DAY, "2024/03/31"}, {CEMM_DAY, "2024-03-31 "}, {CEMM_DAY, " 2024-03-31"},
        {CEMM_DAY, "20240331"},   {CEMM_DAY, "24-03-31"},    {CEMM_DAY, "+024-03-31"},
        {CEMM_DAY, "2024-03--1"}, {CEMM_DAY, "2024-03-31T"}, {CEMM_DAY, "today.csv"},
        {CEMM_DAY, "1969-12-31"}, {CEMM_DAY, "12024-03-31"}, {CEMM_MONTH, "2024"},
        {CEMM_MONTH, "2024-"},    {CEMM_MONTH, "2024-1"},    {CEMM_MONTH, "2024-13"},
        {CEMM_MONTH, "2024-00"},  {CEMM_MONTH, "2024-01-"},  {CEMM_MONTH, "2024-01-01"},
        {CEMM_YEAR, "202"},       {CEMM_YEAR, "20244"},      {CEMM_YEAR, "0000"},
        {CEMM_YEAR, "1969"},      {CEMM_YEAR, "-024"},       {CEMM_YEAR, "2024-01"},
        {CEMM_YEAR, "abcd"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_period period = {.year = -1};
        expect_int(rows[i].text, cemm_period_parse(rows[i].span, rows[i].text, &period), false);
        expect_int(rows[i].text, period.year, -1);
    }
}

static void test_parse(void **state)
{
    struct cemm_period day = period_of("2024-02-29");
    struct cemm_period month = period_of("2024-12");
    struct cemm_period year = period_of("1970");
    char small[8] = "xxxxxxx";

    (void)state;
    assert_true(day.span == CEMM_DAY && day.year == 2024 && day.month == 2 && day.day == 29);
    assert_true(month.span == CEMM_MONTH && month.year == 2024 && month.month == 12 &&
                month.day == 1);
    assert_true(year.span == CEMM_YEAR && year.year == 1970 && year.month == 1 && year.day == 1);
    cemm_period_format(&month, small, sizeof(small));
    assert_string_equal(small, "2024-12");
    cemm_period_format(&day, small, sizeof(small)); /* does not fit; half a date is not written */
    assert_string_equal(small, "");
}

static void test_time_format(void **state)
{
    static const struct {
        const char *zone;
        int64_t milliseconds;
        const char *text;
    } rows[] = {
        {"Europe/Amsterdam", 1711846799000, "2024-03-31T01:59:59+01:00"},
        {"Europe/Amsterdam", 1711846800000, "2024-03-31T03:00:00+02:00"},
        {"Europe/Amsterdam", 1729990799000, "2024-10-27T02:59:59+02:00"},
        {"Europe/Amsterdam", 1729990800000, "2024-10-27T02:00:00+01:00"},
        {"Europe/Amsterdam", 1496326765000, "2017-06-01T16:19:25+02:00"},
        {"Europe/Amsterdam", 1496326765007, "2017-06-01T16:19:25.007+02:00"},
        {"Europe/Amsterdam", 1496326765070, "2017-06-01T16:19:25.070+02:00"},
        {"Europe/Amsterdam", 1496326765999, "2017-06-01T16:19:25.999+02:00"},
        {"Europe/Amsterdam", 0, "1970-01-01T01:00:00+01:00"},
        {"UTC", 0, "1970-01-01T00:00:00+00:00"},
        {"UTC", -1, "1969-12-31T23:59:59.999+00:00"},
        {"UTC", -1000, "1969-12-31T23:59:59+00:00"},
        {"UTC", 4102444800000, "2100-01-01T00:00:00+00:00"},
        {"Asia/Kolkata", 1496326765000, "2017-06-01T19:49:25+05:30"},
        {"Asia/Kathmandu", 1496326765000, "2017-06-01T20:04:25+05:45"},
        {"America/St_Johns", 1496326765000, "2017-06-01T11:49:25-02:30"},
        {"America/St_Johns", 0, "1969-12-31T20:30:00-03:30"},
        {"Australia/Lord_Howe", 1712415600000, "2024-04-07T01:30:00+10:30"},
        {"Australia/Lord_Howe", 1728142200000, "2024-10-06T02:30:00+11:00"},
        {"America/Sao_Paulo", 1508036399000, "2017-10-14T23:59:59-03:00"},
        {"America/Sao_Paulo", 1508036400000, "2017-10-15T01:00:00-02:00"},
    };
    char text[CEMM_TIME_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_zone *zone = cemm_zone_new(rows[i].zone);
        assert_non_null(zone);
        cemm_time_format(zone, rows[i].milliseconds, text);
        expect_text(rows[i].zone, text, rows[i].text);
        cemm_zone_free(zone);
    }
}

/* Compares the first and the last second of each day in seven centuries with the C library. */
static void test_dates(void **state)
{
    struct cemm_zone *zone = cemm_zone_new("UTC");
    char text[CEMM_TIME_SIZE];
    char wanted[60];

    (void)state;
    assert_non_null(zone);
    for (int64_t day = -128000; day < 128000; day++) {
        for (int64_t second = 0; second < 86400; second += 86399) {
            time_t seconds = (time_t)(day * 86400 + second);
            struct tm tm;
            gmtime_r(&seconds, &tm);
            assert_true(strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S+00:00", &tm) > 0);
            cemm_time_format(zone, (int64_t)seconds * 1000, text);
            expect_text(wanted, text, wanted);
        }
    }
    cemm_zone_free(zone);
}

static void test_zone_names(void **state)
{
    static const char *const wrong[] = {"Europe/Nowhere", "Amsterdam", "Europe/", "no zone"};

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct cemm_zone *zone = cemm_zone_new(wrong[i]);
        if (zone)
            fail_msg("\"%s\" is accepted as a zone", wrong[i]);
    }
    cemm_zone_free(NULL);
}

/* Inside collectd, TZ is not ours. It must not affect a named zone, and must not be changed. */
static void test_process_zone(void **state)
{
    struct cemm_zone *zone = cemm_zone_new("Europe/Amsterdam");
    struct cemm_period day = period_of("2024-03-31");
    char text[CEMM_TIME_SIZE];
    time_t moment = 1711846800;
    struct tm tm;

    (void)state;
    assert_non_null(zone);
    setenv("TZ", "Asia/Kolkata", 1);
    tzset();
    assert_int_equal(cemm_period_start(zone, &day), 1711839600);
    assert_int_equal(cemm_period_end(zone, &day), 1711922400);
    cemm_time_format(zone, 1711846800000, text);
    assert_string_equal(text, "2024-03-31T03:00:00+02:00");
    struct cemm_zone *own = cemm_zone_new(NULL); /* reads TZ now … */
    assert_non_null(own);
    setenv("TZ", "UTC", 1); /* … and not again */
    tzset();
    cemm_time_format(own, 1711846800000, text);
    assert_string_equal(text, "2024-03-31T06:30:00+05:30");
    cemm_period_at(zone, CEMM_DAY, moment);
    assert_string_equal(getenv("TZ"), "UTC");
    assert_non_null(localtime_r(&moment, &tm));
    assert_int_equal(tm.tm_hour, 1);
    assert_int_equal(timezone, 0);
    unsetenv("TZ");
    cemm_zone_free(own);
    cemm_zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),      cmocka_unit_test(test_step),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_parse),
        cmocka_unit_test(test_time_format), cmocka_unit_test(test_zone_names),
        cmocka_unit_test(test_dates),       cmocka_unit_test(test_process_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
