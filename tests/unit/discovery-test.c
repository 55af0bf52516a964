/*
 * Tests discovery: which source an address gets, and what that source remembers of its previous
 * address. The test provides the packets, and no request is sent.
 */
#include "check.h"
#include "common/base/message.h"
#include "common/engine/discovery.h"
#include "common/engine/request.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>

static struct cemm_loop loop;
static struct cemm_store store;
static struct cemm_registry registry;
static struct cemm_discovery discovery;
static char address_of_all[] = "192.0.2.255";
static char *broadcast = address_of_all;
static const struct cemm_config config = {
    .broadcasts = {.items = &broadcast, .count = 1},
    .discovery_interval_ms = 300000,
};
static const struct cemm_query root = {.endpoint = CEMM_ROOT};

/* ---- the network ------------------------------------------------------------- */

static uint32_t sender;             /* the next packet comes from 192.0.2.0 plus this; 0: none */
static uint32_t claimed;            /* the last two bytes of the MAC in that packet */
static unsigned strdups = UINT_MAX; /* number of strdup() calls that still succeed; UINT_MAX: all */

ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_length);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
                      socklen_t to_length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

/* Returns a packet. */
ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_length)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(0xC0000200 + sender)};

    (void)fd;
    (void)flags;
    if (sender == 0)
        return -1;
    int length = snprintf(bytes, size,
                          "{\"ip\":\"192.0.2.1\",\"mac\":\"00:1E:C0:00:%02X:%02X\","
                          "\"version\":\"1.24\",\"type\":\"CEMM_basic\",\"init_state\":1}",
                          claimed >> 8, claimed & 255);
    memcpy(from, &address, sizeof(address));
    *from_length = sizeof(address);
    sender = 0;
    return length;
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to,
                      socklen_t to_length)
{
    (void)fd;
    (void)bytes;
    (void)flags;
    (void)to;
    (void)to_length;
    return (ssize_t)size;
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd;
    (void)address;
    (void)length;
    return 0;
}

char *__wrap_strdup(const char *text)
{
    if (strdups == 0)
        return NULL;
    strdups -= strdups != UINT_MAX;
    return __real_strdup(text);
}

/* ---- the registry ---------------------------------------------------------- */

static struct cemm_source *asked; /* the source that was asked last; NULL: none */

static void take_root(void *data, const struct cemm_query *query, const struct cemm_answer *answer)
{
    (void)data;
    (void)query;
    (void)answer;
}

static void ask_root(struct cemm_source *source, int64_t max_age)
{
    (void)max_age;
    asked = source;
    source->list.pending = 1;
    assert_non_null(cemm_request_start(&source->own, &root, take_root, NULL));
}

static void ended(struct cemm_registry *ignored)
{
    (void)ignored;
}

static unsigned lines; /* number of lines that were logged */

static void count_line(void *data, enum cemm_level level, const char *line)
{
    (void)data;
    (void)level;
    (void)line;
    lines++;
}

static int begin(void **state)
{
    (void)state;
    loop = (struct cemm_loop){
        .backoff_max = 300000,
        .now = 1000000,
        .wall = 1790000000000,
        .watched = -1,
        .ending = true, /* prevents requests from being sent */
    };
    registry = (struct cemm_registry){
        .loop = &loop, .store = &store, .ask_root = ask_root, .scanned = ended};
    TAILQ_INIT(&registry.sources);
    cemm_discovery_init(&discovery, &registry, &config);
    return 0;
}

static int end(void **state)
{
    (void)state;
    struct cemm_source *source;

    TAILQ_FOREACH (source, &registry.sources, link)
        cemm_requests_abort(source);
    cemm_discovery_clear(&discovery);
    cemm_registry_clear(&registry);
    assert_null(loop.timers.first);
    return 0;
}

static size_t source_count(void)
{
    const struct cemm_source *source;
    size_t count = 0;

    TAILQ_FOREACH (source, &registry.sources, link)
        count++;
    return count;
}

/* Returns the source that was made after `index` others. */
static struct cemm_source *source_at(size_t index)
{
    struct cemm_source *source = TAILQ_FIRST(&registry.sources);

    while (index-- > 0)
        source = TAILQ_NEXT(source, link);
    return source;
}

static void scan(void)
{
    cemm_discovery_scan(&discovery, 0);
    assert_true(discovery.scanning);
}

static void scan_ends(void)
{
    while (discovery.scanning) {
        loop.now += 1000;
        cemm_timers_run(&loop.timers, loop.now);
    }
}

/* Receives a packet in which `address` claims to be the device `number`. Returns the source whose
 * root document is then requested, or NULL. */
static struct cemm_source *claim_of(uint32_t address, uint32_t number)
{
    asked = NULL;
    sender = address;
    claimed = number;
    loop.on_readable(loop.watch_data);
    return asked;
}

/* The same, where each address claims to be a device of its own. */
static struct cemm_source *claim(uint32_t address)
{
    return claim_of(address, address);
}

/* Ends the request for the root document of a source. */
static void has_answered(struct cemm_source *source)
{
    cemm_requests_abort(source);
    source->list.pending = 0;
}

/* Answers with the root document of another device. */
static void refute(struct cemm_source *source)
{
    static const struct cemm_uid other = {"00-1E-C0-FF-FF-FF"};

    assert_false(cemm_discovery_confirm(&discovery, source, &other));
    has_answered(source);
}

static void scans_without_claims(int count)
{
    while (count-- > 0) {
        scan();
        scan_ends();
    }
}

/* ---- tests ------------------------------------------------------------------------ */

/* If an address has sent no claim in the last scans, its source is used for another address. The
 * source then remembers nothing of the first address. */
static void test_used_again(void **state)
{
    const struct cemm_last_reply refusal = {.status = 403, .retry_after_ms = 3600000};
    const char *message = "discovery: device information of 192.0.2.1: HTTP 403";

    (void)state;
    scan();
    struct cemm_source *source = claim(1);
    assert_non_null(source);
    cemm_refusal_record(&source->own, &root, &refusal, CEMM_DENIED, message);
    assert_non_null(cemm_route_failure(&source->own, &root));
    cemm_message_keep(&source->outcomes.last_message, message);
    cemm_message_keep(&source->own.failure.message, message);
    source->own.failure.result = -EHOSTUNREACH;
    source->list.failure_logged = source->own.proven = true;
    source->own.search.failure_logged = true;
    source->own.expected = source->expected = 700;
    source->unverified = true;
    source->confirmed = loop.now;
    source->own.newest = loop.wall;
    source->logged[source->logged_count++] = 1;
    source->left_out = 1;
    has_answered(source);
    scan_ends();
    scans_without_claims(3);
    scan();
    assert_ptr_equal(claim(2), source);
    expect_text("its address", source->config->address, "192.0.2.2");
    assert_null(cemm_route_failure(&source->own, &root));
    assert_null(source->outcomes.last_message);
    assert_null(source->own.failure.message);
    assert_int_equal(source->own.failure.result, 0);
    assert_false(source->list.failure_logged || source->own.proven || source->unverified);
    assert_false(source->own.search.failure_logged);
    assert_int_equal(source->own.expected, -1);
    assert_int_equal(source->expected, -1);
    assert_int_equal(source->confirmed, 0);
    assert_int_equal(source->own.newest, 0);
    assert_int_equal(source->logged_count, 0);
    assert_int_equal(source->left_out, 0);
    assert_ptr_equal(source->registry, &registry);
    assert_ptr_equal(source->own.source, source);
}

/* Two addresses with false claims do not take turns on one source: each is checked once per scan.
 */
static void test_refuted_stays(void **state)
{
    (void)state;
    scan();
    struct cemm_source *first = claim(1);
    assert_non_null(first);
    refute(first);
    struct cemm_source *second = claim(2);
    assert_non_null(second);
    assert_ptr_not_equal(second, first);
    refute(second);
    assert_null(claim(1));
    assert_null(claim(2));
    scan_ends();
    scans_without_claims(3);
    scan();
    assert_non_null(claim(3));
    assert_non_null(claim(4));
    assert_int_equal(source_count(), 2);
}

/* The first claim is false, and the true one arrives while the root is still requested. */
static void test_slow_root(void **state)
{
    const struct cemm_uid uid = {"00-1E-C0-00-00-01"};

    (void)state;
    scan();
    struct cemm_source *source = claim_of(1, 2);
    assert_non_null(source);
    assert_null(claim_of(1, 1));
    assert_true(cemm_discovery_confirm(&discovery, source, &uid));
    expect_text("its packet", source->discovered->beacon.uid.text, uid.text);
    has_answered(source);
    scan_ends();
    scan();
    assert_non_null(claim_of(1, 2));
    /* The true claim of the last scan no longer counts. */
    assert_false(cemm_discovery_confirm(&discovery, source, &uid));
    has_answered(source);
}

/* If no source can be added, a source that is not being asked is used again or, if all are being
 * asked, the source with the oldest claim. */
static void test_full(void **state)
{
    (void)state;
    scan();
    for (uint32_t i = 1; i <= CEMM_DISCOVERED_MAX; i++)
        assert_non_null(claim(i));
    refute(source_at(7));
    refute(source_at(9));
    assert_ptr_equal(claim(1001), source_at(7));
    assert_ptr_equal(claim(1002), source_at(9));
    assert_ptr_equal(claim(1003), source_at(0));
    assert_ptr_equal(claim(1004), source_at(1));
    assert_int_equal(source_count(), CEMM_DISCOVERED_MAX);
}

/* The failures at an address belong to the device that has left, not to the new device. */
static void test_detached(void **state)
{
    (void)state;
    scan();
    struct cemm_source *source = claim(1);
    assert_non_null(source);
    const struct cemm_uid uid = {"00-1E-C0-00-00-01"};
    assert_ptr_equal(cemm_route_get(source, &uid), &source->own);
    cemm_route_failed(&source->own, -ETIMEDOUT, "no answer in time");
    assert_ptr_equal(cemm_route_failure(&source->own, &root), &source->own.failure);
    cemm_route_detach(&source->own);
    assert_null(cemm_route_failure(&source->own, &root));
    assert_int_equal(source->own.failure.result, 0);
}

/* If there is no memory, no source is made. */
static void test_no_memory(void **state)
{
    (void)state;
    scan();
    strdups = 0;
    assert_null(claim(1));
    strdups = UINT_MAX;
    assert_int_equal(source_count(), 0);
    struct cemm_source *source = claim(1);
    assert_non_null(source);
    refute(source);
    scan_ends();
    scans_without_claims(3);
    scan();
    strdups = 0; /* using a source again needs no memory */
    assert_ptr_equal(claim(2), source);
    strdups = UINT_MAX;
}

/* A forged device names itself in its root document, and then does not answer. Such lines are
 * limited, too, unless the device has sent a sample. */
static void test_limited_outages(void **state)
{
    (void)state;
    loop.log = count_line;
    lines = 0;
    scan();
    for (uint32_t i = 1; i <= 2 * CEMM_REMARKS_MAX; i++) {
        struct cemm_source *source = claim(i);
        assert_non_null(source);
        assert_non_null(cemm_route_get(source, &source->discovered->claim.uid));
        cemm_route_failed(&source->own, -ETIMEDOUT, "no answer in time");
    }
    assert_int_equal(lines, CEMM_REMARKS_MAX + 1);
    source_at(0)->own.newest = loop.wall;
    source_at(0)->own.failure.health = (struct cemm_health){0};
    cemm_route_failed(&source_at(0)->own, -ETIMEDOUT, "no answer in time");
    assert_int_equal(lines, CEMM_REMARKS_MAX + 2);
}

/* The hour in which messages are limited begins with the first of them. */
static void test_limited(void **state)
{
    static const int64_t times[] = {3500000, 3600000, 7099999, 7100000};
    static const unsigned wanted[] = {CEMM_REMARKS_MAX + 1, 0, 0, CEMM_REMARKS_MAX + 1};

    (void)state;
    loop.log = count_line;
    scan();
    struct cemm_source *source = claim(1);
    assert_non_null(source);
    for (size_t i = 0; i < COUNT(times); i++) {
        loop.now = times[i];
        lines = 0;
        for (int j = 0; j < 2 * CEMM_REMARKS_MAX; j++) {
            source->discovered->logged = false;
            cemm_discovery_failed(source, "no answer");
        }
        assert_int_equal(lines, wanted[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_used_again, begin, end),
        cmocka_unit_test_setup_teardown(test_refuted_stays, begin, end),
        cmocka_unit_test_setup_teardown(test_slow_root, begin, end),
        cmocka_unit_test_setup_teardown(test_full, begin, end),
        cmocka_unit_test_setup_teardown(test_detached, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_limited_outages, begin, end),
        cmocka_unit_test_setup_teardown(test_limited, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
