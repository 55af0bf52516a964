/*
 * Tests that an answer with `totals` is remembered for a meter of a LAN device. From then on, the
 * readings in answers without `totals` are dropped.
 */
#include "check.h"
#include "common/engine/registry.h"
#include "common/engine/reply.h"
#include "common/model/document.h"

#include <stdlib.h>

#define WITHOUT "{\"data\":{\"t1\":[1496326765000,1.5],\"electric_power\":[1496326765000,7]}"

static char address[] = "192.0.2.1";
static const struct cemm_source_config config = {.kind = CEMM_LOCAL, .address = address};
static const struct cemm_query query = {
    .uid = {"00-1E-C0-85-96-CC"}, .alias = "s01", .endpoint = CEMM_REALTIME};

/* Reads an answer of the device. Returns the number of its series that have samples. */
static size_t read_answer(struct cemm_route *route, const char *text)
{
    struct cemm_http_response response = {
        .status = 200, .body = strdup(text), .length = strlen(text), .retry_after_ms = -1};
    struct cemm_document *document;
    struct cemm_message reason;
    size_t count = 0;

    assert_non_null(response.body);
    int r = cemm_reply_read(route, &query, &response, &document, &reason);
    if (r)
        fail_msg("%s: %s", text, reason.text);
    for (size_t i = 0; i < document->series_count; i++)
        count += document->series[i].count > 0;
    cemm_document_unref(document);
    free(response.body);
    return count;
}

static void test_totals(void **state)
{
    struct cemm_loop loop = {.wall = 1790000000000};
    struct cemm_store store = {.loop = &loop};
    struct cemm_registry registry = {.loop = &loop, .store = &store};

    (void)state;
    TAILQ_INIT(&registry.sources);
    struct cemm_source *source = cemm_registry_add(&registry, &config, "local home");
    assert_non_null(source);
    struct cemm_route *route = cemm_route_get(source, &query.uid);
    assert_non_null(route);
    assert_int_equal(read_answer(route, WITHOUT "}"), 2);
    assert_int_equal(route->device->meter_count, 0);
    assert_int_equal(read_answer(route, WITHOUT ",\"totals\":{\"t1\":[1496326765000,2.5]}}"), 2);
    assert_int_equal(route->device->meter_count, 1);
    assert_int_equal(read_answer(route, WITHOUT "}"), 1);
    cemm_registry_clear(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
