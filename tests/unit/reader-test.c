/*
 * The reader of JSON: what it takes, what it refuses and in which words, the
 * nodes that it makes, and what strings say. json-c, which reads the same, is
 * asked for a second opinion.
 */
#include "check.h"
#include "common/base/quoted.h"
#include "common/protocol/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

/* A copy with a NUL behind it and nothing else, so that the sanitizer sees a step too far. */
static char *exact(const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

#define DIGITS_100                                                                          \
    "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345" \
    "678901234567890"

#define NOT_JSON "it is not JSON"
#define CUT      "it ends in the middle"
#define NUMBER   "not written as JSON"
#define RANGE    "out of range"
#define WORD     "neither a number nor"

static const struct {
    const char *text;
    const char *problem; /* part of it; NULL: none */
    size_t nodes;
} looks[] = {
    {"{}", NULL, 1},
    {" \r\n\t{ } \n", NULL, 1},
    {"{\"a\":1,\"b\":{\"a\":[true,false,null]}}", NULL, 10},
    {"{\"a:b\":\"c:d\",\"e\\\":\":\"\\\\\"}", NULL, 5},
    {"{\"a\":[]}", NULL, 3},
    {"{\"a\" : [ [ ] , { } ] }", NULL, 5},
    {"", "it is empty", 0},
    {"[]", "an object was expected", 0},
    {"7", "an object was expected", 0},
    {"\"{}\"", "an object was expected", 0},
    /* cut off */
    {"{", CUT, 0},
    {"{\"", CUT, 0},
    {"{\"a", CUT, 0},
    {"{\"a\\", CUT, 0},
    {"{\"a\\u000", CUT, 0},
    {"{\"a\xc3", CUT, 0},
    {"{\"a\"", CUT, 0},
    {"{\"a\":", CUT, 0},
    {"{\"a\":tru", CUT, 0},
    {"{\"a\":-", CUT, 0},
    {"{\"a\":1.", CUT, 0},
    {"{\"a\":1e", CUT, 0},
    {"{\"a\":1e+", CUT, 0},
    {"{\"a\":12", CUT, 0},
    {"{\"a\":[1,", CUT, 0},
    {"{\"a\":1,", CUT, 0},
    /* commas, colons and brackets */
    {"{\"a\":1,}", NOT_JSON, 0},
    {"{,}", NOT_JSON, 0},
    {"{\"a\"}", NOT_JSON, 0},
    {"{\"a\" 1}", NOT_JSON, 0},
    {"{\"a\"::1}", NOT_JSON, 0},
    {"{\"a\":}", NOT_JSON, 0},
    {"{\"a\":1 \"b\":2}", NOT_JSON, 0},
    {"{1:2}", NOT_JSON, 0},
    {"{null:2}", NOT_JSON, 0},
    {"{\"a\":[1,]}", NOT_JSON, 0},
    {"{\"a\":[,1]}", NOT_JSON, 0},
    {"{\"a\":[1 2]}", NOT_JSON, 0},
    {"{\"a\":[1}", NOT_JSON, 0},
    {"{\"a\":{]}", NOT_JSON, 0},
    {"{\"a\":1]", NOT_JSON, 0},
    {"{}}", NOT_JSON, 0},
    {"{},", NOT_JSON, 0},
    {"{}{}", NOT_JSON, 0},
    {"{'a':1}", NOT_JSON, 0},
    {"/* comment */ {}", NOT_JSON, 0},
    {"{\"a\":1 /* comment */}", NOT_JSON, 0},
    {"{\v}", NOT_JSON, 0},
    {"{\xc2\xa0}", NOT_JSON, 0},
    /* numbers */
    {"{\"a\":[9223372036854775807,-9223372036854775808]}", NULL, 5},
    {"{\"a\":9223372036854775808}", RANGE, 0},
    {"{\"a\":-9223372036854775809}", RANGE, 0},
    {"{\"a\":99999999999999999999999}", RANGE, 0},
    {"{\"a\":[1e308,-1.5E+10,2e-7,1e-999,-0,-0.0,0,0.5,10,100.0,0e1,1E5]}", NULL, 15},
    {"{\"a\":1e309}", RANGE, 0},
    {"{\"a\":-1e999}", RANGE, 0},
    {"{\"a\":01}", NUMBER, 0},
    {"{\"a\":-00.5}", NUMBER, 0},
    {"{\"a\":1.}", NUMBER, 0},
    {"{\"a\":1.e5}", NUMBER, 0},
    {"{\"a\":1.5.2}", NOT_JSON, 0},
    {"{\"a\":1e5.2}", NOT_JSON, 0},
    {"{\"a\":1e}", NUMBER, 0},
    {"{\"a\":1e+}", NUMBER, 0},
    {"{\"a\":1e-+2}", NUMBER, 0},
    {"{\"a\":-}", NUMBER, 0},
    {"{\"a\":--1}", NUMBER, 0},
    {"{\"a\":-.5}", NUMBER, 0},
    {"{\"a\":.5}", NOT_JSON, 0},
    {"{\"a\":+1}", NOT_JSON, 0},
    {"{\"a\":0x10}", NOT_JSON, 0},
    {"{\"a\":0." DIGITS_100 "}", NULL, 3},
    {"{\"a\":" DIGITS_100 DIGITS_100 DIGITS_100 ".5}", NULL, 3},
    {"{\"a\":0." DIGITS_100 DIGITS_100 DIGITS_100 DIGITS_100 "}", RANGE, 0},
    /* words */
    {"{\"a\":NaN}", WORD, 0},
    {"{\"a\":nan}", WORD, 0},
    {"{\"a\":Infinity}", WORD, 0},
    {"{\"a\":-Infinity}", WORD, 0},
    {"{\"a\":-true}", WORD, 0},
    {"{\"a\":True}", WORD, 0},
    {"{\"a\":nulll}", WORD, 0},
    {"{\"a\":tru}", WORD, 0},
    {"null and void", NOT_JSON, 0},
    {"<html>", NOT_JSON, 0},
    {"promise", NOT_JSON, 0},
    {"promise 1234", NOT_JSON, 0},
    {"{\"NaN\":\"Infinity\"}", NULL, 3},
    /* depth */
    {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],\"b\":[]}", NULL,
     35},                                                                /* 32 levels */
    {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "nested too deeply", 0}, /* 33 */
    /* names */
    {"{\"\":1}", NULL, 3},
    {"{\"\\u0000\":1}", "NUL", 0},
    {"{\"a\\u0000b\" : 1}", "NUL", 0},
    {"{\"a\\\\u0000\":1}", NULL, 3}, /* a backslash and then plain text */
    {"{\"a\\\\\\u0000\":1}", "NUL", 0},
    {"{\"a\":\"\\u0000\"}", NULL, 3}, /* a value, not a name */
    {"{\"a\\u0001\":1}", NULL, 3},
    {"{\"a\":1,\"a\":1}", "same name", 0},
    {"{\"a\":1,\"\\u0061\":1}", "same name", 0},
    {"{\"\\n\\\"\":1,\"\\u000a\\u0022\":1}", "same name", 0},
    {"{\"\":1,\"\":1}", "same name", 0},
    {"{\"x\":[{\"c\":1,\"b\":1,\"a\":1,\"b\":2}]}", "same name", 0},
    {"{\"a\":{\"a\":1},\"b\":{\"a\":1},\"A\":1,\"aa\":1,\"\\\\u0061\":1}", NULL, 15},
    {"{\"\xc3\xa9\":1,\"\\u00e9\":1}", "same name", 0},
    {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}", "same name", 0},
    /* strings */
    {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0aF9\"}", NULL, 3},
    {"{\"a\":\"\\x\"}", NOT_JSON, 0},
    {"{\"a\":\"\\'\"}", NOT_JSON, 0},
    {"{\"a\":\"\\u12g4\"}", NOT_JSON, 0},
    {"{\"a\":\"\t\"}", NOT_JSON, 0},
    {"{\"a\":\"\n\"}", NOT_JSON, 0},
    {"{\"a\":\"\x1f\"}", NOT_JSON, 0},
    {"{\"a\":\"\x7f\"}", NULL, 3},
    {"{\"a\":\"\\ud800\"}", NULL, 3}, /* half a pair: the grammar lets it pass */
    /* UTF-8: the first and last of each length, too long, halves of pairs, and what is none */
    {"{\"a\":\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"}", NULL, 3},
    {"{\"a\":\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"}", NULL, 3},
    {"{\"a\":\"\x80\"}", NOT_JSON, 0},
    {"{\"a\":\"\xbf\"}", NOT_JSON, 0},
    {"{\"a\":\"\xc0\x80\"}", NOT_JSON, 0},
    {"{\"a\":\"\xc1\xbf\"}", NOT_JSON, 0},
    {"{\"a\":\"\xe0\x9f\xbf\"}", NOT_JSON, 0},
    {"{\"a\":\"\xed\xa0\x80\"}", NOT_JSON, 0},
    {"{\"a\":\"\xf0\x8f\xbf\xbf\"}", NOT_JSON, 0},
    {"{\"a\":\"\xf4\x90\x80\x80\"}", NOT_JSON, 0},
    {"{\"a\":\"\xf5\x80\x80\x80\"}", NOT_JSON, 0},
    {"{\"a\":\"\xff\"}", NOT_JSON, 0},
    {"{\"a\":\"\xc3\"}", NOT_JSON, 0},
    {"{\"a\":\"\xe2\x82\"}", NOT_JSON, 0},
    {"{\"a\":\"\xf0\x9f\x98\"}", NOT_JSON, 0},
    {"{\"\xff\":1}", NOT_JSON, 0},
};

static void expect_look(const char *text, size_t length, const char *wanted, size_t nodes)
{
    const char *problem = NULL;
    struct cemm_json json;
    char *bytes = exact(text, length);
    int r = cemm_json_read(bytes, length, &json, &problem);

    expect_int(text, r, wanted ? -EIO : 0);
    if (wanted) {
        expect_part(text, problem, wanted);
    } else {
        expect_int(text, (int64_t)json.count, (int64_t)nodes);
        cemm_json_free(&json);
    }
    free(bytes);
}

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(looks); i++)
        expect_look(looks[i].text, strlen(looks[i].text), looks[i].problem, looks[i].nodes);
}

static void test_nul_byte(void **state)
{
    static const char *const texts[] = {"{}\0{}", "{\0}  ", "{\"\0\":1", "\0{}  "};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        expect_look(texts[i], 5, NOT_JSON, 0);
}

/* json-c takes more than there is in JSON; so all that we take, it must take, too. */
static void test_second_opinion(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(looks); i++) {
        struct json_object *object = json_tokener_parse(looks[i].text);
        if (!looks[i].problem)
            expect_text(looks[i].text, object ? "taken" : "refused", "taken");
        json_object_put(object);
    }
}

/* ---- nodes -------------------------------------------------------------- */

static const char nest[] = "{\"a\":[[1,-2.50],{}],\"b\\n\":{\"c\":null}, \"d\" : \"e\"}";

static void test_nodes(void **state)
{
    static const struct {
        enum cemm_kind_of_json kind;
        uint32_t size;
        const char *text;
    } nodes[] = {
        {CEMM_JSON_OBJECT, 13, nest},          {CEMM_JSON_STRING, 1, "\"a\""},
        {CEMM_JSON_LIST, 5, "[[1,-2.50],{}]"}, {CEMM_JSON_LIST, 3, "[1,-2.50]"},
        {CEMM_JSON_INTEGER, 1, "1"},           {CEMM_JSON_REAL, 1, "-2.50"},
        {CEMM_JSON_OBJECT, 1, "{}"},           {CEMM_JSON_STRING, 1, "\"b\\n\""},
        {CEMM_JSON_OBJECT, 3, "{\"c\":null}"}, {CEMM_JSON_STRING, 1, "\"c\""},
        {CEMM_JSON_NULL, 1, "null"},           {CEMM_JSON_STRING, 1, "\"d\""},
        {CEMM_JSON_STRING, 1, "\"e\""},
    };
    const char *problem;
    struct cemm_json json;

    (void)state;
    assert_int_equal(cemm_json_read(nest, sizeof(nest) - 1, &json, &problem), 0);
    assert_int_equal(json.count, COUNT(nodes));
    for (size_t i = 0; i < COUNT(nodes); i++) {
        const struct cemm_node *node = &json.nodes[i];
        expect_int(nodes[i].text, node->kind, nodes[i].kind);
        expect_int(nodes[i].text, node->size, nodes[i].size);
        expect_int(nodes[i].text, node->length, (int64_t)strlen(nodes[i].text));
        assert_memory_equal(cemm_node_text(&json, node), nodes[i].text, node->length);
    }
    cemm_json_free(&json);
}

static void test_members(void **state)
{
    const char *problem;
    struct cemm_json json;

    (void)state;
    assert_int_equal(cemm_json_read(nest, sizeof(nest) - 1, &json, &problem), 0);
    assert_ptr_equal(cemm_json_member(&json, json.nodes, "a"), &json.nodes[2]);
    assert_ptr_equal(cemm_json_member(&json, json.nodes, "b\n"), &json.nodes[8]);
    assert_ptr_equal(cemm_json_member(&json, json.nodes, "d"), &json.nodes[12]);
    assert_ptr_equal(cemm_json_member(&json, &json.nodes[8], "c"), &json.nodes[10]);
    assert_null(cemm_json_member(&json, json.nodes, "c")); /* one level down */
    assert_null(cemm_json_member(&json, json.nodes, "e")); /* a value */
    assert_null(cemm_json_member(&json, json.nodes, ""));
    assert_null(cemm_json_member(&json, &json.nodes[6], "a"));
    assert_null(cemm_json_member(&json, &json.nodes[2], "a")); /* a list */
    assert_null(cemm_json_member(&json, NULL, "a"));
    cemm_json_free(&json);
}

static void test_strings(void **state)
{
    static const struct {
        const char *json;
        const char *text; /* NULL: none */
    } rows[] = {
        {"\"\"", ""},
        {"\"p1\"", "p1"},
        {"\"1234567\"", "1234567"},
        {"\"12345678\"", NULL}, /* no room */
        {"\"\\u0031234567\"", "1234567"},
        {"\"\\u00312345678\"", NULL},
        {"\"a\\/b\"", "a/b"},
        {"\"\\\"\\\\\\b\\f\\n\\r\\t\"", "\"\\\b\f\n\r\t"},
        {"\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac"},
        {"\"\\uD83D\\uDE00\"", "\xf0\x9f\x98\x80"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ude00\"", "\xef\xbf\xbd"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"a\\u0000\"", NULL},
        {"7", NULL},
        {"null", NULL},
        {"[\"p1\"]", NULL},
    };
    char text[8];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *problem;
        struct cemm_json json;
        char *bytes;
        int length = asprintf(&bytes, "{\"x\":%s}", rows[i].json);
        assert_true(length > 0);
        assert_int_equal(cemm_json_read(bytes, (size_t)length, &json, &problem), 0);
        bool is = cemm_json_string(&json, &json.nodes[2], text, sizeof(text));
        expect_text(rows[i].json, is ? text : "none", rows[i].text ? rows[i].text : "none");
        cemm_json_free(&json);
        free(bytes);
    }
    assert_false(cemm_json_string(NULL, NULL, text, sizeof(text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),    cmocka_unit_test(test_nul_byte),
        cmocka_unit_test(test_nodes),   cmocka_unit_test(test_second_opinion),
        cmocka_unit_test(test_members), cmocka_unit_test(test_strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
