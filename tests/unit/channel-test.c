/*
 * Tests the units of channels (only the unit of gas depends on the endpoint, the
 * period and the rows), and the types and names of channels in collectd.
 */
#include "check.h"
#include "common/model/channel.h"

#define HOUR 3600000

static void test_units(void **state)
{
    static const struct {
        const char *channel;
        enum cemm_endpoint endpoint;
        enum cemm_span span;
        bool by_minute; /* there is a row for each minute, otherwise for each hour */
        const char *unit;
    } rows[] = {
        {"t1", CEMM_REALTIME, CEMM_DAY, false, "kWh"},
        {"t2", CEMM_REALTIME, CEMM_DAY, false, "kWh"},
        {"t3", CEMM_TOTALS, CEMM_DAY, false, "kWh"},
        {"t4", CEMM_TOTALS, CEMM_DAY, false, "kWh"},
        {"electric_energy", CEMM_TOTALS, CEMM_DAY, false, "kWh"},
        {"electric_energy_low", CEMM_DATA, CEMM_MONTH, false, "kWh"},
        {"electric_energy_high", CEMM_DATA, CEMM_YEAR, false, "kWh"},
        {"electric_power", CEMM_REALTIME, CEMM_DAY, false, "W"},
        {"electric_power", CEMM_DATA, CEMM_DAY, true, "W"},
        {"rate", CEMM_REALTIME, CEMM_DAY, false, ""},
        {"switch", CEMM_REALTIME, CEMM_DAY, false, ""},
        {"flow", CEMM_REALTIME, CEMM_DAY, false, "L/min"},
        {"flow", CEMM_DATA, CEMM_DAY, true, "L/min"},
        {"volume", CEMM_REALTIME, CEMM_DAY, false, "m3"},
        {"volume", CEMM_DATA, CEMM_MONTH, false, "m3"},
        {"gas", CEMM_REALTIME, CEMM_DAY, false, "m3"},
        {"gas", CEMM_TOTALS, CEMM_DAY, false, "m3"},
        {"gas", CEMM_DATA, CEMM_DAY, false, "m3"},
        {"gas", CEMM_DATA, CEMM_DAY, true, "L/min"}, /* DSMR 5 */
        {"gas", CEMM_DATA, CEMM_MONTH, true, "m3"},
        {"gas", CEMM_DATA, CEMM_YEAR, false, "m3"},
        {"gas", CEMM_REALTIME, CEMM_DAY, true, "m3"},
        {"temperature", CEMM_REALTIME, CEMM_DAY, false, ""},
        {"T1", CEMM_REALTIME, CEMM_DAY, false, ""},
        {"t5", CEMM_REALTIME, CEMM_DAY, false, ""},
        {"", CEMM_REALTIME, CEMM_DAY, false, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = {.endpoint = rows[i].endpoint, .period = {.span = rows[i].span}};
        struct cemm_sample samples[] = {{.time = HOUR},
                                        {.time = HOUR + (rows[i].by_minute ? HOUR / 60 : HOUR)}};
        struct cemm_series series = {.samples = samples, .count = COUNT(samples)};
        strcpy(series.channel, rows[i].channel);
        series.unit = cemm_series_unit(&query, &series);
        expect_text(rows[i].channel, series.unit, rows[i].unit);
        for (size_t j = 0; j < COUNT(samples); j++)
            expect_text(rows[i].channel, cemm_row_unit(&query, &series, &samples[j]), rows[i].unit);
    }
}

/* Tests the unit of each row of gas in a day with few rows, or with rows for hours and for minutes
 * because the meter was replaced. The unit of the series is that of the first row. */
static void test_gas_of_a_day(void **state)
{
    static const struct {
        const char *name;
        int64_t minutes[4]; /* the times of the rows; 0: end */
        const char *units[4];
    } rows[] = {
        {"one row", {60}, {"m3"}},
        {"half an hour apart", {60, 90}, {"m3", "m3"}},
        {"less than half an hour apart", {60, 89}, {"L/min", "L/min"}},
        {"an hour, then minutes", {60, 120, 125, 126}, {"m3", "m3", "L/min", "L/min"}},
        {"minutes, then an hour", {60, 65, 80, 140}, {"L/min", "L/min", "m3", "m3"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = {.endpoint = CEMM_DATA, .period = {.span = CEMM_DAY}};
        struct cemm_sample samples[4] = {{0}};
        struct cemm_series series = {.channel = "gas", .samples = samples};
        for (; series.count < 4 && rows[i].minutes[series.count] > 0; series.count++)
            samples[series.count].time = rows[i].minutes[series.count] * (HOUR / 60);
        expect_text(rows[i].name, cemm_series_unit(&query, &series), rows[i].units[0]);
        for (size_t j = 0; j < series.count; j++)
            expect_text(rows[i].name, cemm_row_unit(&query, &series, &samples[j]),
                        rows[i].units[j]);
    }
}

/* ---- channels in collectd ---------------------------------------------- */

static const struct {
    const char *alias;
    const char *channel;
    const char *type;
    const char *type_instance;
    double factor;
    unsigned cadence;
} identities[] = {
    {"p1", "electric_power", "power", "p1-electric_power", 1, 0},
    {"s01", "electric_power", "power", "s01-electric_power", 1, 0},
    {"p1", "t1", "energy_wh", "p1-t1", 1000, 0},
    {"p1", "t2", "energy_wh", "p1-t2", 1000, 0},
    {"p1", "t3", "energy_wh", "p1-t3", 1000, 0},
    {"mb5", "t4", "energy_wh", "mb5-t4", 1000, 0},
    {"s01", "electric_energy", "energy_wh", "s01-electric_energy", 1000, 0},
    {"s01", "electric_energy_high", "energy_wh", "s01-electric_energy_high", 1000, 0},
    {"p1", "electric_energy_low", "energy_wh", "p1-electric_energy_low", 1000, 0},
    {"pulse-1", "flow", "flow", "pulse-1-flow", 1, 0},
    {"p1-gas", "gas", "gauge", "p1-gas-gas", 1, 3600},
    {"p1", "gas", "gauge", "p1-gas", 1, 3600},
    {"pulse-1", "volume", "gauge", "pulse-1-volume", 1, 0},
    {"p1", "rate", "gauge", "p1-rate", 1, 0},
    {"p1", "switch", "gauge", "p1-switch", 1, 0},
    /* unknown names, some of which are similar to known names */
    {"p1", "t5", "gauge", "p1-t5", 1, 0},
    {"p1", "t", "gauge", "p1-t", 1, 0},
    {"p1", "t11", "gauge", "p1-t11", 1, 0},
    {"p1", "electric_powers", "gauge", "p1-electric_powers", 1, 0},
    {"p1", "electric_energ", "gauge", "p1-electric_energ", 1, 0},
    {"p1", "gas2", "gauge", "p1-gas2", 1, 0},
    {"p1", "flow_", "gauge", "p1-flow_", 1, 0},
};

static void test_identities(void **state)
{
    struct cemm_identity identity;

    (void)state;
    for (size_t i = 0; i < COUNT(identities); i++) {
        assert_true(cemm_identify(identities[i].alias, identities[i].channel, &identity));
        assert_string_equal(identity.type, identities[i].type);
        assert_string_equal(identity.type_instance, identities[i].type_instance);
        assert_true(identity.factor == identities[i].factor);
        assert_int_equal(identity.cadence, identities[i].cadence);
    }
}

/* An alias and a channel may have 64 characters each, but "ALIAS-CHANNEL" may have only 127. */
static void test_identity_too_long(void **state)
{
    char alias[CEMM_NAME_SIZE] = "";
    char channel[CEMM_NAME_SIZE] = "";
    struct cemm_identity identity;

    (void)state;
    memset(alias, 'a', CEMM_NAME_SIZE - 1);
    memset(channel, 'c', CEMM_NAME_SIZE - 1);
    assert_false(cemm_identify(alias, channel, &identity));
    channel[CEMM_NAME_SIZE - 2] = '\0';
    assert_false(cemm_identify(alias, channel, &identity));
    channel[CEMM_NAME_SIZE - 3] = '\0';
    assert_true(cemm_identify(alias, channel, &identity));
    assert_int_equal(strlen(identity.type_instance), CEMM_FIELD_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_gas_of_a_day),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_identity_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
