/*
 * Tests the lifetime of documents, and whether two queries ask for the same
 * document.
 */
#include "check.h"
#include "common/model/document.h"

#include <stdlib.h>

static const struct {
    const char *row;
    struct cemm_query a;
    struct cemm_query b;
    int order; /* how a compares to b; only the sign counts */
} pairs[] = {
    {"nothing differs", {.endpoint = CEMM_DEVICES}, {.endpoint = CEMM_DEVICES}, 0},
    {"devices differ",
     {.uid = {"00-00-00-00-00-00"}, .endpoint = CEMM_IO},
     {.uid = {"FF-FF-FF-FF-FF-FF"}, .endpoint = CEMM_IO},
     -1},
    {"aliases differ",
     {.alias = "p1", .endpoint = CEMM_REALTIME},
     {.alias = "p1-gas", .endpoint = CEMM_REALTIME},
     -1},
    {"endpoints differ",
     {.alias = "p1", .endpoint = CEMM_INFO},
     {.alias = "p1", .endpoint = CEMM_REALTIME},
     -1},
    {"an unused period",
     {.alias = "p1", .endpoint = CEMM_REALTIME, .period = {CEMM_DAY, 2024, 1, 1}},
     {.alias = "p1", .endpoint = CEMM_REALTIME, .period = {CEMM_MONTH, 2023, 2, 1}},
     0},
    {"the same day",
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 1, 1}},
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 1, 1}},
     0},
    {"days differ",
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 1, 1}},
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 1, 2}},
     -1},
    {"months differ",
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 1, 9}},
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 2, 1}},
     -1},
    {"years differ",
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2023, 12, 31}},
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 1, 1}},
     -1},
    {"the first of January and its month",
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 1, 1}},
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_MONTH, 2024, 1, 1}},
     -1},
    {"month and year",
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_MONTH, 2024, 1, 1}},
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_YEAR, 2024, 1, 1}},
     -1},
    {"data and totals of a day",
     {.alias = "p1", .endpoint = CEMM_DATA, .period = {CEMM_DAY, 2024, 1, 1}},
     {.alias = "p1", .endpoint = CEMM_TOTALS, .period = {CEMM_DAY, 2024, 1, 1}},
     -1},
    {"totals of two days",
     {.alias = "p1", .endpoint = CEMM_TOTALS, .period = {CEMM_DAY, 2024, 1, 1}},
     {.alias = "p1", .endpoint = CEMM_TOTALS, .period = {CEMM_DAY, 2024, 1, 2}},
     -1},
};

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void test_compare(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        expect_int(pairs[i].row, sign(cemm_query_compare(&pairs[i].a, &pairs[i].b)),
                   pairs[i].order);
        expect_int(pairs[i].row, sign(cemm_query_compare(&pairs[i].b, &pairs[i].a)),
                   -pairs[i].order);
        expect_int(pairs[i].row, cemm_query_compare(&pairs[i].a, &pairs[i].a), 0);
    }
}

static void test_life(void **state)
{
    const struct cemm_query query = {.alias = "p1", .endpoint = CEMM_REALTIME};
    char *bytes = strdup("{}");
    struct cemm_document *document = cemm_document_new(&query, bytes, 2);
    struct cemm_series *series;
    size_t count = 99;

    (void)state;
    assert_non_null(document);
    assert_string_equal(cemm_document_query(document)->alias, "p1");
    assert_string_equal(cemm_document_source(document), "");
    assert_int_equal(cemm_document_fetched(document), 0);
    assert_int_equal(cemm_document_newest(document), 0);
    cemm_document_series(document, &count);
    assert_int_equal(count, 0);
    assert_int_equal(cemm_document_reserve(document, 20, 20 * 2), 0);
    for (int i = 0; i < 20; i++) {
        series = cemm_document_add_series(document);
        assert_string_equal(series->unit, "");
        assert_int_equal(series->count, 0);
        assert_ptr_equal(series->samples, document->samples + 2 * i);
        series->count = 2;
    }
    assert_ptr_equal(cemm_document_ref(document), document);
    cemm_document_unref(document);
    cemm_document_series(document, &count); /* still valid */
    assert_int_equal(count, 20);
    cemm_document_unref(document); /* frees the document, as the leak checker checks */
    cemm_document_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
