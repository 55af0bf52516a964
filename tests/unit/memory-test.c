/*
 * Tests answers if there is too little memory: each allocation fails once, and
 * each time the error is -ENOMEM. A valid answer must not be called invalid, and
 * must not lose a part. json-c's own allocations do not fail here, because
 * json-c 0.16 crashes if there is no memory for a copy of a member's name.
 */
#include "answers.h"
#include "check.h"
#include "common/protocol/answer.h"

#include <errno.h>
#include <stdlib.h>

static size_t left = SIZE_MAX; /* number of allocations that still succeed */

static bool fails(void)
{
    if (left == 0)
        return true;
    left -= left != SIZE_MAX;
    return false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, count, size);
}

static const struct {
    enum cemm_endpoint endpoint;
    const char *text;
    size_t found; /* number of series, devices or meters */
} rows[] = {
    {CEMM_REALTIME, "{\"d\\u0061ta\":{\"t1\":[0,0],\"t\\u0032\":[1496326765000,2.5]}}", 2},
    {CEMM_DATA, "{\"data\":{\"gas\":[[1496326765000,1],[1496326705000,2]]}}", 1},
    {CEMM_DEVICES, "{\"data\":[{\"uid\":\"00-1E-C0-85-96-C\\u0043\"}]}", 1},
    {CEMM_IO, "{\"data\":[{\"\\u0061lias\":\"p\\u0031\"},{\"alias\":\"s01\"}]}", 2},
    {CEMM_ROOT, "{\"data\":{\"mac\":\"00:1E:C0:85:96:\\u0043C\"}}", 1},
};

static void test_each(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = answer_query(rows[i].endpoint, "p1", CEMM_DAY);
        struct cemm_document *document;
        struct cemm_message message;
        int r = -ENOMEM;
        size_t count = 0;

        while (r == -ENOMEM) {
            char *bytes = strdup(rows[i].text);
            assert_non_null(bytes);
            left = count++;
            r = cemm_answer_read(&query, bytes, strlen(bytes), ANSWER_NOW, &document, &message);
            left = SIZE_MAX;
        }
        expect_int(rows[i].text, r, 0);
        assert_true(count > 2);
        expect_int(rows[i].text,
                   (int64_t)(document->series_count + document->uid_count + document->io_count),
                   (int64_t)rows[i].found);
        assert_int_equal(document->skipped, 0);
        cemm_document_unref(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
