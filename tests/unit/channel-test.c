/*
 * Units (field notes, "Aliases and what stands behind them"): gas is the one
 * channel whose unit depends on where it was read.
 */
#include "check.h"
#include "common/model/channel.h"

static void test_units(void **state)
{
    static const struct {
        const char *channel;
        enum cemm_endpoint endpoint;
        enum cemm_span span;
        bool by_minute;
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
        expect_text(rows[i].channel, cemm_channel_unit(rows[i].channel, &query, rows[i].by_minute),
                    rows[i].unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_units)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
