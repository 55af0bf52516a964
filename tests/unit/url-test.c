/*
 * Tests the URL of each endpoint in the cloud and on the LAN, as documented. The
 * parameter `time` is the period's start. The cloud and the LAN understand it alike.
 */
#include "check.h"
#include "common/protocol/url.h"

#include <stdlib.h>

#define CLOUD "https://open-api.cemm.nl/v1/"
#define LAN   "http://192.168.2.115/open-api/v1/"
#define UID   "00-1E-C0-85-96-CC"

/* Writes the URL of a query. The caller frees it. */
static char *write_url(enum cemm_source_kind kind, const struct cemm_query *query, const char *key)
{
    struct cemm_buffer buffer = CEMM_BUFFER_INIT(2048);
    struct cemm_zone *zone = cemm_zone_new("Europe/Amsterdam");
    char *text;

    assert_non_null(zone);
    cemm_url_write(&buffer, kind, kind == CEMM_CLOUD ? CLOUD : LAN, query, zone, key);
    cemm_zone_free(zone);
    assert_int_equal(cemm_buffer_steal(&buffer, &text, NULL), 0);
    return text;
}

static void test_endpoints(void **state)
{
    static const struct {
        enum cemm_source_kind kind;
        enum cemm_endpoint endpoint;
        const char *alias;
        struct cemm_period period;
        const char *key;
        const char *url;
    } rows[] = {
        {CEMM_CLOUD, CEMM_DEVICES, "", {0}, "4e4f657", CLOUD "cemm/?api_key=4e4f657"},
        {CEMM_CLOUD, CEMM_DEVICES, "", {0}, NULL, CLOUD "cemm/"},
        {CEMM_CLOUD, CEMM_IO, "", {0}, "k", CLOUD "cemm/" UID "/io/?api_key=k"},
        {CEMM_CLOUD, CEMM_INFO, "p1", {0}, "k", CLOUD "cemm/" UID "/p1/?api_key=k"},
        {CEMM_CLOUD, CEMM_REALTIME, "p1", {0}, "k", CLOUD "cemm/" UID "/p1/realtime/?api_key=k"},
        {CEMM_CLOUD,
         CEMM_DATA,
         "p1-gas",
         {CEMM_DAY, 2017, 5, 31},
         "k",
         CLOUD "cemm/" UID "/p1-gas/data/day/?time=1496181600&api_key=k"},
        {CEMM_CLOUD,
         CEMM_DATA,
         "p1",
         {CEMM_MONTH, 2024, 10, 1},
         "k",
         CLOUD "cemm/" UID "/p1/data/month/?time=1727733600&api_key=k"},
        {CEMM_CLOUD,
         CEMM_DATA,
         "p1",
         {CEMM_YEAR, 2024, 1, 1},
         NULL,
         CLOUD "cemm/" UID "/p1/data/year/?time=1704063600"},
        {CEMM_CLOUD,
         CEMM_TOTALS,
         "p1",
         {CEMM_DAY, 2024, 3, 31},
         "k",
         CLOUD "cemm/" UID "/p1/totals/?time=1711839600&api_key=k"},
        {CEMM_LOCAL, CEMM_ROOT, "", {0}, NULL, LAN},
        {CEMM_LOCAL, CEMM_IO, "", {0}, NULL, LAN "io"},
        {CEMM_LOCAL, CEMM_REALTIME, "mb5", {0}, NULL, LAN "mb5/realtime/"},
        {CEMM_LOCAL,
         CEMM_DATA,
         "p1",
         {CEMM_DAY, 2020, 4, 21},
         NULL,
         LAN "p1/data/day/?time=1587420000"},
        {CEMM_LOCAL,
         CEMM_DATA,
         "p1",
         {CEMM_DAY, 2024, 10, 28},
         NULL,
         LAN "p1/data/day/?time=1730070000"},
        {CEMM_LOCAL,
         CEMM_DATA,
         "pulse-1",
         {CEMM_MONTH, 2024, 3, 1},
         NULL,
         LAN "pulse-1/data/month/?time=1709247600"},
        {CEMM_LOCAL,
         CEMM_DATA,
         "usage",
         {CEMM_YEAR, 2017, 1, 1},
         NULL,
         LAN "usage/data/year/?time=1483225200"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = {
            .uid = {UID}, .endpoint = rows[i].endpoint, .period = rows[i].period};
        strcpy(query.alias, rows[i].alias);
        char *url = write_url(rows[i].kind, &query, rows[i].key);
        expect_text(rows[i].url, url, rows[i].url);
        free(url);
    }
}

static void test_key_is_escaped(void **state)
{
    static const struct {
        const char *key;
        const char *escaped;
    } rows[] = {
        {"AZaz09-._~", "AZaz09-._~"},
        {"a b", "a%20b"},
        {"a&time=0", "a%26time%3D0"},
        {"a+b/c==", "a%2Bb%2Fc%3D%3D"},
        {"%41#?", "%2541%23%3F"},
        {"\xff\x01", "%FF%01"},
        {"", ""},
    };
    const struct cemm_query query = {.endpoint = CEMM_DEVICES};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *url = write_url(CEMM_CLOUD, &query, rows[i].key);
        expect_text(rows[i].key, url + strlen(CLOUD "cemm/?api_key="), rows[i].escaped);
        free(url);
    }
}

static void test_offered(void **state)
{
    static const struct {
        enum cemm_endpoint endpoint;
        bool cloud;
        bool lan;
    } rows[] = {
        {CEMM_DEVICES, true, false}, {CEMM_ROOT, false, true},    {CEMM_IO, true, true},
        {CEMM_INFO, true, false},    {CEMM_REALTIME, true, true}, {CEMM_DATA, true, true},
        {CEMM_TOTALS, true, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect_int("cloud", cemm_endpoint_offered(rows[i].endpoint, CEMM_CLOUD), rows[i].cloud);
        expect_int("LAN", cemm_endpoint_offered(rows[i].endpoint, CEMM_LOCAL), rows[i].lan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_key_is_escaped),
        cmocka_unit_test(test_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
