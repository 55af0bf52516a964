/*
 * Tests the mount options of cemmfs whose values are numbers: which values are
 * accepted, and which are refused.
 */
#include "check.h"
#include "fs/options.h"

#include <getopt.h>
#include <stdio.h>

static enum options_result read_option(const char *option, struct options *ret_options)
{
    char text[100];
    char *arguments[] = {(char[]){"cemmfs"}, (char[]){"-o"}, text, (char[]){"/mnt"}, NULL};
    struct cemm_message message;

    assert_in_range(snprintf(text, sizeof(text), "%s", option), 0, sizeof(text) - 1);
    optind = 0; /* restarts getopt() */
    return options_read(4, arguments, ret_options, &message);
}

/* The ids of users and groups have 32 bits, and the largest number means "no id". */
static void test_owners(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(read_option("uid=1000,gid=100", &options), OPTIONS_RUN);
    assert_int_equal(options.owner, 1000);
    assert_int_equal(options.group, 100);
    assert_int_equal(read_option("uid=4294967294,gid=4294967294", &options), OPTIONS_RUN);
    assert_true(options.owner == 4294967294);
    assert_true(options.group == 4294967294);
}

static void test_refused(void **state)
{
    static const char *const wrong[] = {
        "uid=4294967295", "gid=4294967295", "uid=-1",  "gid=",
        "uid=1x",         "umask=1000",     "umask=8", "uid=99999999999999999999",
    };
    struct options options;

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        expect_int(wrong[i], read_option(wrong[i], &options), OPTIONS_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owners),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
