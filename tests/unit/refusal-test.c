/*
 * Refusals: how often the file of a key that was refused is read again while
 * requests rest, and that a new key ends their rests.
 */
#include "check.h"
#include "common/base/words.h"
#include "common/engine/refusal.h"

#include <stdio.h>

static struct cemm_loop loop;
static struct cemm_secret key;
static char key_file[] = "home.key";
static const struct cemm_source_config config = {
    .kind = CEMM_CLOUD,
    .key_file = key_file,
    .key = &key,
};
static const struct cemm_query queries[] = {
    {.endpoint = CEMM_REALTIME, .alias = "p1"},
    {.endpoint = CEMM_REALTIME, .alias = "s01"},
};
static struct cemm_source *source;
static const char *on_disk; /* the key in the file */
static unsigned loads;

int __wrap_cemm_secret_load(struct cemm_secret *secret, const char *file, struct cemm_words *words);

int __wrap_cemm_secret_load(struct cemm_secret *secret, const char *file, struct cemm_words *words)
{
    (void)words;
    expect_text("the file", file, key_file);
    (void)snprintf(secret->text, sizeof(secret->text), "%s", on_disk);
    loads++;
    return 0;
}

static bool rests(size_t i)
{
    return cemm_refusal_pause(&source->own, &queries[i]);
}

static int begin(void **state)
{
    static const struct cemm_last_reply denied = {.status = 403, .retry_after_ms = 3600000};
    static const struct cemm_words words = {.text = "home: HTTP 403"};

    (void)state;
    loop = (struct cemm_loop){.rest_max = 300000, .now = 1000000};
    key = (struct cemm_secret){.text = "old"};
    on_disk = "old";
    loads = 0;
    source = cemm_source_new(&loop, &config, "home");
    assert_non_null(source);
    for (size_t i = 0; i < COUNT(queries); i++)
        cemm_refusal_note(&source->own, &queries[i], &denied, CEMM_DENIED, &words);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cemm_source_free(source);
    return 0;
}

static void test_once_a_second(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        assert_true(rests(0) && rests(1));
        loop.now++;
    }
    assert_int_equal(loads, 3);
}

/* The first that asks has it read; the others go by the count of keys. */
static void test_new_key(void **state)
{
    (void)state;
    on_disk = "new";
    assert_false(rests(0) || rests(1));
    assert_int_equal(loads, 1);
    expect_text("the key", key.text, "new");
    loop.now += 1000;
    assert_false(rests(0) || rests(1));
    assert_int_equal(loads, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once_a_second, begin, end),
        cmocka_unit_test_setup_teardown(test_new_key, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
