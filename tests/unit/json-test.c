/*
 * Tests how we use json-c, not json-c itself: what is accepted, what is refused
 * and with which message, and how JSON is printed.
 */
#include "check.h"
#include "common/base/json.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
    const char *bytes;
    const char *text;
} cases[] = {
#if JSON_C_VERSION_NUM < ((0 << 16) | (18 << 8))
    {" { } ", "{\n}\n"},
#else
    {" { } ", "{}\n"},
#endif
    {"{\"a\":1}", "{\n  \"a\": 1\n}\n"},
    {"{\n    \"a\" : 1 ,\n    \"b\" : 2\n}\n", "{\n  \"a\": 1,\n  \"b\": 2\n}\n"},
    {"{\"a\":[[1,2],[3,null]]}", "{\n  \"a\": [\n    [\n      1,\n      2\n    ],\n    [\n      "
                                 "3,\n      null\n    ]\n  ]\n}\n"},
    /* members keep their order, and numbers keep their text, except -0 (next row) */
    {"{\"z\":1.0,\"y\":1e5,\"x\":-0.0,\"w\":0.10,\"v\":1E+400,\"u\":1351.60,\"t\":true}",
     "{\n  \"z\": 1.0,\n  \"y\": 1e5,\n  \"x\": -0.0,\n  \"w\": 0.10,\n  \"v\": 1E+400,\n"
     "  \"u\": 1351.60,\n  \"t\": true\n}\n"},
    {"{\"a\":-0,\"b\":9223372036854775807,\"c\":9007199254740993}",
     "{\n  \"a\": 0,\n  \"b\": 9223372036854775807,\n  \"c\": 9007199254740993\n}\n"},
    {"{\"a\":\"\\u00e9\\n\\/\",\"b\":\"caf\xc3\xa9/\"}",
     "{\n  \"a\": \"\xc3\xa9\\n/\",\n  \"b\": \"caf\xc3\xa9/\"\n}\n"},
    {"{\"a\":1,\"b\":2,\"a\":3}", "{\n  \"a\": 3,\n  \"b\": 2\n}\n"},
};

static void test_print(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_object *object;
        struct cemm_message message = {""};
        char *text;
        size_t length;
        expect_int(cases[i].bytes,
                   cemm_json_parse(cases[i].bytes, strlen(cases[i].bytes), &object, &message), 0);
        assert_int_equal(cemm_json_print(object, &text, &length), 0);
        expect_text(cases[i].bytes, text, cases[i].text);
        assert_int_equal(length, strlen(text));
        free(text);
        json_object_put(object);
    }
}

static const struct {
    const char *bytes;
    const char *message;
} wrong[] = {
    {"", "it is empty"},
    {" ", "it is cut off"},
    {"{\"a\":[1,", "it is cut off"},
    {"[]", "an object was expected"},
    {"null ", "an object was expected"},
    {"{} {}", "it is not JSON: unexpected character at byte 3"},
#if JSON_C_VERSION_NUM != (18 << 8) /* 0.18 has no usable strict mode, see base/json.c */
    {"{\"a\":1,}", "it is not JSON: unexpected character at byte 7"},
    {"{\"a\":01}", "it is not JSON: number expected"},
#endif
    {"{\"a\":\"\xc3\x28\"}", "it is not JSON: invalid utf-8 string"},
    {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "it is not JSON: nesting too deep"},
};

static void test_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct json_object *object = NULL;
        struct cemm_message message = {""};
        expect_int(wrong[i].bytes,
                   cemm_json_parse(wrong[i].bytes, strlen(wrong[i].bytes), &object, &message),
                   -EIO);
        expect_part(wrong[i].bytes, message.text, wrong[i].message);
        assert_null(object);
    }
}

static void test_nul(void **state)
{
    static const char *const texts[] = {"{}\0{}", "{\0}  ", "\0{}  ", "{}  \0"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct json_object *object;
        struct cemm_message message;
        assert_int_equal(cemm_json_parse(texts[i], 5, &object, &message), -EIO);
    }
}

static void test_members(void **state)
{
    static const char text[] = "{\"a\":\"x\",\"n\":null,\"l\":[{\"c\":1}],\"cut\":\"y\\u0000z\"}";
    struct json_object *object;
    struct cemm_message message;

    (void)state;
    assert_int_equal(cemm_json_parse(text, strlen(text), &object, &message), 0);
    struct json_object *list = cemm_json_member(object, "l", json_type_array);
    assert_string_equal(cemm_json_string(cemm_json_member(object, "a", json_type_string)), "x");
    assert_null(cemm_json_string(cemm_json_member(object, "cut", json_type_string)));
    assert_null(cemm_json_string(list));
    assert_null(cemm_json_string(NULL));
    assert_non_null(list);
    assert_null(cemm_json_member(object, "a", json_type_array));
    assert_null(cemm_json_member(object, "n", json_type_object));
    assert_null(cemm_json_member(object, "c", json_type_int)); /* nested deeper */
    assert_null(cemm_json_member(list, "c", json_type_int));
    assert_null(cemm_json_member(NULL, "a", json_type_string));
    json_object_put(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
