/*
 * Tests refusals: for how long a refused request is not repeated, how many refused
 * requests are remembered, how often the file of a refused key is read again
 * meanwhile, and that a new key ends all pauses.
 */
#include "check.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/engine/source.h"

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
static unsigned loads;      /* how often the key file was read */

int __wrap_cemm_secret_load(struct cemm_secret *secret, const char *file,
                            struct cemm_message *message);

int __wrap_cemm_secret_load(struct cemm_secret *secret, const char *file,
                            struct cemm_message *message)
{
    (void)message;
    expect_text("the file", file, key_file);
    (void)snprintf(secret->text, sizeof(secret->text), "%s", on_disk);
    loads++;
    return 0;
}

uint32_t __wrap_cemm_random(void);

/* Returns the random number that does not change a pause. */
uint32_t __wrap_cemm_random(void)
{
    return 25;
}

static bool is_paused(size_t i)
{
    return cemm_route_failure(&source->own, &queries[i]);
}

static int begin(void **state)
{
    static const struct cemm_last_reply denied = {.status = 403, .retry_after_ms = 3600000};

    (void)state;
    loop = (struct cemm_loop){.backoff_max = 300000, .now = 1000000};
    key = (struct cemm_secret){.text = "old"};
    on_disk = "old";
    loads = 0;
    source = cemm_source_new(&loop, &config, "home");
    assert_non_null(source);
    for (size_t i = 0; i < COUNT(queries); i++)
        cemm_refusal_record(&source->own, &queries[i], &denied, CEMM_DENIED, "home: HTTP 403");
    return 0;
}

static int end(void **state)
{
    (void)state;
    cemm_source_free(source);
    return 0;
}

/* While a request is refused, the key file is read again at most once a second. */
static void test_once_a_second(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        assert_true(is_paused(0) && is_paused(1));
        loop.now++;
    }
    assert_int_equal(loads, 3);
}

/* The check of the first refused request reads the key file again and finds a new key. The check of
 * the other request does not read the file; a count of replaced keys shows that the key is new. */
static void test_new_key(void **state)
{
    (void)state;
    on_disk = "new";
    assert_false(is_paused(0) || is_paused(1));
    assert_int_equal(loads, 1);
    expect_text("the key", key.text, "new");
    loop.now += 1000;
    assert_false(is_paused(0) || is_paused(1));
    assert_int_equal(loads, 1);
}

/* ---- for how long -------------------------------------------------------------- */

static struct cemm_query query_of(int number)
{
    struct cemm_query query = {.endpoint = CEMM_REALTIME};

    snprintf(query.alias, sizeof(query.alias), "mb%d", number);
    return query;
}

/* `told`: the time in Retry-After, in milliseconds; -1: none. */
static void refuse(int number, int64_t told)
{
    const struct cemm_last_reply denied = {.status = 403, .retry_after_ms = told};
    const struct cemm_query query = query_of(number);

    cemm_refusal_record(&source->own, &query, &denied, CEMM_DENIED, "home: HTTP 403");
}

static const struct cemm_failure *refused_of(int number)
{
    const struct cemm_query query = query_of(number);

    return cemm_route_failure(&source->own, &query);
}

static void test_with_and_without_a_time(void **state)
{
    static const struct {
        const char *name;
        int64_t told[4], pauses[4];
    } rows[] = {
        {"without a time", {-1, -1, -1, -1}, {1000, 2000, 4000, 8000}},
        {"with a time", {30000, 30000, 5000, 1}, {30000, 30000, 5000, 1}},
        {"an hour at most",
         {3600000, 3601000, INT64_C(1) << 50, 1},
         {3600000, 3600000, 3600000, 1}},
        {"no longer with a time", {20000, 20000, -1, -1}, {20000, 20000, 4000, 8000}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t n = 0; n < COUNT(rows[i].told); n++) {
            refuse((int)i, rows[i].told[n]);
            const struct cemm_failure *refused = refused_of((int)i);
            assert_non_null(refused);
            expect_int(rows[i].name, refused->health.retry_at - loop.now, rows[i].pauses[n]);
            loop.now = refused->health.retry_at;
            assert_null(refused_of((int)i));
        }
    }
}

/* A refusal affects only its own request, and ends when that request is accepted. */
static void test_each_separately(void **state)
{
    const struct cemm_last_reply well = {.status = 200, .retry_after_ms = -1};
    const struct cemm_query one = query_of(1);
    const struct cemm_query two = query_of(2);

    (void)state;
    refuse(1, -1);
    assert_non_null(refused_of(1));
    assert_null(refused_of(2));
    cemm_refusal_record(&source->own, &two, &well, 0, NULL);
    assert_non_null(refused_of(1));
    cemm_refusal_record(&source->own, &one, &well, 0, NULL);
    assert_null(refused_of(1));
}

/* If there are too many refusals, the one whose pause ends first is replaced. */
static void test_bound(void **state)
{
    const struct cemm_refused *refused;
    size_t count = 0;

    (void)state;
    for (int i = 0; i < CEMM_REFUSED_MAX; i++)
        refuse(i, i == 3 ? 1000 : 60000);
    assert_non_null(refused_of(3));
    refuse(CEMM_REFUSED_MAX, 60000);
    LIST_FOREACH (refused, &source->own.refused, link)
        count++;
    expect_int("remembered", (int64_t)count, CEMM_REFUSED_MAX);
    assert_null(refused_of(3));
}

static int begin_empty(void **state)
{
    int r = begin(state);

    cemm_route_clear(&source->own);
    return r;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_with_and_without_a_time, begin_empty, end),
        cmocka_unit_test_setup_teardown(test_each_separately, begin_empty, end),
        cmocka_unit_test_setup_teardown(test_bound, begin_empty, end),
        cmocka_unit_test_setup_teardown(test_once_a_second, begin, end),
        cmocka_unit_test_setup_teardown(test_new_key, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
