/*
 * Tests the buffer with a limit: it contains what was written, the limit is exact
 * to the byte, and an error is kept until it is read. Also tests a stream that
 * writes to a buffer.
 */
#include "check.h"
#include "common/base/buffer.h"
#include "common/frontend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void test_limit(void **state)
{
    static const struct {
        const char *row;
        size_t limit;
        size_t pieces; /* number of pieces of 10 characters */
        int error;
        size_t length;
    } rows[] = {
        {"nothing", 10, 0, 0, 0},
        {"exactly full", 10, 1, 0, 10},
        {"one piece too many", 19, 2, -E2BIG, 10},
        {"more than the first allocation", 1000, 100, 0, 1000},
        {"no room at all", 0, 1, -E2BIG, 0},
        {"far too many", 1000, 1000, -E2BIG, 1000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_buffer buffer = CEMM_BUFFER_INIT(rows[i].limit);
        for (size_t n = 0; n < rows[i].pieces; n++)
            cemm_buffer_text(&buffer, "0123456789");
        expect_int(rows[i].row, buffer.error, rows[i].error);
        expect_int(rows[i].row, (int64_t)buffer.length, (int64_t)rows[i].length);
        if (buffer.data)
            expect_int(rows[i].row, (int64_t)strlen(buffer.data), (int64_t)rows[i].length);
        cemm_buffer_clear(&buffer);
        assert_null(buffer.data);
    }
}

static void test_writers(void **state)
{
    struct cemm_buffer buffer = CEMM_BUFFER_INIT(1000);

    (void)state;
    cemm_buffer_append(&buffer, "ab\0c", 4);
    cemm_buffer_append(&buffer, NULL, 0);
    cemm_buffer_char(&buffer, '-');
    cemm_buffer_format(&buffer, "%d|%s|%.*s", -7, "text", 2, "cut");
    cemm_buffer_format(&buffer, "%300s", "x");
    assert_int_equal(buffer.error, 0);
    assert_int_equal(buffer.length, 4 + 1 + 10 + 300);
    assert_memory_equal(buffer.data, "ab\0c--7|text|cu", 15);
    assert_string_equal(buffer.data + 15 + 299, "x");
    cemm_buffer_clear(&buffer);
}

static void test_integers(void **state)
{
    static const int64_t numbers[] = {
        0, 1, 9, 10, 11, 99, 100, 101, 12345, 1496326765000, 1000000000000, INT64_MAX,
    };
    struct cemm_buffer buffer = CEMM_BUFFER_INIT(1000);
    char wanted[30];

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(numbers) + 1; i++) {
        int64_t number = i < COUNT(numbers)       ? numbers[i]
                         : i < 2 * COUNT(numbers) ? -numbers[i - COUNT(numbers)]
                                                  : INT64_MIN;
        cemm_buffer_clear(&buffer);
        cemm_buffer_integer(&buffer, number);
        assert_true(snprintf(wanted, sizeof(wanted), "%lld", (long long)number) > 0);
        expect_text(wanted, buffer.data, wanted);
    }
    cemm_buffer_clear(&buffer);
}

static void test_numbers(void **state)
{
    static const struct {
        double number;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e300, "1e+300"},
        {123456789012345, "123456789012345"},
        {1e15, "1e+15"},
        {0.00001, "0.00001"},
        {1.5e-6, "1.5e-06"},
        {-5804571533.25, "-5804571533.25"},
        {5e-324, "5e-324"},
        {1351.5 * 3600000, "4865400000"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_buffer out = CEMM_BUFFER_INIT(100);
        cemm_buffer_number(&out, rows[i].number);
        expect_text(rows[i].text, out.data, rows[i].text);
        assert_true(strtod(out.data, NULL) == rows[i].number);
        cemm_buffer_clear(&out);
    }
}

static void test_error_sticks(void **state)
{
    struct cemm_buffer buffer = CEMM_BUFFER_INIT(4);
    char *text = NULL;
    size_t length = 99;

    (void)state;
    cemm_buffer_text(&buffer, "abc");
    cemm_buffer_format(&buffer, "%s", "de");
    cemm_buffer_char(&buffer, 'd'); /* is not appended, because the text would have a gap */
    assert_int_equal(buffer.error, -E2BIG);
    assert_string_equal(buffer.data, "abc");
    assert_int_equal(cemm_buffer_steal(&buffer, &text, &length), -E2BIG);
    assert_null(text);
    assert_null(buffer.data);
    cemm_buffer_text(&buffer, "ok"); /* the buffer can be used again */
    assert_int_equal(buffer.error, 0);
    cemm_buffer_clear(&buffer);
}

static void test_steal(void **state)
{
    struct cemm_buffer buffer = CEMM_BUFFER_INIT(10);
    char *text;
    size_t length;

    (void)state;
    assert_int_equal(cemm_buffer_steal(&buffer, &text, &length), 0);
    assert_string_equal(text, "");
    assert_int_equal(length, 0);
    free(text);
    cemm_buffer_text(&buffer, "whole");
    assert_int_equal(cemm_buffer_steal(&buffer, &text, NULL), 0);
    assert_string_equal(text, "whole");
    assert_null(buffer.data);
    assert_int_equal(buffer.length, 0);
    free(text);
}

static bool no_memory;

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_realloc(void *old, size_t size)
{
    return no_memory ? NULL : __real_realloc(old, size);
}

/* If a piece is lost because there is no memory, later pieces must not be appended after the gap.
 */
static void test_stream_without_memory(void **state)
{
    static char large[100000];
    char *text;
    size_t length;
    FILE *stream = cemm_text_open(&text, &length);

    (void)state;
    assert_non_null(stream);
    fputs("begin\n", stream);
    assert_int_equal(fflush(stream), 0);
    no_memory = true;
    fwrite(large, 1, sizeof(large), stream);
    (void)fflush(stream);
    assert_int_not_equal(ferror(stream), 0);
    no_memory = false;
    fputs("end\n", stream);
    errno = 0;
    assert_int_not_equal(fclose(stream), 0);
    assert_int_equal(errno, ENOMEM);
    assert_null(text);
    assert_int_equal(length, 0);
}

static void test_stream(void **state)
{
    char *text;
    size_t length;
    FILE *stream = cemm_text_open(&text, &length);

    (void)state;
    assert_non_null(stream);
    fprintf(stream, "%d lines\n", 2);
    assert_int_equal(fflush(stream), 0);
    assert_string_equal(text, "2 lines\n");
    assert_int_equal(length, 8);
    for (int i = 0; i < 10000; i++)
        fputs("more", stream);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(length, 40008);
    assert_int_equal(strlen(text), length);
    free(text);
    stream = cemm_text_open(&text, &length);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, "");
    assert_int_equal(length, 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),        cmocka_unit_test(test_writers),
        cmocka_unit_test(test_integers),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_error_sticks), cmocka_unit_test(test_steal),
        cmocka_unit_test(test_stream),       cmocka_unit_test(test_stream_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
