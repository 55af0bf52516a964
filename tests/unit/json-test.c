/*
 * JSON indented anew: white space changes, nothing else does. And rendering's
 * own limit.
 */
#include "check.h"
#include "common/format/format.h"

#include <errno.h>
#include <stdlib.h>

/* A document of any bytes: the indenter reads nothing else of it. */
static struct cemm_document *document_of(const char *bytes)
{
    const struct cemm_query query = {.endpoint = CEMM_IO};
    struct cemm_document *document = cemm_document_new(&query, strdup(bytes), strlen(bytes));

    assert_non_null(document);
    return document;
}

static const struct {
    const char *bytes;
    const char *text;
} cases[] = {
    {"{}", "{}\n"},
    {"[]", "[]\n"},
    {" { } ", "{}\n"},
    {"[\n\t]\r\n", "[]\n"},
    {"{\"a\":1}", "{\n  \"a\": 1\n}\n"},
    {"{\n    \"a\" : 1 ,\n    \"b\" : 2\n}\n", "{\n  \"a\": 1,\n  \"b\": 2\n}\n"},
    {"{\"a\":{},\"b\":[],\"c\":{\"d\":[ ]}}",
     "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": {\n    \"d\": []\n  }\n}\n"},
    {"{\"a\":[[1,2],[3,null]]}", "{\n  \"a\": [\n    [\n      1,\n      2\n    ],\n    [\n      "
                                 "3,\n      null\n    ]\n  ]\n}\n"},
    /* numbers stay as they were written */
    {"[1.0,1e5,-0,0.10,1E+400,12345678901234567890123,true,false,null]",
     "[\n  1.0,\n  1e5,\n  -0,\n  0.10,\n  1E+400,\n  12345678901234567890123,\n  true,\n"
     "  false,\n  null\n]\n"},
    /* strings hold anything */
    {"[\"{[,:]}\",\" two  blanks \",\"\"]", "[\n  \"{[,:]}\",\n  \" two  blanks \",\n  \"\"\n]\n"},
    {"{\"a\\\"}\":\"\\\\\",\"b\":\"\\\\\\\"]\"}",
     "{\n  \"a\\\"}\": \"\\\\\",\n  \"b\": \"\\\\\\\"]\"\n}\n"},
    {"[\"\\u00e9\\n\",\"caf\xc3\xa9\"]", "[\n  \"\\u00e9\\n\",\n  \"caf\xc3\xa9\"\n]\n"},
    {"{\"x\":{\"y\":{\"z\":1}}}", "{\n  \"x\": {\n    \"y\": {\n      \"z\": 1\n    }\n  }\n}\n"},
    {"7", "7\n"},
    {"\"text\"", "\"text\"\n"},
};

static void test_indent(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cemm_document *document = document_of(cases[i].bytes);
        char *text;
        size_t length;
        assert_int_equal(cemm_render(document, CEMM_FORM_JSON, NULL, &text, &length), 0);
        expect_text(cases[i].bytes, text, cases[i].text);
        assert_int_equal(length, strlen(text));
        struct cemm_document *again = document_of(text);
        free(text);
        assert_int_equal(cemm_render(again, CEMM_FORM_JSON, NULL, &text, NULL), 0);
        expect_text("indented twice", text, cases[i].text);
        free(text);
        cemm_document_unref(again);
        cemm_document_unref(document);
    }
}

/* Deeper than the row of blanks that indents it. */
static void test_deep(void **state)
{
    enum { DEPTH = 40 };
    char bytes[2 * DEPTH + 1] = "";
    char *text;
    size_t length;

    (void)state;
    memset(bytes, '[', DEPTH);
    memset(bytes + DEPTH, ']', DEPTH);
    struct cemm_document *document = document_of(bytes);
    assert_int_equal(cemm_render(document, CEMM_FORM_JSON, NULL, &text, &length), 0);
    /* DEPTH - 1 brackets on lines of their own on either side, and the innermost pair between */
    const char *inner = strstr(text, "[]\n");
    assert_non_null(inner);
    const char *start = inner;
    while (start > text && start[-1] == ' ')
        start--;
    assert_int_equal(inner - start, 2 * (DEPTH - 1));
    assert_int_equal(length, (DEPTH - 1) * (2 * DEPTH + 2) + 3);
    free(text);
    cemm_document_unref(document);
}

/* Broken JSON never comes here; if it did, nothing worse than nonsense may happen. */
static void test_broken(void **state)
{
    static const char *const texts[] = {"",  "\"open",  "\"\\", "]]]]", "{",
                                        "[", "{\"a\":", ",,",   ":"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct cemm_document *document = document_of(texts[i]);
        char *text;
        assert_int_equal(cemm_render(document, CEMM_FORM_JSON, NULL, &text, NULL), 0);
        assert_int_equal(text[strlen(text) - 1], '\n');
        free(text);
        cemm_document_unref(document);
    }
}

/* Too much for one file: an error, and nothing half. */
static void test_limit(void **state)
{
    size_t half = (size_t)1 << 20;
    char *bytes = malloc(2 * half + 1);
    char *text = NULL;
    size_t length = 7;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, '[', half);
    memset(bytes + half, ']', half);
    bytes[2 * half] = '\0';
    struct cemm_document *document = document_of(bytes);
    free(bytes);
    assert_int_equal(cemm_render(document, CEMM_FORM_JSON, NULL, &text, &length), -E2BIG);
    assert_null(text);
    cemm_document_unref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indent),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
