/*
 * Tests which meters of a device are used, with filters, extra aliases and unknown names, and that
 * a device on the LAN never gets two requests at once during the search.
 */
#include "tests/end-to-end/pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MS     90000
#define TURN_MS      100
#define SWEEP_METERS 10
#define NOW          "1739183027"

static struct pair rig;

static int clean(void **state)
{
    (void)state;
    pair_end(&rig);
    return 0;
}

/* The settings of the two sources, and the expected results. */
static const struct filter {
    const char *name;
    const char *cloud_alias, *lan_alias, *extra_alias; /* NULL: not set */
    const char *meters;
    const char *allowed, *refused; /* by cemm_alias_allowed() */
    const char *asked, *source;    /* cemm_get(asked) is answered by `source`; NULL: absent */
} filters[] = {
    {"no filter", NULL, NULL, NULL, "han mb5 p1 s01", "mb77", "heatpump", "p1", GARAGE},
    {"no such Modbus address", NULL, NULL, NULL, "han mb5 p1 s01", "usage", "mb248", "mb5", GARAGE},
    {"only p1 on the LAN", NULL, "p1", NULL, "han p1 s01", "s01", "toaster", "s01", HOME},
    {"a filter for each source", "han", "p1", NULL, "han p1", "p1", "s01", "s01", NULL},
    {"only han in the cloud", "han", NULL, NULL, "han mb5 p1 s01", "mb5", "toaster", "p1", GARAGE},
    {"an extra alias", NULL, NULL, "heatpump", "han heatpump mb5 p1 s01", "heatpump", "toaster",
     "heatpump", GARAGE},
    {"an extra alias and a filter", NULL, "p1", "heatpump", "han heatpump p1 s01", "heatpump",
     "toaster", "heatpump", GARAGE},
    {"an extra alias that does not exist", NULL, NULL, "toaster", "han mb5 p1 s01", "toaster",
     "heatpump", "p1", GARAGE},
};

static void begin_filter(const struct filter *filter)
{
    pair_start(&rig);
    client_begin(&rig.client);
    pair_add_cloud(&rig);
    if (filter->cloud_alias)
        client_set(&rig.client, "alias", filter->cloud_alias);
    pair_add_lan(&rig);
    if (filter->lan_alias)
        client_set(&rig.client, "alias", filter->lan_alias);
    if (filter->extra_alias)
        client_set(&rig.client, "extra-alias", filter->extra_alias);
    client_start(&rig.client);
    pair_get_to_know(&rig);
}

static void filters_and_extra_aliases(void **state)
{
    struct cemm_uid uid = client_uid();

    (void)state;
    for (size_t i = 0; i < COUNT(filters); i++) {
        const struct filter *filter = &filters[i];
        begin_filter(filter);
        pair_expect_meters(&rig, filter->name, filter->meters);
        if (!cemm_alias_allowed(rig.client.cemm, &uid, filter->allowed))
            fail_msg("%s: %s is not allowed", filter->name, filter->allowed);
        if (cemm_alias_allowed(rig.client.cemm, &uid, filter->refused))
            fail_msg("%s: %s is allowed", filter->name, filter->refused);
        pair_expect_count(filter->name, "LAN", sim_count(&rig.lan, "lan "), 0);
        struct reply reply = pair_get(&rig, CEMM_REALTIME, filter->asked);
        if (filter->source) {
            pair_expect(filter->name, pair_from(&reply, filter->source), filter->source, &reply);
        } else {
            pair_expect(filter->name, reply.result == CEMM_ABSENT, "absent", &reply);
            pair_expect_count(filter->name, "LAN", sim_count(&rig.lan, "lan "), 0);
            pair_expect_count(filter->name, "cloud", sim_count(&rig.cloud, "cloud "), 0);
        }
        reply_clear(&reply);
        pair_end(&rig);
    }
}

/* A meter that the filter of a source excludes is not requested from that source, even if the other
 * source fails. */
static void a_filter_applies_when_the_other_fails(void **state)
{
    (void)state;
    begin_filter(&filters[3]);
    SIM_FAULTS(&rig.lan, "drop@*");
    struct reply reply = pair_get(&rig, CEMM_REALTIME, "p1");
    pair_expect("filter", reply.result == -EHOSTUNREACH, "unreachable", &reply);
    pair_expect_count("filter", "cloud", sim_count(&rig.cloud, "cloud "), 0);
}

/* ---- one at a time ------------------------------------------------------------------------- */

struct sweep {
    size_t meters, failures, ends;
};

static void take_meter(void *data, const struct cemm_uid *uid, const char *alias,
                       const struct cemm_answer *answer)
{
    struct sweep *sweep = data;

    if (!answer)
        sweep->ends++;
    else if (answer->result == 0 && uid && alias &&
             strcmp(cemm_document_source(answer->document), GARAGE) == 0)
        sweep->meters++;
    else {
        sweep->failures++;
        print_error("%s: result %d from %s, %s\n", alias ? alias : "no meter", answer->result,
                    answer->document ? cemm_document_source(answer->document) : "no source",
                    answer->message);
    }
}

/* A selection has a source or meters, not both. */
static void a_source_excludes_meters(void **state)
{
    struct cemm_selector meter = {.alias = "p1"};
    struct cemm_selection selection = {.source = GARAGE, .meters = &meter, .meter_count = 1};
    struct sweep sweep = {0};

    (void)state;
    begin_filter(&filters[3]);
    assert_int_equal(cemm_sweep(rig.client.cemm, &selection, take_meter, &sweep), -EINVAL);
}

/* A device on the LAN never gets two requests at once, neither during the search nor during sweeps.
 */
static void the_lan_gets_one_request_at_a_time(void **state)
{
    static const char *const firmware[] = {"2.26", "2.18"};

    (void)state;
    for (size_t i = 0; i < COUNT(firmware); i++) {
        struct cemm_selection selection = {0};
        struct sweep sweep = {0};
        int64_t until = client_now_ms() + SWEEP_MS;
        sim_start(&rig.lan,
                  (const char *const[]){
                      "--devices", "1", "--lan", "1", "--firmware", firmware[i], "--now", NOW,
                      "--fault", "delay=20@lan:*", "--meters",
                      "p1,p1-gas,emucs,emucs-gas,s01,s02,s03,pulse-1,pulse-2,usage", NULL});
        client_begin(&rig.client);
        client_cloud(&rig.client, &rig.lan, "home");
        pair_add_lan(&rig);
        client_start(&rig.client);
        assert_int_equal(cemm_sweep(rig.client.cemm, &selection, take_meter, &sweep), 0);
        while (sweep.ends == 0 && client_now_ms() < until)
            assert_int_equal(cemm_turn(rig.client.cemm, TURN_MS, NULL, 0), 0);
        assert_int_equal(sweep.ends, 1);
        assert_int_equal(sweep.failures, 0);
        assert_int_equal(sweep.meters, SWEEP_METERS);
        char *log = sim_requests(&rig.lan);
        assert_in_range(lines_with(log, "lan " CLIENT_UID " GET "), SWEEP_METERS, SIZE_MAX);
        if (lines_with(log, " overlap "))
            fail_msg("firmware %s: requests overlap:\n%s", firmware[i], log);
        free(log);
        pair_end(&rig);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(filters_and_extra_aliases, clean),
        cmocka_unit_test_teardown(a_filter_applies_when_the_other_fails, clean),
        cmocka_unit_test_teardown(a_source_excludes_meters, clean),
        cmocka_unit_test_teardown(the_lan_gets_one_request_at_a_time, clean),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s CEMM-SIM\n", argv[0]);
        return 2;
    }
    sim_program(argv[1]);
    return cmocka_run_group_tests_name("filters", tests, NULL, NULL);
}
