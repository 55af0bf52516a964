/*
 * Tests that the store can read what it has written, however long the deps (the list of
 * sources, see registry.h) are.
 */
#include "check.h"
#include "common/base/limits.h"
#include "common/engine/registry.h"
#include "common/protocol/answer.h"
#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct cemm_query meter = {
    .uid = {"00-1E-C0-85-96-CC"},
    .alias = "p1",
    .endpoint = CEMM_DATA,
    .period = {.span = CEMM_DAY, .year = 2024, .month = 3, .day = 31},
};
static struct cemm_loop loop;
static struct cemm_store store;
static struct cemm_registry registry;

static int begin(void **state)
{
    int r = scratch_setup(state);

    loop = (struct cemm_loop){.zone = cemm_zone_new("Europe/Amsterdam"), .wall = 1790000000000};
    store = (struct cemm_store){.loop = &loop, .archive = scratch_path("archive")};
    registry = (struct cemm_registry){.loop = &loop, .store = &store};
    return r;
}

static int end(void **state)
{
    cemm_zone_free((struct cemm_zone *)loop.zone);
    return scratch_teardown(state);
}

/* Returns deps to which no other source can be added. */
static char *full_deps(void)
{
    char *deps = cemm_deps_new(&registry);
    char name[64];

    assert_non_null(deps);
    for (int r = 0, i = 0; r == 0; i++) {
        (void)snprintf(name, sizeof(name), "%060d", i);
        r = cemm_deps_add(&deps, '-', name);
        assert_true(r == 0 || r == -E2BIG);
    }
    for (int length = 60; length > 0; length--) { /* shorter names, as long as they fit */
        (void)snprintf(name, sizeof(name), "%0*d", length, 0);
        int r = cemm_deps_add(&deps, '+', name);
        assert_true(r == 0 || r == -E2BIG);
    }
    return deps;
}

static void test_first(void **state)
{
    char *deps = full_deps();
    char *read = NULL;
    struct cemm_period day;

    (void)state;
    cemm_store_write_first(&store, &meter, &meter.period, deps);
    assert_int_equal(store.state.failed, 0);
    assert_true(cemm_store_read_first(&store, &meter, &day, &read));
    expect_text("the deps", read, deps);
    assert_int_equal(cemm_period_compare(&day, &meter.period), 0);
    free(deps);
    free(read);
}

static void test_empty(void **state)
{
    size_t length = CEMM_ANSWER_MAX;
    char *answer = malloc(length + 1);
    struct cemm_message message;
    struct cemm_document *document;

    (void)state;
    assert_non_null(answer);
    memset(answer, ' ', length);
    memcpy(answer, "{\"data\":{}}", strlen("{\"data\":{}}"));
    answer[length] = '\0';
    assert_int_equal(cemm_answer_read(&meter, answer, length, loop.wall, &document, &message), 0);
    document->closed = true;
    document->deps = full_deps();
    cemm_store_write(&store, document);
    assert_int_equal(store.state.failed, 0);
    struct cemm_document *read = cemm_store_read(&store, CEMM_ARCHIVE_EMPTY, &meter);
    assert_non_null(read);
    expect_text("the deps", read->deps, document->deps);
    assert_int_equal(read->length, length);
    cemm_document_unref(document);
    cemm_document_unref(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first, begin, end),
        cmocka_unit_test_setup_teardown(test_empty, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
