/*
 * Tests a device with two sources: which source is used, and what happens when one of them fails.
 *
 * The data does not matter here (see endpoints-test.c). The tests check which source answered,
 * which sources were asked, and how often. Each side of the device is a separate simulator with its
 * own log (see pair.c).
 */
#include "tests/end-to-end/pair.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MS  700   /* the minimal back-off of a failed source */
#define RETURN_MS   90000 /* time limit */
#define QUIET_MS    100
#define ANY_FAILURE -1

static struct pair rig;

static int clean(void **state)
{
    (void)state;
    pair_end(&rig);
    return 0;
}

/* Waits until this source answers. Returns false at the time limit. */
static bool comes_back(const char *source)
{
    int64_t until = client_now_ms() + RETURN_MS;
    bool back = false;

    while (!back && client_now_ms() < until) {
        struct reply reply = pair_get(&rig, CEMM_REALTIME, "p1");
        back = pair_from(&reply, source);
        reply_clear(&reply);
        if (!back)
            client_turn_for(&rig.client, QUIET_MS);
    }
    return back;
}

/* ---- one device ----------------------------------------------------------------------- */

static void same_mac_is_one_device(void **state)
{
    struct cemm_source_state source;
    size_t sources = 0;

    (void)state;
    pair_begin(&rig);
    assert_non_null(cemm_device_at(rig.client.cemm, 0));
    assert_null(cemm_device_at(rig.client.cemm, 1));
    pair_expect_meters(&rig, "the union of both", "han mb5 p1 s01");
    for (; cemm_source_at(rig.client.cemm, sources, &source); sources++)
        assert_int_equal(source.devices, 1);
    assert_int_equal(sources, 2);
}

static void each_request_goes_where_it_belongs(void **state)
{
    static const struct {
        const char *name;
        enum cemm_endpoint endpoint;
        enum cemm_span span;
        const char *alias;
        const char *source;
        size_t lan, cloud;
    } rows[] = {
        {"realtime", CEMM_REALTIME, CEMM_DAY, "p1", GARAGE, 1, 0},
        {"day", CEMM_DATA, CEMM_DAY, "p1", GARAGE, 1, 0},
        {"month", CEMM_DATA, CEMM_MONTH, "s01", GARAGE, 1, 0},
        {"year", CEMM_DATA, CEMM_YEAR, "mb5", GARAGE, 1, 0},
        {"io", CEMM_IO, CEMM_DAY, "", GARAGE, 1, 0},
        {"totals", CEMM_TOTALS, CEMM_DAY, "p1", HOME, 0, 1},
        {"info", CEMM_INFO, CEMM_DAY, "p1", HOME, 0, 1},
        {"a meter in the cloud only", CEMM_REALTIME, CEMM_DAY, "han", HOME, ANY_NUMBER, 1},
    };

    (void)state;
    pair_begin(&rig);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = pair_query(rows[i].endpoint, rows[i].span, rows[i].alias);
        struct reply reply;
        client_get(&rig.client, &query, &reply);
        pair_expect(rows[i].name, pair_from(&reply, rows[i].source), rows[i].source, &reply);
        reply_clear(&reply);
        pair_expect_count(rows[i].name, "LAN", sim_count(&rig.lan, "lan "), rows[i].lan);
        pair_expect_count(rows[i].name, "cloud", sim_count(&rig.cloud, "cloud "), rows[i].cloud);
    }
}

/* ---- a source that fails ---------------------------------------------------------------- */

/* Ways in which the LAN gives no answer or no usable answer. `silent`: a back-off follows. */
static const struct {
    const char *fault; /* NULL: the port is closed */
    bool silent;
} failures[] = {
    {NULL, true},
    {"stall@lan:*", true},
    {"delay=15000@lan:*", true},
    {"drop@lan:*", true},
    {"truncate@lan:*", false},
    {"garbage@lan:*", false},
    {"html@lan:*", false},
    {"empty@lan:*", false},
    {"huge@lan:*", false},
    {"deep@lan:*", false},
    {"status=408@lan:*", false},
    {"status=500@lan:*", false},
    {"status=502@lan:*", false},
};

static void spoil_lan(const char *fault)
{
    if (fault)
        SIM_FAULTS(&rig.lan, fault);
    else
        sim_stop(&rig.lan, SIGKILL);
}

static void repair_lan(const char *fault)
{
    char port[SIM_URL_SIZE];

    memcpy(port, rig.port, sizeof(port));
    if (fault)
        sim_no_faults(&rig.lan);
    else
        pair_start_lan(&rig, port);
}

/* Checks that the LAN got no request except for p1's realtime, because it is backed off. On a
 * machine so busy that the back-off has already ended, nothing is checked. */
static void expect_backoff(const char *name, int64_t begun)
{
    /* A closed connection is a failure at once, any other fault only after the timeout. */
    int64_t failed = begun + (strcmp(name, "drop@lan:*") == 0 ? 0 : 1000 * atoi(PAIR_LAN_TIMEOUT));
    char *log = sim_requests(&rig.lan);
    size_t others = lines_with(log, "lan ") - lines_with(log, "/p1/realtime/ ");

    free(log);
    if (client_now_ms() < failed + BACKOFF_MS)
        pair_expect_count(name, "a LAN that is backed off", others, 0);
}

/* The LAN is used first, the cloud while the LAN does not answer, and the LAN again afterwards. */
static void the_cloud_takes_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(failures); i++) {
        const char *name = failures[i].fault ? failures[i].fault : "refused";
        pair_begin(&rig);
        spoil_lan(failures[i].fault);
        int64_t begun = client_now_ms();
        struct reply reply = pair_get(&rig, CEMM_REALTIME, "p1");
        pair_expect(name, pair_from(&reply, HOME), "the cloud answers", &reply);
        reply_clear(&reply);
        pair_expect_count(name, "cloud", sim_count(&rig.cloud, "cloud "), 1);
        if (failures[i].silent && failures[i].fault) {
            reply = pair_get(&rig, CEMM_REALTIME, "s01");
            pair_expect(name, pair_from(&reply, HOME),
                        "the cloud answers while the LAN is backed off", &reply);
            reply_clear(&reply);
            expect_backoff(name, begun);
        }
        repair_lan(failures[i].fault);
        if (!comes_back(GARAGE))
            fail_msg("%s: the LAN is not used again", name);
        pair_end(&rig);
    }
}

/* Both sources fail and recover: the error is reported, and then requests are answered again. */
static void both_fail_and_recover(void **state)
{
    (void)state;
    pair_begin(&rig);
    SIM_FAULTS(&rig.lan, "drop@*");
    SIM_FAULTS(&rig.cloud, "drop@*");
    struct reply reply = pair_get(&rig, CEMM_REALTIME, "p1");
    pair_expect("both", reply.result == -EHOSTUNREACH, "unreachable", &reply);
    sim_no_faults(&rig.cloud);
    assert_true(comes_back(HOME));
    sim_no_faults(&rig.lan);
    assert_true(comes_back(GARAGE));
}

/* The LAN is down at the start: the cloud's devices are found, and the LAN is used later. */
static void the_lan_comes_later(void **state)
{
    struct cemm_uid uid = client_uid();
    struct reply reply;

    (void)state;
    pair_start(&rig);
    SIM_FAULTS(&rig.lan, "drop@*");
    pair_begin_client(&rig);
    pair_expect("begin", client_find(&rig.client, NULL, &reply) == -EHOSTUNREACH,
                "one source fails", &reply);
    client_find(&rig.client, &uid, &reply);
    pair_expect_meters(&rig, "the cloud's", "han p1 s01");
    reply = pair_get(&rig, CEMM_REALTIME, "p1");
    pair_expect("begin", pair_from(&reply, HOME), "the cloud answers", &reply);
    reply_clear(&reply);
    sim_no_faults(&rig.lan);
    int64_t until = client_now_ms() + RETURN_MS;
    while (client_find(&rig.client, NULL, &reply) != 0 && client_now_ms() < until)
        client_turn_for(&rig.client, QUIET_MS);
    pair_expect("later", client_find(&rig.client, &uid, &reply) == 0, "found", &reply);
    pair_expect_meters(&rig, "later", "han mb5 p1 s01");
    assert_true(comes_back(GARAGE));
    assert_null(cemm_device_at(rig.client.cemm, 1));
}

/* ---- absence ---------------------------------------------------------------------------- */

/* A document is absent only if every source with that endpoint says so. If one source says so and
 * the other fails, the request fails. */
static void absent_only_if_all_sources_say_so(void **state)
{
    static const struct {
        const char *lan, *cloud; /* their faults; delay=1 (1 ms later) stands for no fault */
        enum cemm_endpoint endpoint;
        int result; /* ANY_FAILURE: any negative errno; 0: the cloud answers */
    } rows[] = {
        {"status=404@*", "delay=1@*", CEMM_REALTIME, 0},
        {"status=412@*", "delay=1@*", CEMM_REALTIME, 0},
        {"status=404@*", "delay=1@*", CEMM_DATA, 0},
        {"status=404@*", "delay=1@*", CEMM_IO, 0},
        {"status=404@*", "status=412@*", CEMM_REALTIME, CEMM_ABSENT},
        {"status=404@*", "status=404@*", CEMM_DATA, CEMM_ABSENT},
        {"delay=1@*", "status=412@*", CEMM_TOTALS, CEMM_ABSENT},
        {"delay=1@*", "status=412@*", CEMM_INFO, CEMM_ABSENT},
        {"status=404@*", "drop@*", CEMM_REALTIME, ANY_FAILURE},
        {"status=404@*", "stall@*", CEMM_REALTIME, ANY_FAILURE},
        {"status=404@*", "status=408@*", CEMM_REALTIME, ANY_FAILURE},
        {"status=404@*", "status=502@*", CEMM_REALTIME, ANY_FAILURE},
        {"status=404@*", "garbage@*", CEMM_REALTIME, ANY_FAILURE},
        {"status=404@*", "promise-forever@*", CEMM_REALTIME, ANY_FAILURE},
        {"drop@*", "status=412@*", CEMM_REALTIME, ANY_FAILURE},
        {"stall@*", "status=412@*", CEMM_DATA, ANY_FAILURE},
        {"status=500@*", "status=412@*", CEMM_REALTIME, ANY_FAILURE},
        {"garbage@*", "status=412@*", CEMM_REALTIME, ANY_FAILURE},
        {"status=404@*", "status=403@*", CEMM_REALTIME, CEMM_DENIED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[SIM_URL_SIZE];
        snprintf(name, sizeof(name), "LAN %s, cloud %s", rows[i].lan, rows[i].cloud);
        pair_begin(&rig);
        SIM_FAULTS(&rig.lan, rows[i].lan);
        SIM_FAULTS(&rig.cloud, rows[i].cloud);
        struct reply reply =
            pair_get(&rig, rows[i].endpoint, rows[i].endpoint == CEMM_IO ? "" : "p1");
        if (rows[i].result == 0)
            pair_expect(name, pair_from(&reply, HOME), "the cloud answers", &reply);
        else if (rows[i].result == ANY_FAILURE)
            pair_expect(name, reply.result < 0, "a failure", &reply);
        else
            pair_expect(name, reply.result == rows[i].result, "the outcome", &reply);
        pair_expect(name, reply.result == 0 || reply.message[0], "message", &reply);
        reply_clear(&reply);
        pair_expect_meters(&rig, name, "han mb5 p1 s01");
        pair_end(&rig);
    }
}

/* Searches without success until the cloud has been asked, which a back-off may delay. */
static void find_nothing(const char *name)
{
    int64_t until = client_now_ms() + RETURN_MS;
    bool asked = false;

    while (!asked && client_now_ms() < until) {
        struct reply reply;
        pair_expect(name, client_find(&rig.client, NULL, &reply) != 0, "a failure", &reply);
        asked = sim_count(&rig.cloud, "cloud ") > 0;
        if (!asked)
            client_turn_for(&rig.client, QUIET_MS);
    }
    assert_true(asked);
}

/* Meters that were found stay known, whatever their sources do. */
static void known_meters_never_disappear(void **state)
{
    static const char *const faults[] = {"status=500@*", "status=404@*", "status=403@*",
                                         "garbage@*",    "drop@*",       "stall@*"};
    struct cemm_uid uid = client_uid();
    struct reply reply;

    (void)state;
    pair_begin(&rig);
    for (size_t i = 0; i <= COUNT(faults); i++) {
        const char *name = i < COUNT(faults) ? faults[i] : "a closed port";
        if (i < COUNT(faults)) {
            SIM_FAULTS(&rig.lan, faults[i]);
            SIM_FAULTS(&rig.cloud, faults[i]);
            find_nothing(name);
        } else {
            sim_stop(&rig.lan, SIGKILL);
            sim_stop(&rig.cloud, SIGKILL);
        }
        pair_expect(name, client_find(&rig.client, NULL, &reply) != 0, "a failure", &reply);
        client_find(&rig.client, &uid, &reply);
        pair_expect_meters(&rig, name, "han mb5 p1 s01");
        assert_true(cemm_alias_allowed(rig.client.cemm, &uid, "mb5"));
    }
}

/* ---- in the middle of a request ---------------------------------------------------------- */

/* Requests that are made together. */
static const struct {
    enum cemm_endpoint endpoint;
    enum cemm_span span;
    const char *alias;
    const char *path;
} group[] = {
    {CEMM_REALTIME, CEMM_DAY, "p1", "/p1/realtime/ "},
    {CEMM_REALTIME, CEMM_DAY, "s01", "/s01/realtime/ "},
    {CEMM_DATA, CEMM_DAY, "p1", "/p1/data/day/ "},
    {CEMM_DATA, CEMM_MONTH, "p1", "/p1/data/month/ "},
    {CEMM_DATA, CEMM_YEAR, "s01", "/s01/data/year/ "},
};

/* Makes each request of the group for two callers. */
static void ask_group(struct reply replies[][2])
{
    for (size_t i = 0; i < COUNT(group); i++) {
        struct cemm_query query = pair_query(group[i].endpoint, group[i].span, group[i].alias);
        client_ask(&rig.client, &query, &replies[i][0]);
        client_ask(&rig.client, &query, &replies[i][1]);
    }
}

/* Checks that the cloud answers all requests, that each was sent to it once, and that each was sent
 * to the LAN at most `lan_most` times. */
static void check_group(const char *name, struct reply replies[][2], size_t lan_most)
{
    for (size_t i = 0; i < COUNT(group); i++) {
        for (size_t k = 0; k < 2; k++) {
            client_wait(&rig.client, &replies[i][k]);
            pair_expect(name, pair_from(&replies[i][k], HOME), "the cloud answers", &replies[i][k]);
        }
    }
    client_turn_for(&rig.client, QUIET_MS); /* in case more requests follow */
    sim_stop(&rig.lan, SIGTERM);            /* completes its log */
    char *lan = sim_requests(&rig.lan);
    char *cloud = sim_requests(&rig.cloud);
    for (size_t i = 0; i < COUNT(group); i++) {
        if (lines_with(cloud, group[i].path) != 1 || lines_with(lan, group[i].path) > lan_most)
            fail_msg("%s: %s; the cloud's log:\n%sthe LAN's:\n%s", name, group[i].path, cloud, lan);
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(replies[i][k].answers, 1);
            reply_clear(&replies[i][k]);
        }
    }
    free(lan);
    free(cloud);
}

static void no_request_is_lost_or_doubled(void **state)
{
    /* If a reused connection closes without an answer, it may have been idle for too long, so the
     * request is repeated once on a new connection (RFC 9112 §9.3.1). If a new connection closes,
     * the request is not repeated. */
    static const struct {
        const char *fault;
        bool reused; /* the LAN's connection */
        size_t lan_most;
    } rows[] = {
        {"truncate@lan:*", true, 1},   {"drop@lan:*", true, 2},   {"drop@lan:*", false, 1},
        {"stall@lan:*", true, 1},      {"stall@lan:*", false, 1}, {"delay=15000@lan:*", true, 1},
        {"status=500@lan:*", true, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reply replies[COUNT(group)][2];
        pair_begin(&rig);
        if (!rows[i].reused) {
            spoil_lan(NULL);
            repair_lan(NULL);
        }
        SIM_FAULTS(&rig.lan, rows[i].fault);
        ask_group(replies);
        check_group(rows[i].fault, replies, rows[i].lan_most);
        pair_end(&rig);
    }
}

/* Runs the loop until the log of the simulator has a line that contains `part`. */
static void turn_until_asked(struct sim *sim, const char *part)
{
    int64_t until = client_now_ms() + RETURN_MS;
    size_t seen = sim->seen;
    bool asked = false;

    while (!asked && client_now_ms() < until) {
        assert_int_equal(cemm_turn(rig.client.cemm, 1, NULL, 0), 0);
        char *log = sim_requests(sim);
        asked = lines_with(log, part) > 0;
        free(log);
    }
    sim->seen = seen;
    assert_true(asked);
}

/* The device loses power while it prepares an answer. */
static void the_lan_is_killed_during_a_request(void **state)
{
    struct reply replies[COUNT(group)][2];

    (void)state;
    pair_begin(&rig);
    SIM_FAULTS(&rig.lan, "stall@lan:*"); /* the simulator logs the request, then stalls */
    ask_group(replies);
    turn_until_asked(&rig.lan, group[0].path);
    sim_stop(&rig.lan, SIGKILL);
    check_group("killed", replies, 1);
}

/* The cloud is killed: a document that only the cloud has is requested once, and fails once. */
static void the_cloud_is_killed_during_a_request(void **state)
{
    struct cemm_query query = pair_query(CEMM_TOTALS, CEMM_DAY, "p1");
    struct reply reply;

    (void)state;
    pair_begin(&rig);
    SIM_FAULTS(&rig.cloud, "stall@*");
    client_ask(&rig.client, &query, &reply);
    turn_until_asked(&rig.cloud, "/totals/");
    sim_stop(&rig.cloud, SIGKILL);
    client_wait(&rig.client, &reply);
    pair_expect("killed", reply.result == -EHOSTUNREACH, "unreachable", &reply);
    client_turn_for(&rig.client, QUIET_MS);
    assert_int_equal(reply.answers, 1);
    pair_expect_count("killed", "cloud", sim_count(&rig.cloud, "cloud "), 1);
    pair_expect_count("killed", "LAN", sim_count(&rig.lan, "lan "), 0);
    reply = pair_get(&rig, CEMM_REALTIME, "p1");
    pair_expect("killed", pair_from(&reply, GARAGE), "the LAN is not affected", &reply);
    reply_clear(&reply);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(same_mac_is_one_device, clean),
        cmocka_unit_test_teardown(each_request_goes_where_it_belongs, clean),
        cmocka_unit_test_teardown(the_cloud_takes_over, clean),
        cmocka_unit_test_teardown(both_fail_and_recover, clean),
        cmocka_unit_test_teardown(the_lan_comes_later, clean),
        cmocka_unit_test_teardown(absent_only_if_all_sources_say_so, clean),
        cmocka_unit_test_teardown(known_meters_never_disappear, clean),
        cmocka_unit_test_teardown(no_request_is_lost_or_doubled, clean),
        cmocka_unit_test_teardown(the_lan_is_killed_during_a_request, clean),
        cmocka_unit_test_teardown(the_cloud_is_killed_during_a_request, clean),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s CEMM-SIM\n", argv[0]);
        return 2;
    }
    sim_program(argv[1]);
    return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
