/*
 * The documented aliases, and which interface knows them: copied here from the
 * documents and the field notes, not from the table under test.
 */
#include "check.h"
#include "common/cemm.h"
#include "common/model/alias.h"

static const struct {
    const char *name;
    bool cloud;
    bool lan;
} documented[] = {
    /* cloud §Aliases; LAN §Available Aliases */
    {"p1", true, true},
    {"p1-usb", false, true},
    {"emucs", false, true},
    {"p1-gas", true, true},
    {"emucs-usb", false, true},
    {"han", true, true},
    {"s01", true, true},
    {"s02", true, true},
    {"s03", true, true},
    {"dlms-usb", false, true},
    {"pulse-1", false, true},
    {"pulse-2", false, true},
    {"pulse-3", false, true},
    {"usage", false, true},
    /* seen in an io answer (field notes) */
    {"emucs-gas", false, true},
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
        expect_int(documented[i].name, alias->lan, documented[i].lan);
        expect_int(documented[i].name, cemm_alias_in_cloud(documented[i].name),
                   documented[i].cloud);
        expect_int(documented[i].name, cemm_alias_documented(documented[i].name), true);
    }
    expect_int("mb5", cemm_alias_in_cloud("mb5"), false);
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
        expect_int(rows[i].name, cemm_alias_modbus(rows[i].name), rows[i].modbus);
        expect_int(rows[i].name, cemm_alias_documented(rows[i].name), rows[i].modbus);
    }
}

static void test_others(void **state)
{
    static const char *const names[] = {"p2", "P1",      "p1-",      "s04",
                                        "s1", "pulse-4", "heatpump", "io"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        expect_int(names[i], cemm_alias_documented(names[i]), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_modbus),
        cmocka_unit_test(test_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
