/*
 * Tests the documented aliases, and which of them the cloud has. The expected
 * values are copied from the API's documentation and from real devices, not from
 * the table under test.
 */
#include "check.h"
#include "common/frontend.h"
#include "common/model/names.h"

static const struct {
    const char *name;
    bool cloud;
} documented[] = {
    /* in the API's documentation: cloud §Aliases, LAN §Available Aliases */
    {"p1", true},
    {"p1-usb", false},
    {"emucs", false},
    {"p1-gas", true},
    {"emucs-usb", false},
    {"han", true},
    {"s01", true},
    {"s02", true},
    {"s03", true},
    {"dlms-usb", false},
    {"pulse-1", false},
    {"pulse-2", false},
    {"pulse-3", false},
    {"usage", false},
    /* seen in a real io answer */
    {"emucs-gas", false},
};

static const struct cemm_alias *find(const char *name)
{
    for (const struct cemm_alias *alias = cemm_aliases; alias->name; alias++)
        if (strcmp(alias->name, name) == 0)
            return alias;
    return NULL;
}

static void test_table(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(documented); i++) {
        const struct cemm_alias *alias = find(documented[i].name);
        if (!alias)
            fail_msg("%s is missing", documented[i].name);
        expect_int(documented[i].name, alias->cloud, documented[i].cloud);
        expect_int(documented[i].name, cemm_alias_find(documented[i].name)->cloud,
                   documented[i].cloud);
        expect_int(documented[i].name, cemm_alias_find(documented[i].name)->name != NULL, true);
    }
    expect_int("mb5", cemm_alias_find("mb5")->cloud, false);
    while (cemm_aliases[count].name)
        count++;
    assert_int_equal(count, COUNT(documented));
}

static void test_modbus(void **state)
{
    static const struct {
        const char *name;
        bool modbus;
    } rows[] = {
        {"mb1", true},   {"mb5", true},     {"mb10", true},  {"mb100", true},
        {"mb247", true}, {"mb248", false},  {"mb0", false},  {"mb", false},
        {"mb01", false}, {"mb-1", false},   {"mb+1", false}, {"mb 1", false},
        {"mb1x", false}, {"mb1000", false}, {"MB1", false},  {"m1", false},
        {"xmb1", false}, {"", false},       {"mbx", false},  {"mb99999999999999999999", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect_int(rows[i].name, cemm_alias_find(rows[i].name)->kind == CEMM_ALIAS_MODBUS,
                   rows[i].modbus);
        expect_int(rows[i].name, cemm_alias_find(rows[i].name)->name != NULL, rows[i].modbus);
    }
}

static void test_unknown(void **state)
{
    static const char *const names[] = {"p2", "P1",      "p1-",      "s04",
                                        "s1", "pulse-4", "heatpump", "io"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        expect_int(names[i], cemm_alias_find(names[i])->name != NULL, false);
}

/* Tests which meters count as silent, and which merely had nothing to measure. */
static void test_silent(void **state)
{
    static const struct {
        const char *row;
        const char *alias;
        const char *type;
        int64_t age; /* seconds; -1: never read */
        int64_t interval;
        bool silent;
    } rows[] = {
        {"fresh", "p1", "p1", 10, 10, false},
        {"ten minutes", "p1", "p1", 600, 10, false},
        {"more than ten minutes", "p1", "p1", 601, 10, true},
        {"without a type", "p1", "", 3600, 10, true},
        {"almost a quarter of an hour, but an interval of five minutes", "p1", "p1", 890, 300,
         false},
        {"more than a quarter of an hour, and an interval of five minutes", "p1", "p1", 901, 300,
         true},
        {"another smart meter", "dlms-usb", "dlms", 3600, 10, true},
        {"the clock runs fast", "p1", "p1", -60, 10, false},
        {"never read", "p1", "p1", -1, 10, false},
        {"an inverter at night", "mb3", "solar_energy", 36000, 10, false},
        {"another Modbus meter", "mb3", "heat_pump", 3600, 10, true},
        {"a Modbus meter without a type", "mb3", "", 3600, 10, true},
        {"gas", "p1-gas", "gas", 36000, 10, false},
        {"water", "pulse-1", "water", 36000, 10, false},
        {"a pulse meter", "s01", "solar_energy", 36000, 10, false},
        {"the consumption of the site", "usage", "", 36000, 10, false},
        {"an extra alias", "heatpump", "", 36000, 10, false},
    };
    const int64_t now = INT64_C(1500000000000);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t newest = rows[i].age == -1 ? 0 : now - rows[i].age * 1000;
        expect_int(
            rows[i].row,
            cemm_meter_silent(rows[i].alias, rows[i].type, newest, rows[i].interval * 1000, now),
            rows[i].silent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_modbus),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
