/*
 * Regression tests of the engine.
 *
 * Each test is the smallest case that showed a defect: contexts that are freed while they work,
 * answers that are late because other requests delayed them, addresses that another device takes
 * over, routes that change during a request. Most tests check what must not happen, so they count
 * lines of the simulators' logs and of libcemm's.
 */
#include "tests/end-to-end/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETURN_MS    90000 /* time limit */
#define QUIET_MS     100
#define CONFIRMED_MS 1200 /* after this, the device's identity must be confirmed again */
#define OTHER_UID    "00-1E-C0-00-00-02"

static struct rig rig;

static int clean(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

static struct cemm_query realtime(const char *alias)
{
    return client_query(CEMM_REALTIME, alias);
}

/* ---- ending ------------------------------------------------------------------------------ */

static void freed_during_a_search(void **state)
{
    struct cemm_query query = realtime("p1");
    struct reply reply;

    (void)state;
    SIM_START(&rig.cloud, "--devices", "1");
    SIM_FAULTS(&rig.cloud, "stall@*");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    rig_run(&rig);
    client_ask(&rig.client, &query, &reply);
    assert_int_equal(cemm_turn(rig.client.cemm, QUIET_MS, NULL, 0), 0);
    assert_int_equal(reply.answers, 0);
    client_end(&rig.client);
    reply_expect(reply.answers == 1 && reply.result == -ECANCELED, "cancelled once", &reply);
}

/* Requests that are repeated as soon as they are answered. */
static struct {
    unsigned ends;                   /* number of requests that have ended */
    struct cemm_selection selection; /* of the sweeps */
    bool ending;                     /* the context is being freed */
} insistent;

static void ask_for_all(void);

static void insist_find(void *data, const struct cemm_answer *answer)
{
    (void)data;
    assert_int_equal(answer->result, -ECANCELED);
    insistent.ends++;
    ask_for_all();
}

static void insist_sweep(void *data, const struct cemm_uid *uid, const char *alias,
                         const struct cemm_answer *answer)
{
    (void)data;
    (void)uid;
    (void)alias;
    if (answer)
        return;
    insistent.ends++;
    ask_for_all();
}

/* Makes requests of all kinds. While the context ends, none of them is accepted. */
static void ask_for_all(void)
{
    struct cemm *cemm = rig.client.cemm;
    struct cemm_uid uid = client_uid();
    struct cemm_query query = realtime("p1");
    int wanted = insistent.ending ? -ECANCELED : 0;

    assert_int_equal(cemm_find(cemm, NULL, -1, insist_find, NULL, NULL), wanted);
    assert_int_equal(cemm_find(cemm, &uid, -1, insist_find, NULL, NULL), wanted);
    assert_int_equal(cemm_locate(cemm, &uid, -1, insist_find, NULL, NULL), wanted);
    assert_int_equal(cemm_get(cemm, &query, -1, insist_find, NULL, NULL), wanted);
    assert_int_equal(cemm_sweep(cemm, &insistent.selection, insist_sweep, NULL), wanted);
}

/* Frees a context whose completions make new requests. If `turned`, some requests have been sent
 * before; otherwise all of them are only queued. */
static void end_insistently(const struct cemm_selection *selection, bool turned)
{
    SIM_START(&rig.cloud, "--devices", "1");
    SIM_FAULTS(&rig.cloud, "stall@*");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    rig_run(&rig);
    memset(&insistent, 0, sizeof(insistent));
    insistent.selection = *selection;
    ask_for_all();
    if (turned)
        assert_int_equal(cemm_turn(rig.client.cemm, QUIET_MS, NULL, 0), 0);
    insistent.ending = true;
    client_end(&rig.client);
    assert_int_equal(insistent.ends, 5);
    clean(NULL);
}

static void repeating_requests_while_it_ends(void **state)
{
    static struct cemm_selector meters[] = {{{CLIENT_UID}, "p1"}};
    static const struct cemm_selection all, named = {.meters = meters, .meter_count = 1};

    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        end_insistently(&all, turned);
        end_insistently(&named, turned);
    }
}

/* ---- turns ------------------------------------------------------------------------------- */

#define AGAIN_TIMES 20

static struct {
    int64_t max_age;
    unsigned count;   /* number of answers */
    unsigned in_turn; /* number of answers in the current turn */
    struct cemm_document *last;
} again;

static void ask_again(void *data, const struct cemm_answer *answer)
{
    struct cemm_query query = realtime("p1");

    (void)data;
    assert_int_equal(answer->result, 0);
    if (again.max_age == 0)
        assert_ptr_not_equal(answer->document, again.last);
    cemm_document_unref(again.last);
    again.last = cemm_document_ref(answer->document);
    if (++again.in_turn > AGAIN_TIMES / 2)
        fail_msg("the turn does not end");
    if (++again.count < AGAIN_TIMES)
        assert_int_equal(cemm_get(rig.client.cemm, &query, again.max_age, ask_again, NULL, NULL),
                         0);
}

static void keep_asking(int64_t max_age, size_t wanted_requests)
{
    struct cemm_query query = realtime("p1");
    int64_t until = client_now_ms() + RETURN_MS;

    memset(&again, 0, sizeof(again));
    again.max_age = max_age;
    free(sim_requests(&rig.cloud));
    assert_int_equal(cemm_get(rig.client.cemm, &query, max_age, ask_again, NULL, NULL), 0);
    while (again.count < AGAIN_TIMES && client_now_ms() < until) {
        again.in_turn = 0;
        assert_int_equal(cemm_turn(rig.client.cemm, QUIET_MS, NULL, 0), 0);
    }
    cemm_document_unref(again.last);
    assert_int_equal(again.count, AGAIN_TIMES);
    char *lines = sim_requests(&rig.cloud);
    assert_int_equal(lines_with(lines, "/p1/realtime/ "), wanted_requests);
    free(lines);
}

/* The turn ends although a completion repeats its request again and again. With max_age 0, each
 * answer is a new document. */
static void a_turn_ends_and_answers_are_fresh(void **state)
{
    (void)state;
    SIM_START(&rig.cloud, "--devices", "1");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    rig_run(&rig);
    keep_asking(0, AGAIN_TIMES);
    keep_asking(INT64_MAX, 0); /* gets the cached answer */
}

/* ---- connections --------------------------------------------------------------------------- */

#define CROWD 60 /* number of devices */

static struct {
    size_t answers, failures;
    bool done;
} crowd;

static void take_meter(void *data, const struct cemm_uid *uid, const char *alias,
                       const struct cemm_answer *answer)
{
    (void)data;
    (void)uid;
    (void)alias;
    crowd.done |= !answer;
    crowd.answers += answer && answer->result == 0;
    crowd.failures += answer && answer->result != 0;
}

static void sweep_all(void)
{
    const struct cemm_selection all = {0};
    int64_t until = client_now_ms() + 8 * RETURN_MS;

    memset(&crowd, 0, sizeof(crowd));
    assert_int_equal(cemm_sweep(rig.client.cemm, &all, take_meter, NULL), 0);
    while (!crowd.done && client_now_ms() < until)
        assert_int_equal(cemm_turn(rig.client.cemm, QUIET_MS, NULL, 0), 0);
    assert_true(crowd.done);
}

static bool is_cached(void)
{
    struct cemm_query query = realtime("p1");
    struct cemm_document *document = cemm_peek(rig.client.cemm, &query, INT64_MAX);

    cemm_document_unref(document);
    return document != NULL;
}

/* With many devices, caching the documents of every sweep would take most of the memory. */
static void a_sweep_is_not_cached(void **state)
{
    struct cemm_query query = realtime("p1");

    (void)state;
    SIM_START(&rig.cloud, "--devices", "1");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    rig_run(&rig);
    sweep_all();
    assert_true(crowd.answers > 0);
    assert_false(is_cached());
    struct reply reply = rig_get(&rig, &query);
    reply_expect(reply.result == 0, "another caller", &reply);
    reply_clear(&reply);
    assert_true(is_cached());
    sweep_all();
    assert_true(is_cached());
}

/* The timeout applies to each request separately; all of them together take much longer. */
static void waiting_for_a_connection_is_no_failure(void **state)
{
    (void)state;
    SIM_START(&rig.cloud, "--devices", "60", "--promise", "1000");
    SIM_FAULTS(&rig.cloud, "delay=200@*realtime*");
    rig_begin(&rig);
    rig_add_cloud(&rig, "8"); /* seconds, long enough for a busy machine */
    client_set(&rig.client, "max-connections", "4");
    rig_run(&rig);
    sweep_all();
    assert_string_equal(rig.log, "");
    assert_int_equal(crowd.failures, 0);
    assert_int_equal(crowd.answers, 3 * CROWD);
}

/* A slow answer is not aborted because other requests wait for its connection. */
static void a_slow_answer_is_waited_for(void **state)
{
    (void)state;
    SIM_START(&rig.cloud, "--devices", "4", "--meters", "p1");
    SIM_FAULTS(&rig.cloud, "delay=4000@*realtime*");
    rig_begin(&rig);
    rig_add_cloud(&rig, "20");
    client_set(&rig.client, "max-connections", "2");
    rig_run(&rig);
    sweep_all();
    assert_string_equal(rig.log, "");
    assert_int_equal(crowd.failures, 0);
    assert_int_equal(crowd.answers, 4);
}

/* A device that has answered before may get several requests at a time, but when it stalls, they
 * must not occupy all connections. */
static void a_stalled_device_leaves_room(void **state)
{
    struct cemm_query query = client_query(CEMM_DATA, "p1");
    struct cemm_query other = realtime("p1");
    struct reply stalled[16], reply;

    (void)state;
    SIM_START(&rig.cloud, "--devices", "2");
    rig_begin(&rig);
    rig_add_cloud(&rig, "6");
    rig_run(&rig);
    assert_true(cemm_uid_parse(OTHER_UID, &other.uid));
    reply = rig_get(
        &rig, &(struct cemm_query){.uid = query.uid, .alias = "p1", .endpoint = CEMM_REALTIME});
    reply_expect(reply.result == 0, "it answers before it stalls", &reply);
    reply_clear(&reply);
    SIM_FAULTS(&rig.cloud, "stall@*" CLIENT_UID "/*");
    assert_true(cemm_period_parse(CEMM_DAY, "2025-02-01", &query.period));
    for (size_t i = 0; i < COUNT(stalled); i++) {
        client_ask(&rig.client, &query, &stalled[i]);
        query.period = cemm_period_step(&query.period, 1);
    }
    client_turn_for(&rig.client, QUIET_MS);
    client_get(&rig.client, &other, &reply);
    reply_expect(reply_from(&reply, HOME), "the other device answers", &reply);
    reply_clear(&reply);
    for (size_t i = 0; i < COUNT(stalled); i++)
        reply_expect(stalled[i].answers == 0, "the stalled request has not ended yet", &stalled[i]);
    client_end(&rig.client);
}

static void no_proxy_to_this_machine(void **state)
{
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int proxy = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char url[SIM_URL_SIZE];

    (void)state;
    assert_int_equal(bind(proxy, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(proxy, 8), 0);
    assert_int_equal(getsockname(proxy, (struct sockaddr *)&address, &length), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    SIM_START(&rig.cloud, "--devices", "1");
    for (size_t i = 0; i < COUNT(names); i++)
        setenv(names[i], url, 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    rig_run(&rig);
    struct reply reply;
    int result = client_find(&rig.client, NULL, &reply);
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    struct pollfd waiting = {.fd = proxy, .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, 0), 0);
    close(proxy);
    reply_expect(result == 0, "found without the proxy", &reply);
}

/* ---- addresses that another device takes over ----------------------------------------------- */

/* Replaces the device at the LAN address with another one. */
static void replace_device(void)
{
    char port[SIM_URL_SIZE];

    snprintf(port, sizeof(port), "%s", strrchr(rig.lan.lan, ':') + 1);
    sim_stop(&rig.lan, SIGKILL);
    SIM_START(&rig.other, "--devices", "1", "--first", "2", "--lan", "1", "--lan-port", port);
}

static void begin_at_home(bool cloud)
{
    SIM_START(&rig.cloud, "--devices", "1");
    SIM_START(&rig.lan, "--devices", "1", "--lan", "1");
    rig_begin(&rig);
    if (cloud)
        rig_add_cloud(&rig, "10");
    rig_add_lan(&rig);
    rig_run(&rig);
    rig_get_to_know(&rig);
}

/* Repeats a request to the first device until the root document of the second device has been
 * requested, and a while longer. */
static void ask_at_changed_address(bool cloud)
{
    struct cemm_query query = realtime("p1");
    int64_t until = client_now_ms() + RETURN_MS;
    bool asked = false;

    for (int more = 3; more > 0 && client_now_ms() < until; more -= asked) {
        struct reply reply = rig_get(&rig, &query);
        reply_expect(cloud ? reply_from(&reply, HOME) : reply.result < 0,
                     "no device answers for another", &reply);
        reply_clear(&reply);
        client_turn_for(&rig.client, QUIET_MS);
        char *lines = sim_requests(&rig.other);
        asked |= lines_with(lines, "lan ") > 0;
        assert_int_equal(lines_with(lines, "/p1/"), 0);
        free(lines);
    }
    assert_true(asked);
}

static void check_changed_address(bool cloud)
{
    struct cemm_query query = realtime("p1");
    struct reply reply;

    begin_at_home(cloud);
    reply = rig_get(&rig, &query);
    reply_expect(reply_from(&reply, GARAGE), "the LAN answers", &reply);
    reply_clear(&reply);
    sim_stop(&rig.lan, SIGKILL);
    reply = rig_get(&rig, &query);
    reply_expect(cloud ? reply_from(&reply, HOME) : reply.result == -EHOSTUNREACH,
                 "the LAN is gone", &reply);
    reply_clear(&reply);
    replace_device();
    ask_at_changed_address(cloud);
    assert_int_equal(lines_with(rig.log, OTHER_UID " answers at "), 1);
    assert_true(cemm_uid_parse(OTHER_UID, &query.uid));
    reply = rig_get(&rig, &query);
    reply_expect(reply_from(&reply, GARAGE), "the other device is known, too", &reply);
    reply_clear(&reply);
}

/* The device is replaced between two requests, so the new device answers immediately, on a new
 * connection. Its answers must not be used. */
static void an_address_changes_hands_unseen(void **state)
{
    struct cemm_query query = realtime("p1");

    (void)state;
    begin_at_home(false);
    client_turn_for(&rig.client, CONFIRMED_MS);
    sim_stop(&rig.lan, SIGKILL);
    replace_device();
    for (int i = 0; i < 3; i++) {
        struct reply reply = rig_get(&rig, &query);
        reply_expect(reply.result < 0, "no device answers for another", &reply);
        reply_clear(&reply);
    }
    assert_int_equal(lines_with(rig.log, OTHER_UID " answers at "), 1);
}

static void another_device_at_the_address(void **state)
{
    (void)state;
    check_changed_address(false);
    clean(NULL);
    check_changed_address(true);
}

static void take_find(void *data, const struct cemm_answer *answer)
{
    struct reply *reply = data;

    reply->answers++;
    reply->result = answer->result;
    snprintf(reply->message, sizeof(reply->message), "%s", answer->message);
}

static void ask_find(const struct cemm_uid *uid, struct reply *ret_reply)
{
    *ret_reply = (struct reply){0};
    assert_int_equal(cemm_find(rig.client.cemm, uid, -1, take_find, ret_reply, NULL), 0);
}

static void a_find_outlives_its_route(void **state)
{
    struct cemm_uid uid = client_uid();
    struct cemm_query query = realtime("p1");
    struct reply replies[3];

    (void)state;
    begin_at_home(false);
    replace_device();
    assert_int_equal(cemm_turn(rig.client.cemm, 5, NULL, 0), 0);
    ask_find(NULL, &replies[0]);
    ask_find(&uid, &replies[1]);
    client_ask(&rig.client, &query, &replies[2]);
    for (size_t i = 0; i < COUNT(replies); i++)
        client_wait(&rig.client, &replies[i]);
    reply_expect(replies[0].result == 0, "devices are found", &replies[0]);
    reply_expect(replies[2].result < 0, "the device that left does not answer", &replies[2]);
    rig_expect_meters(&rig, "known meters stay", "p1 p1-gas s01");
}

/* ---- sources --------------------------------------------------------------------------------- */

/* The LAN device is confirmed while the cloud request is pending, so that a LAN route is inserted
 * before the cloud's. The LAN must not be skipped, and the cloud must not be asked twice. */
static void a_route_comes_in_the_middle(void **state)
{
    struct cemm_query query = realtime("p1");

    (void)state;
    SIM_START(&rig.cloud, "--devices", "1");
    SIM_START(&rig.lan, "--devices", "1", "--lan", "1");
    SIM_FAULTS(&rig.cloud, "delay=3000@*", "status=502@*");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    client_set(&rig.client, "device", CLIENT_UID);
    rig_add_lan(&rig);
    rig_run(&rig);
    struct reply reply = rig_get(&rig, &query);
    reply_expect(reply_from(&reply, GARAGE), "the LAN answers", &reply);
    reply_clear(&reply);
    assert_int_equal(sim_count(&rig.cloud, "cloud "), 1);
    char *lines = sim_requests(&rig.lan);
    assert_int_equal(lines_with(lines, "/p1/realtime/ "), 1);
    free(lines);
}

/* The LAN device is down when the first request starts the search for devices and meters. */
static void the_lan_was_down_at_first(void **state)
{
    struct cemm_query query = realtime("p1");
    int64_t until = client_now_ms() + RETURN_MS;
    bool back = false;

    (void)state;
    SIM_START(&rig.cloud, "--devices", "1");
    SIM_START(&rig.lan, "--devices", "1", "--lan", "1");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    rig_add_lan(&rig);
    rig_run(&rig);
    const char *port = strrchr(rig.lan.lan, ':') + 1;
    char same[SIM_URL_SIZE];
    snprintf(same, sizeof(same), "%s", port);
    sim_stop(&rig.lan, SIGKILL);
    struct reply reply = rig_get(&rig, &query);
    reply_expect(reply_from(&reply, HOME), "the cloud answers", &reply);
    reply_clear(&reply);
    sim_restart(&rig.lan,
                (const char *const[]){"--devices", "1", "--lan", "1", "--lan-port", same, NULL});
    while (!back && client_now_ms() < until) {
        reply = rig_get(&rig, &query);
        back = reply_from(&reply, GARAGE);
        reply_expect(reply.result == 0, "always an answer", &reply);
        reply_clear(&reply);
        client_turn_for(&rig.client, QUIET_MS);
    }
    assert_true(back);
}

static void two_accounts_one_device(void)
{
    SIM_START(&rig.cloud, "--devices", "1", "--meters", "p1,s01");
    SIM_START(&rig.shed, "--devices", "1", "--meters", "p1,han");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    client_cloud(&rig.client, &rig.shed, "shed");
    client_set(&rig.client, "timeout", "60");
    rig_run(&rig);
}

static void meters_of_both_accounts(void **state)
{
    struct cemm_uid uid = client_uid();
    struct reply reply;

    (void)state;
    two_accounts_one_device();
    rig_get_to_know(&rig);
    rig_expect_meters(&rig, "both at once", "han p1 s01");
    clean(NULL);

    /* The search in the first account has ended, and the one in the second account has not. */
    two_accounts_one_device();
    SIM_FAULTS(&rig.shed, "status=502@*" CLIENT_UID "/*");
    reply_expect(client_find(&rig.client, NULL, &reply) == 0, "devices", &reply);
    reply_expect(client_find(&rig.client, &uid, &reply) == -EIO, "one account fails", &reply);
    rig_expect_meters(&rig, "one account", "p1 s01");
    sim_no_faults(&rig.shed);
    reply_expect(client_find(&rig.client, &uid, &reply) == 0, "meters", &reply);
    rig_expect_meters(&rig, "one after the other", "han p1 s01");
    clean(NULL);

    /* The meters of the device are searched for before the second account lists the device. */
    two_accounts_one_device();
    SIM_FAULTS(&rig.shed, "delay=2000@*/cemm/");
    reply_expect(client_find(&rig.client, &uid, &reply) == 0, "meters", &reply);
    rig_get_to_know(&rig);
    rig_expect_meters(&rig, "listed later", "han p1 s01");
}

/* An account whose list of devices hangs delays no answer of another account. The client waits for
 * the hanging account only if that account has never answered, because it may have a document that
 * the other account does not have. */
static void only_an_unknown_account_is_waited_for(void **state)
{
    struct cemm_query query = client_query(CEMM_TOTALS, "p1");
    static struct reply devices; /* static, so that it outlives this function if the test fails */

    (void)state;
    assert_true(cemm_period_parse(CEMM_DAY, "2024-06-01", &query.period));
    two_accounts_one_device();
    rig_get_to_know(&rig);
    SIM_FAULTS(&rig.cloud, "status=412@*/totals/*");
    SIM_FAULTS(&rig.shed, "status=412@*/totals/*", "stall@*/cemm/");
    ask_find(NULL, &devices);
    struct reply reply = rig_get(&rig, &query);
    reply_expect(reply.result == CEMM_ABSENT, "both accounts say that it is absent", &reply);
    assert_int_equal(devices.answers, 0);
    clean(NULL);

    two_accounts_one_device();
    SIM_FAULTS(&rig.cloud, "status=412@*/han/*");
    SIM_FAULTS(&rig.shed, "delay=2000@*/cemm/");
    query = realtime("han");
    reply = rig_get(&rig, &query);
    reply_expect(reply_from(&reply, "cloud shed"), "the account that lists it later", &reply);
    reply_clear(&reply);
}

/* ---- names and messages ---------------------------------------------------------------------- */

static void unknown_names_are_not_requested(void **state)
{
    static const char *const names[] = {"nonsense", "cemm", "P1", "heatpumps"};
    struct cemm_query query;
    struct reply reply;

    (void)state;
    SIM_START(&rig.lan, "--devices", "1", "--lan", "1", "--extra", "heatpump=mb5", "--extra",
              "boiler=mb5");
    rig_begin(&rig);
    rig_add_lan(&rig);
    client_set(&rig.client, "extra-alias", "heatpump");
    rig_run(&rig);
    for (int meters_known = 0; meters_known < 2; meters_known++) {
        free(sim_requests(&rig.lan));
        for (size_t i = 0; i < COUNT(names); i++) {
            query = realtime(names[i]);
            reply = rig_get(&rig, &query);
            reply_expect(reply.result == CEMM_ABSENT && reply.message[0], names[i], &reply);
        }
        query = realtime("boiler"); /* exists, but is in no list */
        reply = rig_get(&rig, &query);
        reply_expect(reply.result == CEMM_ABSENT, "boiler", &reply);
        assert_int_equal(sim_count(&rig.lan, ""), 0);
        query = realtime("heatpump");
        reply = rig_get(&rig, &query);
        reply_expect(reply_from(&reply, GARAGE), "extra-alias", &reply);
        reply_clear(&reply);
        rig_get_to_know(&rig);
    }
}

static void a_failing_list_is_reported_once(void **state)
{
    struct reply reply;

    (void)state;
    SIM_START(&rig.cloud, "--devices", "1");
    SIM_FAULTS(&rig.cloud, "status=408@*/cemm/");
    rig_begin(&rig);
    rig_add_cloud(&rig, "10");
    rig_run(&rig);
    for (int i = 0; i < 10; i++)
        reply_expect(client_find(&rig.client, NULL, &reply) == -ETIMEDOUT, "408", &reply);
    assert_int_equal(sim_count(&rig.cloud, "cloud "), 10);
    assert_int_equal(lines_with(rig.log, "HTTP 408"), 1);
    assert_int_equal(lines_with(rig.log, ""), 1);
    sim_no_faults(&rig.cloud);
    for (int i = 0; i < 3; i++)
        reply_expect(client_find(&rig.client, NULL, &reply) == 0, "found", &reply);
    assert_int_equal(lines_with(rig.log, "works again"), 1);
    assert_int_equal(lines_with(rig.log, ""), 2);
}

/* On the LAN, the root document and the search for meters use the same route. An answer with the
 * root document does not end the failure of the search. */
static void a_failing_search_is_reported_once(void **state)
{
    struct cemm_uid uid = client_uid();
    struct reply reply;

    (void)state;
    begin_at_home(false);
    SIM_FAULTS(&rig.lan, "status=502@*/io*");
    for (int i = 0; i < 3; i++) {
        reply_expect(client_find(&rig.client, NULL, &reply) == 0, "the root answers", &reply);
        reply_expect(client_find(&rig.client, &uid, &reply) < 0, "502", &reply);
    }
    assert_int_equal(lines_with(rig.log, "HTTP 502"), 1);
    assert_int_equal(lines_with(rig.log, "works again"), 0);
    sim_no_faults(&rig.lan);
    reply_expect(client_find(&rig.client, &uid, &reply) == 0, "found", &reply);
    assert_int_equal(lines_with(rig.log, "works again"), 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(freed_during_a_search, clean),
        cmocka_unit_test_teardown(repeating_requests_while_it_ends, clean),
        cmocka_unit_test_teardown(a_turn_ends_and_answers_are_fresh, clean),
        cmocka_unit_test_teardown(waiting_for_a_connection_is_no_failure, clean),
        cmocka_unit_test_teardown(a_slow_answer_is_waited_for, clean),
        cmocka_unit_test_teardown(a_sweep_is_not_cached, clean),
        cmocka_unit_test_teardown(a_stalled_device_leaves_room, clean),
        cmocka_unit_test_teardown(no_proxy_to_this_machine, clean),
        cmocka_unit_test_teardown(another_device_at_the_address, clean),
        cmocka_unit_test_teardown(an_address_changes_hands_unseen, clean),
        cmocka_unit_test_teardown(a_find_outlives_its_route, clean),
        cmocka_unit_test_teardown(a_route_comes_in_the_middle, clean),
        cmocka_unit_test_teardown(the_lan_was_down_at_first, clean),
        cmocka_unit_test_teardown(meters_of_both_accounts, clean),
        cmocka_unit_test_teardown(only_an_unknown_account_is_waited_for, clean),
        cmocka_unit_test_teardown(unknown_names_are_not_requested, clean),
        cmocka_unit_test_teardown(a_failing_list_is_reported_once, clean),
        cmocka_unit_test_teardown(a_failing_search_is_reported_once, clean),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s CEMM-SIM\n", argv[0]);
        return 2;
    }
    sim_program(argv[1]);
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
