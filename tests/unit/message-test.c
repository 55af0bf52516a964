/*
 * Tests messages for people: they are cut to fit, and harmless on a terminal.
 */
#include "check.h"
#include "common/base/message.h"

static void test_set(void **state)
{
    struct cemm_message message;

    (void)state;
    cemm_message_set(&message, "%s: line %d", "file", 3);
    assert_string_equal(message.text, "file: line 3");
    cemm_message_set(&message, "%1000s", "x");
    assert_int_equal(strlen(message.text), CEMM_MESSAGE_SIZE - 1);
    cemm_message_set(NULL, "%s", "nobody wants to know");
}

static void test_quote(void **state)
{
    static const struct {
        const char *text;
        unsigned size;
        const char *quoted;
    } rows[] = {
        {"plain text", 20, "plain text"},
        {"", 20, ""},
        {"\x1b[2Jnew\nline\ttab\x7f", 40, "?[2Jnew?line?tab?"},
        {"\xc3\xa9", 20, "??"},
        {"0123456789", 11, "0123456789"},
        {"0123456789", 10, "012345678"},
        {"0123456789", 1, ""},
    };
    char quoted[40];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        memset(quoted, 'x', sizeof(quoted));
        const char *ret = cemm_message_quote(rows[i].text, quoted, rows[i].size);
        assert_ptr_equal(ret, quoted);
        expect_text(rows[i].text, quoted, rows[i].quoted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_quote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
