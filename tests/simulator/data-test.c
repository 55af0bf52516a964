/*
 * Tests of the simulated meters.
 *
 * All end-to-end tests rely on this data, so it is checked here: counters never decrease, the sums
 * of all periods agree, days have 23 or 25 hours when clocks change, and there is no data from the
 * future.
 */
#include "data.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define UID_1    "00-1E-C0-00-00-01"
#define UID_2    "00-1E-C0-00-00-02"
#define MINUTE   INT64_C(60)
#define HOUR     INT64_C(3600)
#define SINCE    INT64_C(1672527600) /* 2023-01-01 00:00 in Amsterdam */
#define JULY_1   INT64_C(1719784800) /* 2024-07-01 00:00 */
#define JANUARY  INT64_C(1704063600) /* 2024-01-01 00:00 */
#define LONG_AGO INT64_C(1640991600) /* 2022-01-01 00:00: before SINCE */
#define NOW      INT64_C(1735686000) /* 2025-01-01 00:00: all of 2024 has ended */

struct rig {
    struct calendar *calendar;
    struct meter *p1;
    struct meter *gas;
    struct meter *s01;
    struct meter *water;
};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    assert_int_equal(calendar_new("Europe/Amsterdam", &rig->calendar), 0);
    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "p1", &rig->p1), 0);
    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "p1-gas", &rig->gas), 0);
    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "s01", &rig->s01), 0);
    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "pulse-1", &rig->water), 0);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;

    meter_free(rig->p1);
    meter_free(rig->gas);
    meter_free(rig->s01);
    meter_free(rig->water);
    calendar_free(rig->calendar);
    free(rig);
    return 0;
}

static int64_t value(struct meter *meter, enum channel channel, int64_t utc)
{
    int64_t result = 0;

    assert_int_equal(meter_value(meter, channel, utc * 1000, &result), 0);
    return result;
}

struct sum {
    size_t count;
    int64_t total;
    int64_t newest_ms;
    int64_t oldest_ms;
};

/* Returns the sum of the rows, and checks that they are sorted, newest first. */
static struct sum add_rows(struct meter *meter, enum period period, enum channel channel,
                           int64_t utc, int64_t now)
{
    struct sum sum = {0};
    struct sample *rows;

    assert_int_equal(meter_rows(meter, period, channel, utc, now * 1000, &rows, &sum.count), 0);
    for (size_t i = 0; i < sum.count; i++) {
        sum.total += rows[i].value;
        if (i > 0)
            assert_true(rows[i].time_ms < rows[i - 1].time_ms);
    }
    if (sum.count > 0) {
        sum.newest_ms = rows[0].time_ms;
        sum.oldest_ms = rows[sum.count - 1].time_ms;
    }
    free(rows);
    return sum;
}

static void counters_never_step_back(void **state)
{
    struct rig *rig = *state;
    const struct {
        struct meter *meter;
        enum channel channel;
    } cases[] = {
        {rig->p1, CHANNEL_T1},   {rig->p1, CHANNEL_T2},        {rig->p1, CHANNEL_T3},
        {rig->p1, CHANNEL_T4},   {rig->s01, CHANNEL_ENERGY},   {rig->s01, CHANNEL_ENERGY_HIGH},
        {rig->gas, CHANNEL_GAS}, {rig->water, CHANNEL_VOLUME},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t first = value(cases[i].meter, cases[i].channel, JULY_1);
        int64_t last = first;

        for (int64_t utc = JULY_1; utc < JULY_1 + 9 * 24 * HOUR; utc += 10 * MINUTE + 10) {
            int64_t next = value(cases[i].meter, cases[i].channel, utc);

            assert_true(next >= last);
            last = next;
        }
        assert_true(last > first);
    }
}

/* In a day, the counters rise by the energy of all its minutes, except for rounding. */
static void energy_is_the_sum_of_power(void **state)
{
    struct rig *rig = *state;
    int64_t watt_minutes = 0; /* in 1/VALUE_ONE */
    int64_t begin = JULY_1;
    int64_t end = begin + 24 * HOUR;
    int64_t used = value(rig->p1, CHANNEL_ENERGY, end) + value(rig->p1, CHANNEL_ENERGY_HIGH, end) -
                   value(rig->p1, CHANNEL_ENERGY, begin) -
                   value(rig->p1, CHANNEL_ENERGY_HIGH, begin);

    for (int64_t utc = begin; utc < end; utc += MINUTE)
        watt_minutes += value(rig->p1, CHANNEL_POWER, utc);
    assert_true(llabs(used - watt_minutes / 60000) <= 4);
}

static void sunny_afternoons_feed_in(void **state)
{
    struct rig *rig = *state;
    int fed_in = 0;

    for (int day = 0; day < 7; day++) {
        int64_t total = 0;

        for (int64_t minute = 0; minute < 120; minute++)
            total += value(rig->p1, CHANNEL_POWER,
                           JULY_1 + day * 24 * HOUR + 13 * HOUR + minute * MINUTE);
        fed_in += total < 0;
    }
    assert_int_equal(fed_in, 7);
    assert_true(value(rig->p1, CHANNEL_POWER, JULY_1 + 22 * HOUR) > 0);
    assert_int_equal(value(rig->s01, CHANNEL_POWER, JULY_1 + 1 * HOUR), 0);
}

static void power_has_the_documented_steps(void **state)
{
    struct rig *rig = *state;
    int fractions = 0;

    for (int64_t utc = JULY_1; utc < JULY_1 + 24 * HOUR; utc += MINUTE) {
        int64_t solar = value(rig->s01, CHANNEL_POWER, utc);

        assert_int_equal(value(rig->p1, CHANNEL_POWER, utc) % VALUE_ONE, 0);
        assert_int_equal(solar % (VALUE_ONE / 8), 0);
        assert_true(solar >= 0);
        fractions += solar % VALUE_ONE != 0;
    }
    assert_true(fractions > 100);
}

static void gas_steps_once_an_hour(void **state)
{
    struct rig *rig = *state;
    struct sample sample;
    struct meter *hourly;

    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "p1-gas", &hourly), 0);
    meter_gas_stamped_hourly(hourly);
    for (int64_t hour = 0; hour < 48; hour++) {
        int64_t utc = JANUARY + hour * HOUR;
        int64_t reading = value(rig->gas, CHANNEL_GAS, utc);

        assert_int_equal(value(rig->gas, CHANNEL_GAS, utc + HOUR - 1), reading);
        assert_true(value(rig->gas, CHANNEL_GAS, utc + HOUR) > reading);
        assert_int_equal(meter_latest(rig->gas, CHANNEL_GAS, (utc + 1234) * 1000, &sample), 0);
        assert_int_equal(sample.time_ms, (utc + 1230) * 1000); /* the time of the telegram */
        assert_int_equal(sample.value, reading);
        assert_int_equal(meter_latest(hourly, CHANNEL_GAS, (utc + 1234) * 1000, &sample), 0);
        assert_int_equal(sample.time_ms, utc * 1000);
        assert_int_equal(sample.value, reading);
    }
    meter_free(hourly);
}

/* An inverter produces by day what its panels produce, and consumes a little at night. */
static void an_inverter_produces_by_day(void **state)
{
    struct rig *rig = *state;
    struct meter *inverter;

    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "mb3", &inverter), 0);
    for (int64_t utc = JULY_1; utc < JULY_1 + 24 * HOUR; utc += MINUTE) {
        int64_t sun = value(rig->s01, CHANNEL_POWER, utc);
        int64_t power = value(inverter, CHANNEL_POWER, utc);

        if (sun > 0)
            assert_int_equal(power, sun);
        else
            assert_in_range(-power, 3 * VALUE_ONE, 5 * VALUE_ONE);
    }
    for (enum channel channel = CHANNEL_T1; channel <= CHANNEL_T4; channel++)
        assert_true(value(inverter, channel, JULY_1 + 48 * HOUR) >=
                    value(inverter, channel, JULY_1));
    assert_true(value(inverter, CHANNEL_T3, JULY_1 + 24 * HOUR) >
                value(inverter, CHANNEL_T3, JULY_1));
    meter_free(inverter);
}

static void winter_needs_more_gas(void **state)
{
    struct rig *rig = *state;
    struct sum winter = add_rows(rig->gas, PERIOD_MONTH, CHANNEL_GAS, JANUARY, NOW);
    struct sum summer = add_rows(rig->gas, PERIOD_MONTH, CHANNEL_GAS, JULY_1, NOW);

    assert_true(winter.total > 4 * summer.total);
}

static void days_have_their_own_length(void **state)
{
    static const struct {
        int64_t utc;
        size_t minutes;
    } cases[] = {
        {JULY_1 + 5 * HOUR, 1440},          {1711839600, 1380}, /* 2024-03-31 00:00 */
        {1711839600 + 20 * HOUR, 1380},     {1729980000, 1500}, /* 2024-10-27 00:00 */
        {1729980000 + 25 * HOUR - 1, 1500}, {1729980000 + 25 * HOUR, 1440},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sum day = add_rows(rig->p1, PERIOD_DAY, CHANNEL_POWER, cases[i].utc, NOW);
        struct sum gas = add_rows(rig->gas, PERIOD_DAY, CHANNEL_GAS, cases[i].utc, NOW);

        assert_int_equal(day.count, cases[i].minutes);
        assert_int_equal(gas.count, cases[i].minutes / 60);
        assert_int_equal(day.newest_ms - day.oldest_ms,
                         ((int64_t)cases[i].minutes - 1) * MINUTE * 1000);
    }
}

/* The amounts of hours, days or months add up to the amount of the longer period, and to the
 * increase of the readings in it. */
static void sums_agree(void **state)
{
    struct rig *rig = *state;
    static const enum channel low_high[] = {CHANNEL_ENERGY_LOW, CHANNEL_ENERGY_HIGH};
    struct sum hours = add_rows(rig->gas, PERIOD_DAY, CHANNEL_GAS, JANUARY, NOW);

    assert_int_equal(hours.total, value(rig->gas, CHANNEL_GAS, JANUARY + 24 * HOUR) -
                                      value(rig->gas, CHANNEL_GAS, JANUARY));
    for (size_t i = 0; i < 2; i++) {
        int64_t months = 0;

        for (int month = 1; month <= 12; month++)
            months += add_rows(rig->p1, PERIOD_MONTH, low_high[i],
                               calendar_start(rig->calendar, 2024, month, 15), NOW)
                          .total;
        assert_int_equal(months, add_rows(rig->p1, PERIOD_YEAR, low_high[i], JULY_1, NOW).total);
        assert_int_equal(months,
                         value(rig->p1, low_high[i], NOW) - value(rig->p1, low_high[i], JANUARY));
    }
}

static void only_the_past_is_measured(void **state)
{
    struct rig *rig = *state;
    int64_t now = JULY_1 + 10 * HOUR + 90; /* 10:01:30 */
    struct sum day = add_rows(rig->p1, PERIOD_DAY, CHANNEL_POWER, now, now);
    struct sum late = add_rows(rig->p1, PERIOD_DAY, CHANNEL_POWER, now + 9 * HOUR, now);
    struct sum gas = add_rows(rig->gas, PERIOD_DAY, CHANNEL_GAS, now, now);
    struct sum month = add_rows(rig->gas, PERIOD_MONTH, CHANNEL_GAS, now, now);
    struct sum year = add_rows(rig->gas, PERIOD_YEAR, CHANNEL_GAS, now, now);

    assert_int_equal(day.count, 601);
    assert_int_equal(late.count, 601);
    assert_int_equal(day.newest_ms, (JULY_1 + 10 * HOUR) * 1000);
    assert_int_equal(gas.count, 10);
    assert_int_equal(month.count, 31);
    assert_int_equal(month.total, gas.total); /* the other 30 days are 0 */
    assert_int_equal(year.count, 12);
    assert_int_equal(add_rows(rig->p1, PERIOD_DAY, CHANNEL_POWER, now + 24 * HOUR, now).count, 0);
}

static void no_data_before_installation(void **state)
{
    struct rig *rig = *state;
    int64_t ignored;
    struct sample sample;

    for (enum period period = PERIOD_DAY; period <= PERIOD_YEAR; period++)
        assert_int_equal(add_rows(rig->gas, period, CHANNEL_GAS, LONG_AGO, NOW).count, 0);
    assert_true(meter_value(rig->p1, CHANNEL_T1, LONG_AGO * 1000, &ignored) < 0);
    assert_true(meter_latest(rig->p1, CHANNEL_T1, LONG_AGO * 1000, &sample) < 0);
    assert_true(meter_value(rig->p1, CHANNEL_SWITCH, NOW * 1000, &ignored) < 0);
}

/* The order of calls must not affect the data, and no two series may be equal. */
static void data_are_a_function(void **state)
{
    struct rig *rig = *state;
    static const char *const others[][2] = {{UID_2, "p1"}, {UID_1, "han"}};
    struct meter *other;
    int64_t late = value(rig->p1, CHANNEL_T1, NOW);
    int64_t early = value(rig->p1, CHANNEL_T1, JULY_1);

    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "p1", &other), 0);
    assert_int_equal(value(other, CHANNEL_T1, JULY_1), early);
    assert_int_equal(value(other, CHANNEL_T1, NOW), late);
    meter_free(other);
    for (size_t i = 0; i < 2; i++) {
        int same = 0;

        assert_int_equal(meter_new(rig->calendar, SINCE, others[i][0], others[i][1], &other), 0);
        for (int64_t utc = JULY_1; utc < JULY_1 + 24 * HOUR; utc += MINUTE)
            same += value(other, CHANNEL_POWER, utc) == value(rig->p1, CHANNEL_POWER, utc);
        assert_true(same < 100);
        meter_free(other);
    }
}

static void tariffs_follow_the_clock(void **state)
{
    struct rig *rig = *state;
    static const struct {
        int64_t utc;
        int rate;
    } cases[] = {
        {JULY_1 + 6 * HOUR + 59 * MINUTE, 1}, /* a Monday */
        {JULY_1 + 7 * HOUR, 2},
        {JULY_1 + 23 * HOUR, 1},
        {JULY_1 - 12 * HOUR, 1},    /* Sunday noon */
        {1711839600 + 6 * HOUR, 1}, /* the Sunday that has 23 hours */
        {1711922400 + 7 * HOUR, 2}, /* the next day, a Monday */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(value(rig->p1, CHANNEL_RATE, cases[i].utc), cases[i].rate * VALUE_ONE);
}

/* In Cairo, clocks change on a day with both tariffs: from 00:00 to 01:00 on Friday 2024-04-26. */
static void tariffs_follow_a_clock_that_changes(void **state)
{
    const int64_t midnight = 1714082400;
    struct calendar *calendar;
    struct meter *meter;

    (void)state;
    assert_int_equal(calendar_new("Africa/Cairo", &calendar), 0);
    assert_int_equal(meter_new(calendar, midnight, UID_1, "p1", &meter), 0);
    assert_int_equal(value(meter, CHANNEL_RATE, midnight + 6 * HOUR - MINUTE), 1 * VALUE_ONE);
    assert_int_equal(value(meter, CHANNEL_RATE, midnight + 6 * HOUR), 2 * VALUE_ONE);
    meter_free(meter);
    calendar_free(calendar);
}

static void aliases_are_the_documented_ones(void **state)
{
    static const struct {
        const char *alias;
        enum meter_kind kind;
        bool cloud;
    } cases[] = {
        {"p1", METER_SMART, true},       {"p1-usb", METER_SMART, false},
        {"emucs", METER_SMART, false},   {"emucs-usb", METER_SMART, false},
        {"han", METER_SMART, true},      {"dlms-usb", METER_SMART, false},
        {"p1-gas", METER_GAS, true},     {"emucs-gas", METER_GAS, false},
        {"s01", METER_PULSE, true},      {"s02", METER_PULSE, true},
        {"s03", METER_PULSE, true},      {"pulse-1", METER_WATER, false},
        {"pulse-2", METER_WATER, false}, {"pulse-3", METER_WATER, false},
        {"usage", METER_USAGE, false},   {"mb1", METER_MODBUS, false},
        {"mb99", METER_MODBUS, false},   {"mb247", METER_MODBUS, false},
    };
    static const char *const unknown[] = {
        "", "p2", "mb", "mb0", "mb01", "mb248", "mb5x", "mb99999999999", "P1", "s04", "heatpump"};
    enum meter_kind kind;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(meter_kind_of(cases[i].alias, &kind), 0);
        assert_int_equal(kind, cases[i].kind);
        assert_int_equal(meter_in_cloud(cases[i].alias), cases[i].cloud);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_int_equal(meter_kind_of(unknown[i], &kind), -ENOENT);
        assert_false(meter_in_cloud(unknown[i]));
    }
}

/* The consumption of the house (`usage`) is p1 plus the production of its panels. */
static void usage_is_grid_and_roof(void **state)
{
    struct rig *rig = *state;
    struct meter *used;

    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "usage", &used), 0);
    for (int64_t utc = JULY_1; utc < JULY_1 + 24 * HOUR; utc += MINUTE) {
        int64_t sum = value(rig->p1, CHANNEL_POWER, utc) + value(rig->s01, CHANNEL_POWER, utc);

        assert_true(llabs(sum - value(used, CHANNEL_POWER, utc)) < VALUE_ONE);
    }
    meter_free(used);
}

/* The sum of an hour's minutes in L/min is the hour's m3, except for rounding. */
static void dsmr5_gas_comes_by_the_minute(void **state)
{
    struct rig *rig = *state;
    struct meter *gas;
    struct sum hours = add_rows(rig->gas, PERIOD_DAY, CHANNEL_GAS, JANUARY, NOW);
    struct sum minutes, month;

    assert_int_equal(meter_new(rig->calendar, SINCE, UID_1, "p1-gas", &gas), 0);
    meter_gas_by_minute(gas);
    minutes = add_rows(gas, PERIOD_DAY, CHANNEL_GAS, JANUARY, NOW);
    assert_int_equal(minutes.count, 1440);
    assert_true(llabs(minutes.total - hours.total * 1000) < 1440);
    month = add_rows(gas, PERIOD_MONTH, CHANNEL_GAS, JANUARY, NOW);
    assert_int_equal(month.total,
                     add_rows(rig->gas, PERIOD_MONTH, CHANNEL_GAS, JANUARY, NOW).total);
    meter_free(gas);
}

/* Tests midnights that are skipped, that occur twice, or that are not at a full hour of UTC. */
static void days_of_odd_zones(void **state)
{
    static const struct {
        const char *zone;
        int64_t utc;
        int64_t start;
        int64_t length;
    } cases[] = {
        {"UTC", 1711839600, 1711756800, 24 * HOUR},
        {"America/Sao_Paulo", 1541300400, 1541300400, 23 * HOUR}, /* begins at 01:00 */
        {"Atlantic/Azores", 1729987200, 1729987200, 25 * HOUR},   /* 00:00 twice */
        {"Australia/Lord_Howe", 1728140400, 1728135000, 23 * HOUR + 30 * MINUTE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct calendar *calendar;
        int64_t start, end;

        assert_int_equal(calendar_new(cases[i].zone, &calendar), 0);
        calendar_period(calendar, PERIOD_DAY, cases[i].utc, &start, &end);
        assert_int_equal(start, cases[i].start);
        assert_int_equal(end - start, cases[i].length);
        calendar_free(calendar);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_never_step_back),
        cmocka_unit_test(energy_is_the_sum_of_power),
        cmocka_unit_test(sunny_afternoons_feed_in),
        cmocka_unit_test(power_has_the_documented_steps),
        cmocka_unit_test(gas_steps_once_an_hour),
        cmocka_unit_test(winter_needs_more_gas),
        cmocka_unit_test(an_inverter_produces_by_day),
        cmocka_unit_test(days_have_their_own_length),
        cmocka_unit_test(sums_agree),
        cmocka_unit_test(only_the_past_is_measured),
        cmocka_unit_test(no_data_before_installation),
        cmocka_unit_test(data_are_a_function),
        cmocka_unit_test(tariffs_follow_the_clock),
        cmocka_unit_test(tariffs_follow_a_clock_that_changes),
        cmocka_unit_test(aliases_are_the_documented_ones),
        cmocka_unit_test(usage_is_grid_and_roof),
        cmocka_unit_test(dsmr5_gas_comes_by_the_minute),
        cmocka_unit_test(days_of_odd_zones),
    };

    return cmocka_run_group_tests_name("simulator-data", tests, setup, teardown);
}
