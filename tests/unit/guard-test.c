/*
 * What json-c lets pass and the guard must not (field notes, "libcurl, json-c,
 * inih: tried"), and each number's own text.
 */
#include "check.h"
#include "common/protocol/guard.h"

#include <stdlib.h>

/* A copy without a NUL behind it, so that the sanitizer sees a step too far. */
static char *exact(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    return copy;
}

#define DIGITS_100                                                                          \
    "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345" \
    "678901234567890"

static const struct {
    const char *text;
    const char *complaint; /* part of it; NULL: none */
    size_t members;
} looks[] = {
    {"", NULL, 0},
    {"{}", NULL, 0},
    {"{\"a\":1,\"b\":{\"a\":[true,false,null]}}", NULL, 3},
    {"{\"a:b\":\"c:d\",\"e\\\":\":\"\\\\\"}", NULL, 2},
    {"[9223372036854775807,-9223372036854775808]", NULL, 0},
    {"[9223372036854775808]", "out of range", 0},
    {"[-9223372036854775809]", "out of range", 0},
    {"[99999999999999999999999]", "out of range", 0},
    {"[1e308,-1.5E+10,2e-7,1e-999,-0,-0.0,0]", NULL, 0},
    {"[1e309]", "out of range", 0},
    {"[-1e999]", "out of range", 0},
    {"[01]", "out of range", 0},
    {"[-00.5]", "out of range", 0},
    {"[1.]", "out of range", 0},
    {"[1.e5]", "out of range", 0},
    {"[0.5,10,100.0,0e1]", NULL, 0},
    {"[0." DIGITS_100 "]", NULL, 0},
    {"[0." DIGITS_100 DIGITS_100 DIGITS_100 DIGITS_100 "]", "out of range", 0},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],[]", NULL,
     0},                                                /* 32 levels */
    {"{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[[", "nested", 0}, /* 33 */
    {"[NaN]", "neither", 0},
    {"[nan]", "neither", 0},
    {"[Infinity]", "neither", 0},
    {"[-Infinity]", "neither", 0}, /* a minus without digits counts as 0; then comes the word */
    {"[True]", "neither", 0},
    {"[tru", "neither", 0},
    {"{'a':1}", "neither", 0},
    {"/* comment */ {}", "neither", 0},
    {"{\"\\u0000\":1}", "NUL", 1},
    {"{\"a\\u0000b\" : 1}", "NUL", 1},
    {"{\"a\\\\u0000\":1}", NULL, 1}, /* a backslash and then plain text */
    {"{\"a\\\\\\u0000\":1}", "NUL", 1},
    {"{\"a\":\"\\u0000\"}", NULL, 1}, /* a value, not a name */
    {"[\"\\u0000\",1]", NULL, 0},
    {"{\"a\\u0001\":1}", NULL, 1},
    {"{\"a\\u000", NULL, 0}, /* cut off: json-c's business */
    {"{\"a\\", NULL, 0},
    {"\"", NULL, 0},
    {"{\"NaN\":\"Infinity\"}", NULL, 1},
};

static void test_inspect(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(looks); i++) {
        size_t length = strlen(looks[i].text);
        char *bytes = exact(looks[i].text, length);
        struct cemm_guard guard = cemm_guard_inspect(bytes, length);
        free(bytes);
        if (!looks[i].complaint) {
            expect_text(looks[i].text, guard.complaint ? guard.complaint : "none", "none");
            expect_int(looks[i].text, (int64_t)guard.members, (int64_t)looks[i].members);
        } else {
            expect_part(looks[i].text, guard.complaint ? guard.complaint : "none",
                        looks[i].complaint);
        }
    }
}

static void test_nul_byte(void **state)
{
    struct cemm_guard guard = cemm_guard_inspect("{}\0{}", 5);

    (void)state;
    assert_non_null(guard.complaint);
}

static void test_numbers(void **state)
{
    static const char text[] = "{\"a1\":-0, \"b\\\"2\":[1.50,\"3\",1E+5,true,-7],\"c\":\"4";
    static const char *const numbers[] = {"-0", "1.50", "1E+5", "-7"};
    char *bytes = exact(text, sizeof(text) - 1);
    const char *cursor = bytes;
    const char *end = bytes + sizeof(text) - 1;
    size_t length;

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const char *number = cemm_guard_number(&cursor, end, &length);
        assert_non_null(number);
        assert_int_equal(length, strlen(numbers[i]));
        assert_memory_equal(number, numbers[i], length);
    }
    assert_null(cemm_guard_number(&cursor, end, &length));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_nul_byte),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
