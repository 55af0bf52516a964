/*
 * Tests the energy of intervals, which is calculated from the minutes and readings
 * in documents of the API. Also makes 60 days of random power, and tests what must be
 * true of any day.
 */
#include "answers.h"
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW       INT64_C(1800000000) /* 2027 */
#define MINUTES   1620
#define ALL       (-1)
#define TEXT_SIZE (MINUTES * 40)

/* A meter's day, and the readings at its beginning and end. Missing minutes are NAN. */
static struct {
    struct cemm_zone *zone;
    struct cemm_period period;
    const char *alias;
    double power[MINUTES];
    size_t minutes;
    struct cemm_energy_input input;
    struct cemm_energy_day day;
} fixture;

/* Returns the document of an answer about the fixture's meter. The caller unrefs it. */
static struct cemm_document *document_of(enum cemm_endpoint endpoint,
                                         const struct cemm_period *period, const char *text)
{
    struct cemm_query query = answer_query(endpoint, fixture.alias, period->span);
    struct cemm_document *document;
    struct cemm_message message;

    query.period = *period;
    if (answer_try(&query, text, strlen(text), NOW * 1000, &document, &message) != 0)
        fail_msg("%s: %s", text, message.text);
    return document;
}

static void begin(const char *zone, const char *date, const char *alias)
{
    fixture.zone = cemm_zone_new(zone);
    assert_non_null(fixture.zone);
    assert_true(cemm_period_parse(CEMM_DAY, date, &fixture.period));
    fixture.alias = alias;
    fixture.input = (struct cemm_energy_input){0};
    fixture.minutes = (size_t)(cemm_period_end(fixture.zone, &fixture.period) -
                               cemm_period_start(fixture.zone, &fixture.period)) /
                      60;
    for (size_t i = 0; i < MINUTES; i++)
        fixture.power[i] = NAN;
}

static void fill(int from, int until, double value)
{
    for (int i = from; i < (until == ALL ? (int)fixture.minutes : until); i++)
        fixture.power[i] = value;
}

/* Adds the day of a channel, with a row every `step` minutes. */
static void measure(const char *channel, int step)
{
    static char text[TEXT_SIZE];
    int64_t start = cemm_period_start(fixture.zone, &fixture.period);
    size_t length = (size_t)snprintf(text, sizeof(text), "{\"data\":{\"%s\":[", channel);
    const char *comma = "";

    for (size_t i = 0; i < fixture.minutes; i += (size_t)step) {
        if (isnan(fixture.power[i]))
            continue;
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s[%lld000,%.10g]", comma,
                                   (long long)start + (long long)i * 60, fixture.power[i]);
        comma = ",";
    }
    snprintf(text + length, sizeof(text) - length, "]}}");
    fixture.input.minutes = document_of(CEMM_DATA, &fixture.period, text);
}

/* Adds the readings that were taken `early` seconds before the midnight at which the day begins
 * (`steps` is 0) or ends (1). */
static void read_meter(int steps, int early, const char *t1, const char *t3)
{
    char text[400];
    struct cemm_period day = cemm_period_step(&fixture.period, steps - 1);
    long long time = (long long)cemm_period_end(fixture.zone, &day) - early;

    snprintf(text, sizeof(text),
             "{\"data\":{\"t1\":[%lld000,%s],\"t2\":[0,0],\"t3\":[%lld000,%s],\"t4\":[%lld000,1]}}",
             time, t1, time, t3, time);
    *(steps == 0 ? &fixture.input.before : &fixture.input.after) =
        document_of(CEMM_TOTALS, &day, text);
}

/* Adds the month, which has the net energy of the day at the low and at the high tariff, in kWh. */
static void add_month(const char *low, const char *high)
{
    char text[400];
    struct cemm_period month = fixture.period;
    long long start = (long long)cemm_period_start(fixture.zone, &fixture.period);

    month.span = CEMM_MONTH;
    month.day = 1;
    snprintf(text, sizeof(text),
             "{\"data\":{\"electric_energy_low\":[[%lld000,%s]],"
             "\"electric_energy_high\":[[%lld000,%s]]}}",
             start, low, start, high);
    fixture.input.month = document_of(CEMM_DATA, &month, text);
}

static void work_out(void)
{
    cemm_energy_of(fixture.zone, &fixture.input, &fixture.period, NOW, &fixture.day);
}

static void end(void)
{
    cemm_document_unref((struct cemm_document *)fixture.input.minutes);
    cemm_document_unref((struct cemm_document *)fixture.input.before);
    cemm_document_unref((struct cemm_document *)fixture.input.after);
    cemm_document_unref((struct cemm_document *)fixture.input.month);
    cemm_zone_free(fixture.zone);
}

static double sum(bool reverse)
{
    double all = 0;

    for (size_t i = 0; i < fixture.day.quarter_count; i++)
        all += fixture.day.quarters[i].sides[reverse];
    return all;
}

/* The energy of a day with 1000 W for 12 hours and -500 W for 12 hours, with different readings. */
static const struct {
    const char *row;
    const char *before[2]; /* t1, t3; NULL: unknown */
    const char *after[2];
    int early;   /* seconds from the readings to midnight */
    int missing; /* minutes without a row */
    enum cemm_basis basis;
    double forward;
    double reverse;
    bool total_known;
    double unallocated; /* Wh of the readings that are in no quarter-hour */
    bool refused;       /* a scaling factor was too far from 1 */
} days[] = {
    {"minutes", {0}, {0}, 0, 0, CEMM_BASIS_MINUTES, 12000, 6000, false, 0, false},
    {"readings",
     {"10", "5"},
     {"22.6", "10.7"},
     60,
     0,
     CEMM_BASIS_READINGS,
     12600,
     5700,
     true,
     0,
     false},
    {"readings after midnight",
     {"10", "5"},
     {"22.6", "10.7"},
     -300,
     0,
     CEMM_BASIS_READINGS,
     12600,
     5700,
     true,
     0,
     false},
    {"read too early",
     {"10", "5"},
     {"22.6", "10.7"},
     301,
     0,
     CEMM_BASIS_MINUTES,
     12000,
     6000,
     false,
     0,
     false},
    {"readings of one midnight only",
     {0},
     {"22.6", "10.7"},
     60,
     0,
     CEMM_BASIS_MINUTES,
     12000,
     6000,
     false,
     0,
     false},
    {"one percent is missing",
     {"10", "5"},
     {"22.6", "10.7"},
     60,
     14,
     CEMM_BASIS_READINGS,
     12600,
     5700,
     true,
     0,
     false},
    {"more than one percent is missing",
     {"10", "5"},
     {"22.6", "10.7"},
     60,
     15,
     CEMM_BASIS_MINUTES,
     11750,
     6000,
     true,
     6900 - 5750,
     false},
    {"the smallest factors",
     {"10", "5"},
     {"19.6", "9.8"},
     60,
     0,
     CEMM_BASIS_READINGS,
     9600,
     4800,
     true,
     0,
     false},
    {"the largest factors",
     {"10", "5"},
     {"25", "12.5"},
     60,
     0,
     CEMM_BASIS_READINGS,
     15000,
     7500,
     true,
     0,
     false},
    {"a factor too small",
     {"10", "5"},
     {"19.599", "10.7"},
     60,
     0,
     CEMM_BASIS_READINGS,
     12000,
     5700,
     true,
     -2401,
     true},
    {"both factors too large",
     {"10", "5"},
     {"25.001", "12.501"},
     60,
     0,
     CEMM_BASIS_MINUTES,
     12000,
     6000,
     true,
     1500,
     true},
    {"a new meter, whose readings begin at 0",
     {"10", "5"},
     {"0", "0"},
     60,
     0,
     CEMM_BASIS_MINUTES,
     12000,
     6000,
     true,
     -11000,
     true},
};

static void test_readings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(days); i++) {
        begin("Europe/Amsterdam", "2024-05-01", "p1");
        fill(0, 720, 1000);
        fill(720, ALL, -500);
        fill(0, days[i].missing, NAN);
        measure("electric_power", 1);
        if (days[i].before[0])
            read_meter(0, days[i].early, days[i].before[0], days[i].before[1]);
        if (days[i].after[0])
            read_meter(1, days[i].early, days[i].after[0], days[i].after[1]);
        work_out();
        expect_int(days[i].row, fixture.day.basis, days[i].basis);
        expect_int(days[i].row, llround(sum(false)), llround(days[i].forward));
        expect_int(days[i].row, llround(sum(true)), llround(days[i].reverse));
        expect_int(days[i].row, fixture.day.total_known, days[i].total_known);
        expect_int(days[i].row, llround(fixture.day.unallocated), llround(days[i].unallocated));
        expect_int(days[i].row, fixture.day.refused, days[i].refused);
        expect_int(days[i].row, fixture.day.quantity, CEMM_QUANTITY_GRID);
        end();
    }
}

/* A meter without readings, whose power is `power` for 12 hours and then `other` for 12 hours.
 * `low` and `high` are the net energy of the day in its month, in kWh. */
static const struct {
    const char *row;
    double power;
    double other;
    const char *low;
    const char *high;
    enum cemm_basis basis;
    double forward;
    double reverse;
    double unallocated;
} nets[] = {
    {"forward", 1000, 0, "5", "7.5", CEMM_BASIS_NET, 12500, 0, 0},
    {"reverse", 0, -10, "-0.11", "0", CEMM_BASIS_NET, 0, 110, 0},
    {"both", 1000, -10, "5", "7.5", CEMM_BASIS_MINUTES, 12000, 120, 620},
    {"both, although the net energy would fit the reverse side", 100, -1000, "-11", "0",
     CEMM_BASIS_MINUTES, 1200, 12000, -200},
    {"the net energy is too large", 1000, 0, "10", "7.5", CEMM_BASIS_MINUTES, 12000, 0, 5500},
    {"the net energy has the wrong sign", 1000, 0, "-5", "-7.5", CEMM_BASIS_MINUTES, 12000, 0,
     -24500},
    {"nothing", 0, 0, "0", "0", CEMM_BASIS_NET, 0, 0, 0},
};

static void test_net(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(nets); i++) {
        begin("Europe/Amsterdam", "2024-05-01", "s01");
        fill(0, 720, nets[i].power);
        fill(720, ALL, nets[i].other);
        measure("electric_power", 1);
        add_month(nets[i].low, nets[i].high);
        work_out();
        expect_int(nets[i].row, fixture.day.basis, nets[i].basis);
        expect_int(nets[i].row, llround(sum(false)), llround(nets[i].forward));
        expect_int(nets[i].row, llround(sum(true)), llround(nets[i].reverse));
        assert_true(fixture.day.total_known);
        expect_int(nets[i].row, llround(fixture.day.unallocated), llround(nets[i].unallocated));
        expect_int(nets[i].row, fixture.day.quantity, CEMM_QUANTITY_ENERGY);
        end();
    }
}

static bool needs_month(int64_t now)
{
    return cemm_energy_needs_month(fixture.zone, &fixture.input, &fixture.period, now);
}

static void test_needs_month(void **state)
{
    (void)state;
    begin("Europe/Amsterdam", "2024-05-01", "p1");
    assert_false(needs_month(NOW)); /* there are no minutes */
    fill(0, ALL, 1000);
    measure("electric_power", 1);
    assert_true(needs_month(NOW));
    assert_false(needs_month(cemm_period_end(fixture.zone, &fixture.period) - 1));
    read_meter(0, 60, "10", "5");
    assert_true(needs_month(NOW));
    read_meter(1, 60, "0", "0"); /* both midnights have readings, although of different meters */
    assert_false(needs_month(NOW));
    end();
    begin("Europe/Amsterdam", "2024-05-01", "pulse-1");
    fill(0, ALL, 2.5);
    measure("flow", 1);
    assert_false(needs_month(NOW));
    end();
}

/* The current day is never scaled. */
static void test_current_day(void **state)
{
    (void)state;
    begin("Europe/Amsterdam", "2024-05-01", "s01");
    fill(0, ALL, 1000);
    measure("electric_power", 1);
    add_month("12", "13");
    int64_t over = cemm_period_end(fixture.zone, &fixture.period);
    cemm_energy_of(fixture.zone, &fixture.input, &fixture.period, over - 1, &fixture.day);
    assert_int_equal(fixture.day.basis, CEMM_BASIS_MINUTES);
    assert_false(fixture.day.total_known);
    cemm_energy_of(fixture.zone, &fixture.input, &fixture.period, over, &fixture.day);
    assert_int_equal(fixture.day.basis, CEMM_BASIS_NET);
    end();
}

/* 25 quarter-hours of 0.08 W are half a Wh, but the sum of 25 times the double 0.08 is a little
 * less. */
static void test_half(void **state)
{
    (void)state;
    begin("Europe/Amsterdam", "2024-05-01", "p1");
    fill(0, 25 * 15, 0.08);
    measure("electric_power", 1);
    work_out();
    assert_int_equal(llround(fixture.day.quarters[23].sides[CEMM_FORWARD]), 0);
    assert_int_equal(llround(fixture.day.quarters[24].sides[CEMM_FORWARD]), 1);
    end();
}

/* If a register is known only at one of the midnights, the other registers are not used, either. */
static void test_half_known(void **state)
{
    char text[200];

    (void)state;
    begin("Europe/Amsterdam", "2024-05-01", "p1");
    fill(0, ALL, 1000);
    measure("electric_power", 1);
    read_meter(0, 60, "10", "5");
    long long time = (long long)cemm_period_end(fixture.zone, &fixture.period) - 60;
    snprintf(text, sizeof(text), "{\"data\":{\"t1\":[%lld000,34],\"t2\":[%lld000,3]}}", time, time);
    fixture.input.after = document_of(CEMM_TOTALS, &fixture.period, text);
    work_out();
    assert_false(fixture.day.total_known);
    end();
}

static void test_cubic_metres(void **state)
{
    (void)state;
    begin("Europe/Amsterdam", "2024-10-27", "p1-gas"); /* 25 hours */
    fill(0, ALL, 0.0625);
    measure("gas", 60);
    work_out();
    assert_int_equal(fixture.day.basis, CEMM_BASIS_HOURS);
    assert_int_equal(fixture.day.count, 25);
    assert_int_equal(llround(sum(false)), 1563); /* 1562.5 */
    assert_int_equal(llround(fixture.day.quarters[0].sides[CEMM_FORWARD]), 63);
    assert_int_equal(llround(fixture.day.quarters[4].sides[CEMM_FORWARD]), 62);
    end();

    begin("Europe/Amsterdam", "2024-10-27", "p1-gas");
    fill(0, 60, 2.5);
    measure("gas", 1);
    work_out();
    assert_int_equal(fixture.day.basis, CEMM_BASIS_MINUTES);
    assert_int_equal(fixture.day.quantity, CEMM_QUANTITY_GAS);
    assert_int_equal(llround(sum(false)), 150);
    end();

    begin("Europe/Amsterdam", "2024-10-27", "pulse-1");
    fill(0, 60, 2.5);
    measure("flow", 1);
    work_out();
    assert_int_equal(fixture.day.quantity, CEMM_QUANTITY_VOLUME);
    assert_int_equal(llround(sum(false)), 150);
    end();
}

/* Tests rows before and after the day, two rows in one minute, and a row at the day's last second.
 */
static void test_rows(void **state)
{
    char text[400];

    (void)state;
    begin("Europe/Amsterdam", "2024-05-01", "p1");
    long long start = (long long)cemm_period_start(fixture.zone, &fixture.period);
    snprintf(text, sizeof(text),
             "{\"data\":{\"electric_power\":[[%lld000,60],[%lld000,60],[%lld000,60],"
             "[%lld000,60],[%lld000,60]]}}",
             start + 86400, start + 86399, start + 30, start, start - 60);
    fixture.input.minutes = document_of(CEMM_DATA, &fixture.period, text);
    work_out();
    assert_int_equal(fixture.day.count, 1);
    assert_int_equal(llround(sum(false)), 1);
    end();
    begin("Europe/Amsterdam", "2024-05-01", "p1"); /* without rows */
    work_out();
    assert_int_equal(fixture.day.quantity, CEMM_QUANTITY_NONE);
    assert_int_equal(fixture.day.count, 0);
    end();
}

/* ---- intervals ---------------------------------------------------------------- */

static struct {
    struct cemm_interval all[200];
    size_t count;
} collected;

static void collect(void *data, const struct cemm_interval *interval)
{
    (void)data;
    assert_true(collected.count < COUNT(collected.all));
    collected.all[collected.count++] = *interval;
}

static const struct {
    const char *zone;
    const char *day;
    enum cemm_by by;
    size_t count;
    size_t index; /* the index of the interval with `start` and `minutes` */
    const char *start;
    unsigned minutes;
} intervals[] = {
    {"Europe/Amsterdam", "2024-03-31", CEMM_BY_QUARTER, 92, 8, "2024-03-31T03:00:00+02:00", 15},
    {"Europe/Amsterdam", "2024-03-31", CEMM_BY_HOUR, 23, 2, "2024-03-31T03:00:00+02:00", 60},
    {"Europe/Amsterdam", "2024-10-27", CEMM_BY_HOUR, 25, 2, "2024-10-27T02:00:00+02:00", 60},
    {"Europe/Amsterdam", "2024-10-27", CEMM_BY_HOUR, 25, 3, "2024-10-27T02:00:00+01:00", 60},
    {"Europe/Amsterdam", "2024-10-27", CEMM_BY_DAY, 1, 0, "2024-10-27T00:00:00+02:00", 1500},
    {"Europe/Amsterdam", "2024-10-27", CEMM_BY_MONTH, 0, 0, NULL, 0},
    {"Asia/Kolkata", "2024-05-01", CEMM_BY_HOUR, 24, 1, "2024-05-01T01:00:00+05:30", 60},
    {"Asia/Kolkata", "2024-05-01", CEMM_BY_UTC_HOUR, 23, 0, "2024-05-01T00:30:00+05:30", 60},
    {"Asia/Kathmandu", "2024-05-01", CEMM_BY_UTC_HOUR, 23, 0, "2024-05-01T00:45:00+05:45", 60},
    /* In this zone, the clock changes by half an hour. */
    {"Australia/Lord_Howe", "2024-04-07", CEMM_BY_HOUR, 25, 1, "2024-04-07T01:00:00+11:00", 60},
    {"Australia/Lord_Howe", "2024-04-07", CEMM_BY_HOUR, 25, 2, "2024-04-07T01:30:00+10:30", 30},
    {"Australia/Lord_Howe", "2024-10-06", CEMM_BY_HOUR, 24, 2, "2024-10-06T02:30:00+11:00", 30},
};

static void test_intervals(void **state)
{
    char text[CEMM_TIME_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(intervals); i++) {
        struct cemm_interval interval = {0};
        begin(intervals[i].zone, intervals[i].day, "p1");
        fill(0, ALL, 60);
        measure("electric_power", 1);
        work_out();
        collected.count = 0;
        cemm_interval_add(&interval, fixture.zone, intervals[i].by, &fixture.day, NOW, collect,
                          NULL);
        expect_int(intervals[i].day, (int64_t)collected.count, (int64_t)intervals[i].count);
        if (intervals[i].start) {
            const struct cemm_interval *got = &collected.all[intervals[i].index];
            cemm_time_format(fixture.zone, got->start * 1000, text);
            expect_text(intervals[i].day, text, intervals[i].start);
            expect_int(text, got->amount.count, intervals[i].minutes);
            expect_int(text, llround(got->amount.sides[CEMM_FORWARD]), intervals[i].minutes);
        }
        end();
    }
}

/* The current interval is left out until it has ended. */
static void test_current_interval(void **state)
{
    struct cemm_interval interval = {0};

    (void)state;
    begin("Europe/Amsterdam", "2024-05-01", "p1");
    fill(0, ALL, 60);
    measure("electric_power", 1);
    work_out();
    collected.count = 0;
    cemm_interval_add(&interval, fixture.zone, CEMM_BY_HOUR, &fixture.day, fixture.day.start + 7199,
                      collect, NULL);
    assert_int_equal(collected.count, 1);
    interval = (struct cemm_interval){0};
    cemm_interval_add(&interval, fixture.zone, CEMM_BY_HOUR, &fixture.day, fixture.day.start + 7200,
                      collect, NULL);
    assert_int_equal(collected.count, 1 + 2);
    end();
}

/* ---- properties of any day ---------------------------------------------------- */

/* Returns the sum of the day's intervals of a kind. */
static double sum_by(enum cemm_by by, bool reverse)
{
    struct cemm_interval interval = {0};
    double all = 0;

    collected.count = 0;
    cemm_interval_add(&interval, fixture.zone, by, &fixture.day, NOW, collect, NULL);
    for (size_t i = 0; i < collected.count; i++)
        all += collected.all[i].amount.sides[reverse];
    return all;
}

static void any_day(unsigned number)
{
    static const char *const zones[] = {"Europe/Amsterdam", "Asia/Kolkata", "Australia/Lord_Howe"};
    static const char *const dates[] = {"2024-03-31", "2024-10-27", "2024-04-07", "2024-10-06",
                                        "2024-06-21"};
    char row[80], texts[4][40];
    double true_sum = 0;

    srandom(number);
    begin(zones[number % COUNT(zones)], dates[number % COUNT(dates)], "p1");
    snprintf(row, sizeof(row), "day %u", number);
    int gap = number % 4 == 0 ? (int)(random() % 300) : 0;
    for (size_t i = (size_t)gap; i < fixture.minutes; i++) {
        fixture.power[i] = (double)(random() % 500000) / 100 - 2000;
        true_sum += fixture.power[i] / 60;
    }
    measure("electric_power", 1);
    /* t1 and t3 when the day begins, then when it ends. */
    double readings[] = {100, 50, 100 + (double)(random() % 100000) / 1024,
                         50 + (double)(random() % 30000) / 1024};
    for (size_t i = 0; i < 4; i++)
        snprintf(texts[i], sizeof(texts[i]), "%.10g", readings[i]);
    read_meter(0, 60, texts[0], texts[1]);
    read_meter(1, 60, texts[2], texts[3]);
    work_out();
    double balance = sum(false) - sum(true);
    expect_int(row, llround(balance + fixture.day.unallocated),
               (int64_t)floor((readings[2] - readings[0]) * 1000 + 0.5) -
                   (int64_t)floor((readings[3] - readings[1]) * 1000 + 0.5));
    if (fixture.day.basis == CEMM_BASIS_MINUTES && fabs(balance - true_sum) > 1)
        fail_msg("%s: the minutes add up to %f, not %f", row, true_sum, balance);
    for (int reverse = 0; reverse < 2; reverse++) {
        int64_t whole = llround(sum_by(CEMM_BY_DAY, reverse));
        expect_int(row, llround(sum_by(CEMM_BY_QUARTER, reverse)), whole);
        expect_int(row, llround(sum_by(CEMM_BY_HOUR, reverse)), whole);
    }
    end();
}

static void test_any_day(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 60; number++)
        any_day(number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings),
        cmocka_unit_test(test_net),
        cmocka_unit_test(test_current_day),
        cmocka_unit_test(test_cubic_metres),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_current_interval),
        cmocka_unit_test(test_half),
        cmocka_unit_test(test_half_known),
        cmocka_unit_test(test_any_day),
        cmocka_unit_test(test_needs_month),
    };
    return cmocka_run_group_tests_name("energy", tests, NULL, NULL);
}
