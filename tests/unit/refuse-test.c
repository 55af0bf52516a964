/*
 * Tests answers that are refused completely, with a message: wrong types on every
 * level, NULs, too deep nesting and too many bytes. Also tests that entries beyond
 * a limit are left out.
 */
#include "answers.h"
#include "check.h"
#include "common/base/message.h"

#include <errno.h>
#include <json-c/json_c_version.h>
#include <stdio.h>
#include <stdlib.h>

#define T "1496326765000" /* a sample's time */

struct wrong {
    enum cemm_endpoint endpoint;
    const char *text;
    const char *part; /* a part of the message */
};

static const struct wrong not_json[] = {
    {CEMM_REALTIME, "", "it is empty"},
    {CEMM_REALTIME, " ", "it is cut off"},
    {CEMM_REALTIME, "{\"data\":{\"t1\":[" T ",1]}", "it is cut off"},
    {CEMM_REALTIME, "{\"data\":{\"t1\":[" T, "it is cut off"},
    {CEMM_REALTIME, "{\"da", "it is cut off"},
    {CEMM_REALTIME, "<html>502 Bad Gateway</html>", "it is not JSON"},
    {CEMM_REALTIME, "promise 1234", "it is not JSON"},
    {CEMM_REALTIME, "{data:{}}", "it is not JSON"},
    {CEMM_REALTIME, "{\"data\":{}} {\"data\":{}}", "it is not JSON"},
    {CEMM_REALTIME, "{\"data\":{}}x", "it is not JSON"},
#if JSON_C_VERSION_NUM != (18 << 8) /* 0.18 has no usable strict mode, see base/json.c */
    {CEMM_REALTIME, "{\"data\":{\"t1\":[" T ",1],}}", "it is not JSON"},
    {CEMM_REALTIME, "{\"data\":{\"t1\":[" T ",1,]}}", "it is not JSON"},
    {CEMM_REALTIME, "{\"data\":{}/* why */}", "it is not JSON"},
    {CEMM_REALTIME, "{\"data\":{\"t1\":[" T ",0x10]}}", "it is not JSON"},
    {CEMM_REALTIME, "{\"data\":{\"t1\":[" T ",+1]}}", "it is not JSON"},
    {CEMM_REALTIME, "{\"data\":{\"t1\":[" T ",.5]}}", "it is not JSON"},
    {CEMM_REALTIME, "{\"data\":{\"t1\":[" T ",1-2]}}", "it is not JSON"},
#endif
    {CEMM_REALTIME, "{\"data\":{\"\xff\xfe\":[" T ",1]}}", "it is not JSON"},
    {CEMM_REALTIME, "\xef\xbb\xbf{\"data\":{}}", "it is not JSON"},
    {CEMM_REALTIME, "null ", "an object was expected"},
    {CEMM_REALTIME, "[]", "an object was expected"},
    {CEMM_REALTIME, "1 ", "an object was expected"},
    {CEMM_REALTIME, "\"promise\"", "an object was expected"},
    {CEMM_DEVICES, "[]", "an object was expected"},
};

static const struct wrong types[] = {
    {CEMM_REALTIME, "{}", "no object \"data\""},
    {CEMM_REALTIME, "{\"data\":null}", "no object \"data\""},
    {CEMM_REALTIME, "{\"data\":[]}", "no object \"data\""},
    {CEMM_REALTIME, "{\"data\":\"t1\"}", "no object \"data\""},
    {CEMM_REALTIME, "{\"data\":7}", "no object \"data\""},
    {CEMM_REALTIME, "{\"data\":true}", "no object \"data\""},
    {CEMM_REALTIME, "{\"totals\":{\"t1\":[0,0]}}", "no object \"data\""},
    {CEMM_REALTIME, "{\"data\":{},\"totals\":[]}", "\"totals\" is not an object"},
    {CEMM_REALTIME, "{\"data\":{},\"totals\":null}", "\"totals\" is not an object"},
    {CEMM_REALTIME, "{\"data\":{},\"totals\":{\"electric_energy\":1}}",
     "electric_energy is not [milliseconds"},
    {CEMM_TOTALS, "{\"data\":[]}", "no object \"data\""},
    {CEMM_TOTALS, "{\"data\":{\"t1\":[[" T ",1]]}}", "t1 is not [milliseconds, number]"},
    {CEMM_DATA, "{\"data\":[]}", "no object \"data\""},
    {CEMM_DATA, "{\"data\":{\"t1\":{}}}", "t1 is not a list of [milliseconds, number]"},
    {CEMM_DATA, "{\"data\":{\"t1\":null}}", "t1 is not a list"},
    {CEMM_DATA, "{\"data\":{\"t1\":[" T ",1]}}", "a row of t1 is not [milliseconds"},
    {CEMM_DATA, "{\"data\":{\"t1\":[null]}}", "a row of t1 is not [milliseconds"},
    {CEMM_DATA, "{\"data\":{\"t1\":[[0,0],7]}}", "a row of t1 is not [milliseconds"},
    {CEMM_DATA, "{\"data\":{\"t1\":[[[" T ",1]]]}}", "a row of t1 is not [milliseconds"},
    {CEMM_DEVICES, "{\"data\":{}}", "no list \"data\""},
    {CEMM_DEVICES, "{}", "no list \"data\""},
    {CEMM_DEVICES, "{\"data\":[\"00-00-00-00-00-00\"]}", "no string \"uid\""},
    {CEMM_DEVICES, "{\"data\":[null]}", "no string \"uid\""},
    {CEMM_DEVICES, "{\"data\":[[]]}", "no string \"uid\""},
    {CEMM_DEVICES, "{\"data\":[{}]}", "no string \"uid\""},
    {CEMM_DEVICES, "{\"data\":[{\"uid\":7}]}", "no string \"uid\""},
    {CEMM_ROOT, "{\"data\":[]}", "no object \"data\""},
    {CEMM_ROOT, "{\"data\":{}}", "\"mac\" is not a MAC address"},
    {CEMM_ROOT, "{\"data\":{\"mac\":null}}", "\"mac\" is not a MAC address"},
    {CEMM_ROOT, "{\"data\":{\"mac\":\"00:1E\"}}", "\"mac\" is not a MAC address"},
    {CEMM_ROOT, "{\"data\":{\"mac\":\"00:1E:C0:85:96:CC\\u0000\"}}",
     "\"mac\" is not a MAC address"},
    {CEMM_IO, "{\"data\":{}}", "no list \"data\""},
    {CEMM_IO, "{\"data\":[7]}", "a meter is not an object"},
    {CEMM_IO, "{\"data\":[null]}", "a meter is not an object"},
    {CEMM_IO, "{\"data\":[{\"alias\":7}]}", "the alias of a meter is not allowed"},
    {CEMM_INFO, "{\"data\":{}}", "no list \"data\""},
    {CEMM_INFO, "{\"data\":[[]]}", "a meter is not an object"},
};

static void expect_refused(const struct wrong *wrong, const char *bytes, size_t length)
{
    struct cemm_query query = answer_query(wrong->endpoint, "p1", CEMM_DAY);
    struct cemm_document *document;
    struct cemm_message message;

    expect_int(wrong->text, answer_try(&query, bytes, length, ANSWER_NOW, &document, &message),
               -EIO);
    assert_null(document);
    expect_part(wrong->text, message.text, "does not have the documented form: ");
    expect_part(wrong->text, message.text, wrong->part);
}

static void expect_all_refused(const struct wrong *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_refused(&table[i], table[i].text, strlen(table[i].text));
}

static void test_not_json(void **state)
{
    static const struct wrong nul = {CEMM_REALTIME, "a NUL", ""};

    (void)state;
    expect_all_refused(not_json, COUNT(not_json));
    expect_refused(&nul, "{\"data\":{}}\0", 12);
    expect_refused(&nul, "{\"data\":{}}\0{}", 14);
    expect_refused(&nul, "{\"data\":\0{}}", 12);
    expect_refused(&nul, "\0", 1);
}

static void test_types(void **state)
{
    (void)state;
    expect_all_refused(types, COUNT(types));
}

/* Tests what is not accepted as [milliseconds, number], in realtime and in rows. */
static void test_pairs(void **state)
{
    static const char *const pairs[] = {
        "[]",           "[" T "]",       "[" T ",1,2]", "[[" T ",1]]",
        "{}",           "null",          "\"text\"",    "7",
        "true",         "[null,1]",      "[null,null]", "[\"" T "\",1]",
        "[" T ".0,1]",  "[1.4963e12,1]", "[true,1]",    "[" T ",\"1\"]",
        "[" T ",true]", "[" T ",[1]]",   "[" T ",{}]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char text[200] = "{\"data\":{\"t1\":";
        strcat(strcat(text, pairs[i]), "}}");
        expect_refused(&(struct wrong){CEMM_REALTIME, pairs[i], "t1 is not [milliseconds, number]"},
                       text, strlen(text));
        strcpy(text, "{\"data\":{\"t1\":[");
        strcat(strcat(text, pairs[i]), "]}}");
        expect_refused(&(struct wrong){CEMM_DATA, pairs[i], "a row of t1 is not"}, text,
                       strlen(text));
    }
}

/* Returns `before`, `count` times `open`, `middle`, `count` times `close`, `after`. The caller
 * frees the text. */
static char *nest(const char *before, const char *open, const char *middle, const char *close,
                  size_t count, const char *after)
{
    size_t size = strlen(before) + count * (strlen(open) + strlen(close)) + strlen(middle) +
                  strlen(after) + 1;
    char *text = calloc(1, size);
    char *out = text;

    assert_non_null(text);
    out = stpcpy(out, before);
    for (size_t i = 0; i < count; i++)
        out = stpcpy(out, open);
    out = stpcpy(out, middle);
    for (size_t i = 0; i < count; i++)
        out = stpcpy(out, close);
    stpcpy(out, after);
    return text;
}

/* 32 levels of nesting, counted from the outermost object to the innermost content, are accepted,
 * and 33 are not. */
static void test_depth(void **state)
{
    static const struct {
        const char *row;
        const char *open;
        const char *middle;
        const char *close;
        size_t count;
        bool fits;
    } rows[] = {
        {"lists", "[", "", "]", 31, true},
        {"too many lists", "[", "", "]", 32, false},
        {"lists around a number", "[", "7", "]", 30, true},
        {"too many lists around a number", "[", "7", "]", 31, false},
        {"lists with neighbours", "[1,\"a\",", "null", ",true]", 30, true},
        {"objects", "{\"a\":", "\"b\"", "}", 30, true},
        {"too many objects", "{\"a\":", "\"b\"", "}", 31, false},
        {"an attack", "[", "", "]", 100000, false},
        {"an unfinished attack", "[", "", "", 200000, false},
    };
    struct cemm_query query = answer_query(CEMM_REALTIME, "p1", CEMM_DAY);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = nest("{\"x\":", rows[i].open, rows[i].middle, rows[i].close, rows[i].count,
                          ",\"data\":{}}");
        struct cemm_document *document;
        struct cemm_message message;
        int r = answer_try(&query, text, strlen(text), ANSWER_NOW, &document, &message);
        expect_int(rows[i].row, r, rows[i].fits ? 0 : -EIO);
        if (!rows[i].fits)
            expect_part(rows[i].row, message.text, "nesting too deep");
        cemm_document_unref(document);
        free(text);
    }
}

/* Returns a list of `count` entries or, if `name` is given, members whose names are `name` and a
 * number. The caller frees the text. */
static char *repeat(const char *before, const char *name, const char *value, size_t count,
                    const char *after)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_true(fputs(before, out) >= 0);
    for (size_t i = 0; i < count; i++) {
        if (i)
            assert_int_equal(fputc(',', out), ',');
        if (name)
            assert_true(fprintf(out, "\"%s%zu\":", name, i) > 0);
        assert_true(fputs(value, out) >= 0);
    }
    assert_true(fputs(after, out) >= 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Entries up to the limit are used, and the others are left out. */
static void test_too_much(void **state)
{
    static const struct {
        const char *row;
        enum cemm_endpoint endpoint;
        const char *before;
        const char *name;
        const char *value;
        size_t most;
        const char *after;
        const char *message;
    } rows[] = {
        {"realtime", CEMM_REALTIME, "{\"data\":{", "c", "[1496323165000,2]", 256, "}}",
         "a channel beyond the first 256"},
        {"history", CEMM_DATA, "{\"data\":{", "c", "[[1496323165000,2]]", 256, "}}",
         "a channel beyond the first 256"},
        {"meters", CEMM_IO, "{\"data\":[", NULL, "{}", 512, "]}", "a meter beyond the first 512"},
        {"devices", CEMM_DEVICES, "{\"data\":[", NULL, "{\"uid\":\"00-00-00-00-00-00\"}", 100000,
         "]}", "a device beyond the first 100000"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = answer_query(rows[i].endpoint, "p1", CEMM_DAY);
        for (size_t more = 0; more < 3; more++) {
            char *text = repeat(rows[i].before, rows[i].name, rows[i].value, rows[i].most + more,
                                rows[i].after);
            struct cemm_document *document;
            struct cemm_message message;
            int r = answer_try(&query, text, strlen(text), ANSWER_NOW, &document, &message);
            expect_int(rows[i].row, r, 0);
            assert_int_equal(document->series_count + document->io_count + document->uid_count,
                             rows[i].most);
            assert_int_equal(document->skipped, more);
            if (more)
                expect_text(rows[i].row, cemm_message_kept(&document->skipped_message),
                            rows[i].message);
            cemm_document_unref(document);
            free(text);
        }
    }
}

/* An answer may have at most 256 KiB, and a list of devices at most 4 MiB. */
static void test_too_long(void **state)
{
    static const struct {
        enum cemm_endpoint endpoint;
        const char *text;
        size_t most;
    } rows[] = {
        {CEMM_REALTIME, "{\"data\":{}}", (size_t)256 << 10},
        {CEMM_DATA, "{\"data\":{}}", (size_t)256 << 10},
        {CEMM_IO, "{\"data\":[]}", (size_t)256 << 10},
        {CEMM_DEVICES, "{\"data\":[]}", (size_t)4 << 20},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = answer_query(rows[i].endpoint, "p1", CEMM_DAY);
        char *text = malloc(rows[i].most + 1);
        struct cemm_document *document;
        struct cemm_message message;

        assert_non_null(text);
        memset(text, ' ', rows[i].most + 1);
        memcpy(text, rows[i].text, strlen(rows[i].text));
        assert_int_equal(answer_try(&query, text, rows[i].most, ANSWER_NOW, &document, &message),
                         0);
        cemm_document_unref(document);
        assert_int_equal(
            answer_try(&query, text, rows[i].most + 1, ANSWER_NOW, &document, &message), -EIO);
        assert_non_null(strstr(message.text, "too long"));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_json), cmocka_unit_test(test_types),
        cmocka_unit_test(test_pairs),    cmocka_unit_test(test_depth),
        cmocka_unit_test(test_too_much), cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
