/*
 * Tests an account with 1,000 devices that have three meters each. The first answer to every
 * request is a promise. The checks do not depend on speed: every answer arrives once, over no more
 * connections than allowed, in little memory. Devices that hang or never keep a promise delay no
 * other device: all healthy devices have answered before the first deadline of a faulty one.
 */
#include "client.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICES          1000
#define METERS           3
#define CONNECTIONS      64
#define BYTES_PER_DEVICE (10 * 1024)
#define TIMEOUT          30 /* seconds: long enough for a busy machine */
#define SLOWER           4  /* the machine may become that many times slower between two sweeps */
#define FEW_REQUESTS     25

static time_t healthy_seconds; /* duration of the very first sweep, without faults */

struct sweep {
    struct sim sim;
    struct client client;
    size_t answers;    /* good answers */
    size_t failures;   /* of meters and devices */
    size_t overdue;    /* failures because a promise was not kept by the deadline */
    size_t late;       /* good answers after the first overdue failure */
    size_t unexpected; /* failures of healthy devices */
    unsigned sockets;  /* peak number of open sockets */
    time_t seconds;    /* duration */
    bool done;
};

static unsigned count_sockets(void)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    unsigned count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory))) {
        char target[64] = "";
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
        count += length > 0 && strncmp(target, "socket:", 7) == 0;
    }
    closedir(directory);
    return count;
}

/* Whether a uid ends in this digit. Devices with 7 hang, and those with 9 never keep a promise. */
static bool ends_in(const struct cemm_uid *uid, char digit)
{
    return uid->text[CEMM_UID_SIZE - 2] == digit;
}

static void take(void *data, const struct cemm_uid *uid, const char *alias,
                 const struct cemm_answer *answer)
{
    struct sweep *sweep = data;

    if (!answer) {
        sweep->done = true;
    } else if (answer->result == 0 && alias) {
        sweep->answers++;
        sweep->late += sweep->overdue > 0;
    } else {
        sweep->failures++;
        sweep->overdue += uid && ends_in(uid, '9');
        sweep->unexpected += !uid || !(ends_in(uid, '7') || ends_in(uid, '9'));
    }
}

static void run(struct sweep *sweep)
{
    const struct cemm_selection all = {0};
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    const time_t start = now.tv_sec;
    sweep->answers = sweep->failures = sweep->overdue = sweep->late = sweep->unexpected = 0;
    sweep->done = false;
    assert_int_equal(cemm_sweep(sweep->client.cemm, &all, take, sweep), 0);
    while (!sweep->done) {
        assert_int_equal(cemm_turn(sweep->client.cemm, 1000, NULL, 0), 0);
        unsigned sockets = count_sockets();
        sweep->sockets = sockets > sweep->sockets ? sockets : sweep->sockets;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    sweep->seconds = now.tv_sec - start;
}

/* Starts the simulator. Its data begins yesterday, so that it need not compute years of a thousand
 * meters. */
static void begin(struct sweep *sweep, time_t timeout)
{
    static char seconds[16];
    static char since[16];
    static char devices[16];
    const char *const options[] = {"--devices", devices, "--promise", "1000",
                                   "--since",   since,   NULL};
    time_t yesterday = time(NULL) - 86400;
    struct tm tm;

    gmtime_r(&yesterday, &tm);
    assert_true(strftime(since, sizeof(since), "%Y-%m-%d", &tm) > 0);
    assert_true(snprintf(devices, sizeof(devices), "%d", DEVICES) > 0);
    *sweep = (struct sweep){0};
    sim_start(&sweep->sim, options);
    client_begin(&sweep->client);
    client_cloud(&sweep->client, &sweep->sim, "home");
    client_set(&sweep->client, "max-connections", "64");
    assert_true(snprintf(seconds, sizeof(seconds), "%d", (int)timeout) > 0);
    client_set(&sweep->client, "timeout", seconds);
}

static void end(struct sweep *sweep)
{
    client_end(&sweep->client);
    sim_end(&sweep->sim);
}

static void test_all_answers(void **state)
{
    static struct sweep sweep;
    unsigned before;

    (void)state;
    begin(&sweep, TIMEOUT);
    client_start(&sweep.client);
    before = count_sockets();
    size_t memory = mallinfo2().uordblks;
    run(&sweep);
    healthy_seconds = sweep.seconds;
    assert_int_equal(sweep.answers, DEVICES * METERS);
    assert_int_equal(sweep.failures, 0);
    /* Connections stay open, and their buffers in libcurl are included. */
    size_t grown = mallinfo2().uordblks - memory;
    printf("# %zu bytes of memory a device, connections included; %u sockets\n", grown / DEVICES,
           sweep.sockets - before);
    assert_true(grown < (size_t)DEVICES * BYTES_PER_DEVICE);
    assert_true(sweep.sockets - before <= CONNECTIONS);

    /* When the meters are known, a sweep requests nothing but their values. */
    free(sim_requests(&sweep.sim));
    run(&sweep);
    assert_int_equal(sweep.answers, DEVICES * METERS);
    char *lines = sim_requests(&sweep.sim);
    size_t kept = lines_with(lines, "/realtime/ - 200");
    size_t asked = lines_with(lines, "/realtime/ - ");
    size_t others = lines_with(lines, " GET ") - asked;
    free(lines);
    assert_int_equal(kept, DEVICES * METERS);
    assert_int_equal(others, 0);
    /* How long a promise takes is learned once for all devices, so most samples take two requests.
     */
    printf("# %zu requests for %zu samples\n", asked, kept);
    assert_true(asked * 2 <= 5 * kept);
    end(&sweep);
}

static void test_faulty_ones_delay_no_other(void **state)
{
    static struct sweep sweep;
    size_t healthy = 0;

    (void)state;
    begin(&sweep, TIMEOUT + SLOWER * healthy_seconds);
    SIM_FAULTS(&sweep.sim, "stall@*-?7/*", "promise-forever@*-?9/*");
    client_start(&sweep.client);
    for (int i = 1; i <= DEVICES; i++)
        healthy += (i & 15) != 7 && (i & 15) != 9;
    run(&sweep);
    assert_int_equal(sweep.answers, healthy * METERS);
    assert_int_equal(sweep.late, 0);
    assert_int_equal(sweep.failures, DEVICES - healthy);
    assert_int_equal(sweep.unexpected, 0);

    /* The faulty devices recover without intervention after their back-off. */
    sim_no_faults(&sweep.sim);
    for (int tries = 0; tries < 20 && sweep.answers < DEVICES * METERS; tries++) {
        client_turn_for(&sweep.client, 1000);
        run(&sweep);
    }
    assert_int_equal(sweep.answers, DEVICES * METERS);
    end(&sweep);
}

/* To read an unknown device with two meters, nine documents are needed. The promise of each is kept
 * after 5 s, and yet only a few requests are sent. */
static void test_few_requests(void **state)
{
    static struct sweep sweep;

    (void)state;
    sim_start(&sweep.sim, (const char *const[]){"--devices", "1", "--meters", "p1,s01", "--promise",
                                                "5000", NULL});
    client_begin(&sweep.client);
    client_cloud(&sweep.client, &sweep.sim, "home");
    client_start(&sweep.client);
    run(&sweep);
    assert_int_equal(sweep.answers, 2);
    assert_int_equal(sweep.failures, 0);
    char *lines = sim_requests(&sweep.sim);
    size_t asked = lines_with(lines, " GET ");
    printf("# %zu requests for two samples behind promises of 5 s\n", asked);
    if (asked > FEW_REQUESTS)
        fail_msg("%s", lines);
    free(lines);
    end(&sweep);
}

#define MANY 300 /* more than are logged one by one */

/* Numbers of lines in the log. */
struct lines {
    size_t refused; /* about a device that answered with 502 */
    size_t summed;  /* about messages that were left out */
    size_t all;
};

static void take_line(void *data, enum cemm_level level, const char *text)
{
    struct lines *lines = data;

    (void)level;
    lines->refused += strstr(text, "HTTP 502") != NULL;
    lines->summed += strstr(text, "200 messages about individual devices") != NULL;
    lines->all++;
}

static void sweep_until_done(struct sweep *sweep)
{
    run(sweep);
    assert_int_equal(sweep->answers + sweep->failures, MANY);
}

/* If the cloud is broken, all devices fail at once, and this is not logged for each of them. */
static void test_one_cause_logs_few_lines(void **state)
{
    static struct sweep sweep;
    struct lines lines = {0};
    struct cemm_message message;

    (void)state;
    sim_start(&sweep.sim, (const char *const[]){"--devices", "300", "--meters", "p1", NULL});
    SIM_FAULTS(&sweep.sim, "status=502@*/realtime/*");
    client_begin(&sweep.client);
    client_cloud(&sweep.client, &sweep.sim, "home");
    assert_int_equal(cemm_config_finish(sweep.client.config, &message), 0);
    sweep.client.cemm = cemm_new(sweep.client.config, CEMM_BACKOFF_POLLER, take_line, &lines);
    assert_non_null(sweep.client.cemm);
    sweep_until_done(&sweep);
    assert_int_equal(sweep.failures, MANY);
    if (sweep.seconds < 60) { /* otherwise the messages are spread over two minutes */
        assert_int_equal(lines.refused, 200);
        assert_int_equal(lines.summed, 1);
        assert_int_equal(lines.all, 201);
    }

    /* A minute later, messages are logged again. */
    sim_no_faults(&sweep.sim);
    client_turn_for(&sweep.client, 60000);
    lines = (struct lines){0};
    sweep_until_done(&sweep);
    assert_int_equal(lines.refused, 0);
    assert_true(lines.all > 0);
    end(&sweep);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_answers),
        cmocka_unit_test(test_faulty_ones_delay_no_other),
        cmocka_unit_test(test_few_requests),
        cmocka_unit_test(test_one_cause_logs_few_lines),
    };

    if (argc != 2)
        return 2;
    sim_program(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
