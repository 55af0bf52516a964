/*
 * What a channel becomes in collectd: its type, its names, its factor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/frontend.h"

static const struct cemm_uid uid = {"00-1E-C0-85-96-CC"};

static const struct {
    const char *alias;
    const char *channel;
    const char *type;
    const char *type_instance;
    double factor;
    unsigned cadence;
} cases[] = {
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
    /* names nobody has heard of yet, some of them close to known ones */
    {"p1", "t5", "gauge", "p1-t5", 1, 0},
    {"p1", "t", "gauge", "p1-t", 1, 0},
    {"p1", "t11", "gauge", "p1-t11", 1, 0},
    {"p1", "electric_powers", "gauge", "p1-electric_powers", 1, 0},
    {"p1", "electric_energ", "gauge", "p1-electric_energ", 1, 0},
    {"p1", "gas2", "gauge", "p1-gas2", 1, 0},
    {"p1", "flow_", "gauge", "p1-flow_", 1, 0},
};

static void test_cases(void **state)
{
    struct cemm_identity identity;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(cemm_identify(&uid, cases[i].alias, cases[i].channel, &identity));
        assert_string_equal(identity.plugin_instance, uid.text);
        assert_string_equal(identity.type, cases[i].type);
        assert_string_equal(identity.type_instance, cases[i].type_instance);
        assert_true(identity.factor == cases[i].factor);
        assert_int_equal(identity.cadence, cases[i].cadence);
    }
}

/* An alias and a channel of 64 characters each make one character too many. */
static void test_too_long(void **state)
{
    char alias[CEMM_NAME_SIZE] = "";
    char channel[CEMM_NAME_SIZE] = "";
    struct cemm_identity identity;

    (void)state;
    memset(alias, 'a', CEMM_NAME_SIZE - 1);
    memset(channel, 'c', CEMM_NAME_SIZE - 1);
    assert_false(cemm_identify(&uid, alias, channel, &identity));
    channel[CEMM_NAME_SIZE - 2] = '\0';
    assert_false(cemm_identify(&uid, alias, channel, &identity));
    channel[CEMM_NAME_SIZE - 3] = '\0';
    assert_true(cemm_identify(&uid, alias, channel, &identity));
    assert_int_equal(strlen(identity.type_instance), CEMM_FIELD_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
