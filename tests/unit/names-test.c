/*
 * Tests device ids in every form that the API's documentation uses, and the rule
 * for names that come from outside.
 */
#include "check.h"
#include "common/frontend.h"

static void test_uid(void **state)
{
    static const struct {
        const char *text;
        const char *uid; /* NULL: the text is not a uid */
    } rows[] = {
        {"00-1E-C0-85-96-CC", "00-1E-C0-85-96-CC"},
        {"00:1E:C0:85:96:CC", "00-1E-C0-85-96-CC"},
        {"00:1e:c0:85:96:cc", "00-1E-C0-85-96-CC"},
        {"ff-ff-ff-FF-ff-ff", "FF-FF-FF-FF-FF-FF"},
        {"d8:80:39:46:22:b5", "D8-80-39-46-22-B5"},
        {"", NULL},
        {"0", NULL},
        {"00", NULL},
        {"00-", NULL},
        {"00-1E-C0-85-96", NULL},
        {"00-1E-C0-85-96-C", NULL},
        {"00-1E-C0-85-96-CC-", NULL},
        {"00-1E-C0-85-96-CCC", NULL},
        {"00-1E-C0-85-96-CC-00", NULL},
        {"00-1E:C0-85:96-CC", NULL},
        {"001EC08596CC", NULL},
        {"00.1E.C0.85.96.CC", NULL},
        {"00-1G-C0-85-96-CC", NULL},
        {"00--1E-C0-85-96-C", NULL},
        {" 0-1E-C0-85-96-CC", NULL},
        {"00-1E-C0-85-96-CC\n", NULL},
        {"\xc3\xa9-1E-C0-85-96-CC", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_uid uid = {"untouched"};
        expect_int(rows[i].text, cemm_uid_parse(rows[i].text, &uid), rows[i].uid != NULL);
        expect_text(rows[i].text, uid.text, rows[i].uid ? rows[i].uid : "untouched");
    }
}

#define TEN "abcdefghij"

static void test_name(void **state)
{
    static const struct {
        const char *name;
        bool valid;
    } rows[] = {
        {"p1", true},
        {"p1-gas", true},
        {"electric_power", true},
        {"A-Z.0_9", true},
        {"...", true},
        {".hidden", true},
        {"-", true},
        {TEN TEN TEN TEN TEN TEN "1234", true},
        {TEN TEN TEN TEN TEN TEN "12345", false},
        {TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN, false},
        {"", false},
        {".", false},
        {"..", false},
        {"a/b", false},
        {"../p1", false},
        {"a b", false},
        {"a,b", false},
        {"a=b", false},
        {"a\"b", false},
        {"a\\b", false},
        {"a\nb", false},
        {"a\x01", false},
        {"caf\xc3\xa9", false},
        {"a:b", false},
        {"a%b", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_int(rows[i].name, cemm_name_valid(rows[i].name), rows[i].valid);
}

/* A selector is "UID", "ALIAS" or "UID/ALIAS". */
static void test_selector(void **state)
{
    static const struct {
        const char *text;
        bool valid;
        const char *uid;
        const char *alias;
    } rows[] = {
        {"p1", true, "", "p1"},
        {"00:1e:c0:85:96:cc", true, "00-1E-C0-85-96-CC", ""},
        {"00:1e:c0:85:96:cc/p1", true, "00-1E-C0-85-96-CC", "p1"},
        {"00-1E-C0-85-96-CC/00-1E-C0-85-96-CC", true, "00-1E-C0-85-96-CC", "00-1E-C0-85-96-CC"},
        {"", false, "", ""},
        {"/p1", false, "", ""},
        {"00-1E-C0-85-96-CC/", false, "", ""},
        {"00-1E-C0-85-96-CC/p1/p1", false, "", ""},
        {"00-1E-C0-85-96-CC-00/p1", false, "", ""},
        {"00:1e:c0:85:96:c/p1", false, "", ""},
        {TEN TEN TEN TEN TEN TEN "12345", false, "", ""},
    };
    struct cemm_selector selector;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect_int(rows[i].text, cemm_selector_parse(rows[i].text, &selector), rows[i].valid);
        if (rows[i].valid)
            expect_text(rows[i].text, selector.uid.text, rows[i].uid);
        if (rows[i].valid)
            expect_text(rows[i].text, selector.alias, rows[i].alias);
    }
}

/* The alias "" stands for the device itself, and NULL for any of its meters. */
static void test_selected(void **state)
{
    static const struct cemm_uid uid = {"00-1E-C0-85-96-CC"}, other = {"00-1E-C0-00-00-01"};
    static struct cemm_selector meters[] = {
        {{"00-1E-C0-85-96-CC"}, "p1"}, {{"00-1E-C0-00-00-01"}, ""}, {{""}, "s01"}};
    const struct cemm_selection all = {NULL}, some = {.meters = meters, .meter_count = 3};

    (void)state;
    assert_true(cemm_selected(&all, &uid, "p1") && cemm_selected(&all, &uid, ""));
    assert_true(cemm_selected(&some, &uid, "p1") && cemm_selected(&some, &uid, "s01"));
    assert_false(cemm_selected(&some, &uid, "s02") || cemm_selected(&some, &uid, ""));
    assert_true(cemm_selected(&some, &uid, NULL));
    assert_true(cemm_selected(&some, &other, "s02") && cemm_selected(&some, &other, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uid),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_selector),
        cmocka_unit_test(test_selected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
