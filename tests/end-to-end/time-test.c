/*
 * Tests weeks of the meters' time in minutes of real time. The engine and the simulator both get
 * the time from this program, which advances it in steps of ten seconds, the meters' interval. So
 * nothing here depends on speed, and the expected output is exact: each reading of each channel
 * once, with its own time and value, and days, months and years with the simulator's rows.
 *
 * The windows of time are at difficult dates: both clock changes (days of 25 and of 23 hours), the
 * end of a month and the end of a year. Between two windows time jumps by months, as if the machine
 * had been suspended.
 *
 * Only the clock is simulated (cemm_clock_*() of this program replace libcemm's); the network is
 * real. Time advances during a wait, because promises need that, but never up to the next reading.
 *
 * time-test SIMULATOR. With CEMM_E2E_LONG in the environment, it runs only weeks(), which takes
 * minutes.
 */
#include "tests/end-to-end/client.h"
#include "tests/simulator/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CADENCE_MS 10000 /* a meter has a reading this often */
#define OFFSET_MS  1000  /* a sweep begins that long after the readings that it gets */
#define FLOW_MS    8000  /* time advances by at most this during a wait */
#define HOUR_S     3600
#define DAY_S      86400
#define WAIT_MS    120000 /* of real time */
#define TURN_MS    10
#define PATH_SIZE  64
#define SINCE      "2024-01-01"

/* ---- the clock ------------------------------------------------------------------------------ */

static int64_t *shown; /* the simulated time, in memory shared with the simulator */
static int64_t step_ms, step_real_ms;

int64_t cemm_clock_wall(void)
{
    return __atomic_load_n(shown, __ATOMIC_SEQ_CST);
}

int64_t cemm_clock_steady(void)
{
    return cemm_clock_wall();
}

static void clock_step(int64_t ms)
{
    step_ms = ms;
    step_real_ms = client_now_ms();
    __atomic_store_n(shown, ms, __ATOMIC_SEQ_CST);
}

static void clock_flow(void)
{
    int64_t passed = client_now_ms() - step_real_ms;

    __atomic_store_n(shown, step_ms + (passed < FLOW_MS ? passed : FLOW_MS), __ATOMIC_SEQ_CST);
}

static void clock_begin(char ret_path[PATH_SIZE])
{
    int fd = memfd_create("clock", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(*shown)), 0);
    shown = mmap(NULL, sizeof(*shown), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(shown, MAP_FAILED);
    assert_true(snprintf(ret_path, PATH_SIZE, "/proc/%d/fd/%d", getpid(), fd) > 0);
}

/* ---- what is read, and what is expected ----------------------------------------------------- */

enum { P1, GAS, METERS };

static const char *const aliases[METERS] = {"p1", "p1-gas"};

/* One channel of one meter. */
struct line {
    int meter;
    int truth; /* the meter that has measured the readings */
    enum channel channel;
    int64_t last;            /* time of the simulator's newest reading */
    size_t wanted, received; /* numbers of readings */
    size_t sweep_received;   /* number of readings received in this sweep */
    struct cemm_sample at;   /* the newest reading received, without its text */
};

static struct line lines[] = {
    {.meter = P1, .truth = P1, .channel = CHANNEL_T1},
    {.meter = P1, .truth = P1, .channel = CHANNEL_T2},
    {.meter = P1, .truth = P1, .channel = CHANNEL_T3},
    {.meter = P1, .truth = P1, .channel = CHANNEL_T4},
    {.meter = P1, .truth = P1, .channel = CHANNEL_POWER},
    {.meter = P1, .truth = P1, .channel = CHANNEL_RATE},
    {.meter = P1, .truth = GAS, .channel = CHANNEL_GAS},
    {.meter = GAS, .truth = GAS, .channel = CHANNEL_GAS},
};

static struct {
    struct sim sim;
    struct client client;
    struct calendar *calendar;
    struct meter *meters[METERS];
    struct cemm_ledger *ledger;
    bool swept;
    bool hourly;        /* the time of a gas reading is the full hour before it */
    const char *absent; /* a part of the path that is requested for the absent meter */
    size_t sweeps, answers, documents, rows;
} soak;

static struct line *line_of(const char *alias, const char *channel)
{
    for (size_t i = 0; i < COUNT(lines); i++)
        if (strcmp(alias, aliases[lines[i].meter]) == 0 &&
            strcmp(channel, channel_name(lines[i].channel)) == 0)
            return &lines[i];
    fail_msg("%s of %s: no meter has that", channel, alias);
    return NULL;
}

static void take_sample(const char *alias, const struct cemm_document *document,
                        const struct cemm_series *series, const struct cemm_sample *sample)
{
    struct line *line = line_of(alias, series->channel);
    struct cemm_ledger_entry *entry =
        cemm_ledger_entry(soak.ledger, &cemm_document_query(document)->uid, alias, series->channel);

    assert_non_null(entry);
    if (!cemm_ledger_accept(entry, document, sample))
        return;
    line->sweep_received++;
    line->received++;
    line->at = *sample;
}

static void take_answer(void *data, const struct cemm_uid *uid, const char *alias,
                        const struct cemm_answer *answer)
{
    size_t count;

    (void)data;
    (void)uid;
    if (!answer) {
        soak.swept = true;
        return;
    }
    if (answer->result != 0 || !alias)
        fail_msg("at %lld: %s", (long long)step_ms, answer->message);
    soak.answers++;
    assert_in_range(cemm_document_fetched(answer->document), step_ms, step_ms + FLOW_MS);
    const struct cemm_series *series = cemm_document_series(answer->document, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < series[i].count; k++)
            take_sample(alias, answer->document, &series[i], &series[i].samples[k]);
}

static void turn(int64_t until)
{
    if (client_now_ms() > until)
        fail_msg("at %lld: nothing came within %d s", (long long)step_ms, WAIT_MS / 1000);
    assert_int_equal(cemm_turn(soak.client.cemm, TURN_MS, NULL, 0), 0);
    clock_flow();
}

/* Checks that the sweep's sample of a line is the simulator's newest reading, and that there is
 * none if that reading was received before. */
static void check_line(struct line *line)
{
    struct sample sample;

    assert_int_equal(meter_latest(soak.meters[line->truth], line->channel, step_ms, &sample), 0);
    bool fresh = sample.time_ms > line->last;
    bool right = line->sweep_received == fresh &&
                 (!fresh || (line->at.time == sample.time_ms &&
                             line->at.value == (double)sample.value / VALUE_ONE));
    if (!right)
        fail_msg(
            "%s %s at %lld: %zu received, the last %.17g of %lld; the simulator has %.17g of %lld",
            aliases[line->meter], channel_name(line->channel), (long long)step_ms,
            line->sweep_received, line->at.value, (long long)line->at.time,
            (double)sample.value / VALUE_ONE, (long long)sample.time_ms);
    line->wanted += fresh;
    line->last = sample.time_ms;
    line->sweep_received = 0;
}

static void sweep(void)
{
    static const struct cemm_selection all;
    int64_t until = client_now_ms() + WAIT_MS;

    soak.swept = false;
    assert_int_equal(cemm_sweep(soak.client.cemm, &all, take_answer, NULL), 0);
    while (!soak.swept)
        turn(until);
    soak.sweeps++;
    for (size_t i = 0; i < COUNT(lines); i++)
        check_line(&lines[i]);
}

/* ---- history -------------------------------------------------------------------------------- */

static void compare_rows(const struct cemm_period *period, const struct cemm_series *series,
                         int64_t utc, size_t *ret_count)
{
    struct sample *rows;
    size_t count;

    assert_int_equal(meter_rows(soak.meters[P1], (enum period)period->span, CHANNEL_POWER, utc,
                                step_ms, &rows, &count),
                     0);
    if (!series || series->count != count)
        fail_msg("%d-%d-%d: %zu rows, the simulator has %zu", period->year, period->month,
                 period->day, series ? series->count : 0, count);
    for (size_t i = 0; i < count; i++) {
        const struct cemm_sample *sample = &series->samples[count - 1 - i]; /* oldest first */

        assert_int_equal(sample->time, rows[i].time_ms);
        assert_true(sample->value == (double)rows[i].value / VALUE_ONE);
    }
    free(rows);
    *ret_count = count;
}

/* Gets the period that contains the time `utc`, in its current state. If `channel` is not NULL,
 * checks its rows and returns their number. */
static size_t check_period(enum cemm_span span, const char *channel, int64_t utc)
{
    const struct cemm_zone *zone = cemm_zone(soak.client.cemm);
    struct cemm_query query = client_query(CEMM_DATA, aliases[P1]);
    int64_t until = client_now_ms() + WAIT_MS;
    struct reply reply;
    size_t count = 0;

    query.period = cemm_period_at(zone, span, utc);
    client_ask(&soak.client, &query, &reply);
    while (reply.answers == 0)
        turn(until);
    if (reply.result != 0)
        fail_msg("at %lld: %s", (long long)step_ms, reply.message);
    if (channel)
        compare_rows(&query.period, cemm_document_channel(reply.document, channel), utc, &count);
    reply_clear(&reply);
    soak.documents++;
    soak.rows += count;
    return count;
}

/* Checks that a day that has ended has a row for each of its minutes, however long it is. */
static void check_whole_day(int64_t utc)
{
    const struct cemm_zone *zone = cemm_zone(soak.client.cemm);
    struct cemm_period day = cemm_period_at(zone, CEMM_DAY, utc);
    int64_t length = cemm_period_end(zone, &day) - cemm_period_start(zone, &day);
    size_t count = check_period(CEMM_DAY, "electric_power", utc);

    assert_int_equal(count, length / 60);
    if (length != DAY_S)
        printf("# %d-%02d-%02d: %lld hours, %zu rows\n", day.year, day.month, day.day,
               (long long)length / HOUR_S, count);
}

/* ---- windows -------------------------------------------------------------------------------- */

static int64_t midnight(const char *date)
{
    struct cemm_period day;

    assert_true(cemm_period_parse(CEMM_DAY, date, &day));
    return cemm_period_start(cemm_zone(soak.client.cemm), &day);
}

static void run_window(int64_t begin, int64_t end)
{
    const struct cemm_zone *zone = cemm_zone(soak.client.cemm);
    struct cemm_period today = cemm_period_at(zone, CEMM_DAY, begin);

    for (int64_t utc = begin; utc < end; utc += CADENCE_MS / 1000) {
        clock_step(utc * 1000 + OFFSET_MS);
        sweep();
        if ((utc - begin) % HOUR_S == 0)
            check_period(CEMM_DAY, "electric_power", utc);
        struct cemm_period day = cemm_period_at(zone, CEMM_DAY, utc);
        if (cemm_period_compare(&day, &today) != 0) /* midnight has passed */
            check_whole_day(cemm_period_start(zone, &today));
        today = day;
    }
    /* Checks all days again, whether they are closed or not. */
    for (today = cemm_period_at(zone, CEMM_DAY, begin); cemm_period_end(zone, &today) < end;
         today = cemm_period_step(&today, 1))
        check_whole_day(cemm_period_start(zone, &today));
    check_period(CEMM_MONTH, NULL, begin);
    check_period(CEMM_YEAR, NULL, begin);
    /* A reading is expected every ten seconds, or for gas every hour. */
    for (size_t i = 0; i < COUNT(lines); i++) {
        bool hourly = soak.hourly && lines[i].channel == CHANNEL_GAS;
        int64_t every = hourly ? HOUR_S : CADENCE_MS / 1000;

        assert_int_equal(lines[i].wanted, (end - begin) / every);
        assert_int_equal(lines[i].received, lines[i].wanted);
        lines[i].wanted = lines[i].received = 0;
    }
}

static void begin(const char *promise, const char *gas_stamp)
{
    char path[PATH_SIZE];

    clock_begin(path);
    clock_step(INT64_C(1727740800000)); /* 2024-10-01, because the clock must not go back later */
    sim_start(&soak.sim, (const char *const[]){"--devices", "1", "--meters", "p1,p1-gas", "--since",
                                               SINCE, "--promise", promise, "--clock", path,
                                               "--gas-stamp", gas_stamp, NULL});
    client_begin(&soak.client);
    client_cloud(&soak.client, &soak.sim, "home");
    client_set(&soak.client, "alias", aliases[P1]);
    client_set(&soak.client, "alias", aliases[GAS]);
    client_start(&soak.client);
    soak.ledger = cemm_ledger_new(0, NULL, 0);
    assert_non_null(soak.ledger);
    assert_int_equal(calendar_new("Europe/Amsterdam", &soak.calendar), 0);
    for (int i = 0; i < METERS; i++)
        assert_int_equal(
            meter_new(soak.calendar, midnight(SINCE), CLIENT_UID, aliases[i], &soak.meters[i]), 0);
    soak.hourly = strcmp(gas_stamp, "hour") == 0;
    if (soak.hourly)
        meter_gas_stamped_hourly(soak.meters[GAS]);
}

static int end(void **state)
{
    (void)state;
    printf("# %zu sweeps, %zu answers; %zu documents of history with %zu rows\n", soak.sweeps,
           soak.answers, soak.documents, soak.rows);
    for (int i = 0; i < METERS; i++)
        meter_free(soak.meters[i]);
    calendar_free(soak.calendar);
    cemm_ledger_free(soak.ledger);
    client_end(&soak.client);
    sim_end(&soak.sim);
    memset(&soak, 0, sizeof(soak));
    for (size_t i = 0; i < COUNT(lines); i++)
        lines[i].last = 0;
    return 0;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void weeks(void **state)
{
    static const char *const windows[][2] = {
        {"2024-10-21", "2024-11-02"}, /* summer time ends; a month ends */
        {"2024-12-24", "2025-01-05"}, /* a year ends */
        {"2025-03-21", "2025-04-02"}, /* summer time begins */
    };

    (void)state;
    begin("0", "hour");
    for (size_t i = 0; i < COUNT(windows); i++)
        run_window(midnight(windows[i][0]), midnight(windows[i][1]));
}

static void two_nights(void **state)
{
    static const char *const changes[][2] = {
        {"2024-10-27", "2024-10-28"},
        {"2025-03-30", "2025-03-31"},
    };

    (void)state;
    begin("0", "telegram");
    for (size_t i = 0; i < COUNT(changes); i++) {
        run_window(midnight(changes[i][0]) - HOUR_S, midnight(changes[i][0]) + 4 * HOUR_S);
        run_window(midnight(changes[i][1]) - HOUR_S, midnight(changes[i][1]) + HOUR_S);
    }
}

/* A midnight at which a promise precedes each answer. */
static void promised(void **state)
{
    (void)state;
    begin("5", "hour");
    run_window(midnight("2025-01-01") - HOUR_S, midnight("2025-01-01") + HOUR_S);
}

/* ---- found again ---------------------------------------------------------------------------- */

static void expect_meters(const char *when, const char *wanted, size_t requests)
{
    struct cemm_uid uid = client_uid();
    struct reply reply;

    free(sim_requests(&soak.sim));
    assert_int_equal(client_find(&soak.client, NULL, &reply), 0);
    assert_int_equal(client_find(&soak.client, &uid, &reply), 0);
    char *log = sim_requests(&soak.sim);
    char *meters = client_meters(&soak.client);
    if (strcmp(meters, wanted) != 0 || lines_with(log, soak.absent) != requests)
        fail_msg("%s: meters %s, wanted %s, by %zu requests:\n%s", when, meters, wanted, requests,
                 log);
    free(meters);
    free(log);
}

/* Checks that an absent meter is searched for again a day later and not before. `before` and
 * `after` are the meters that are known before and after the absent meter is found. */
static void found_again(const char *when, const char *before, const char *after)
{
    const int64_t begun = INT64_C(1739183027000);

    expect_meters("at first", before, 1);
    clock_step(begun + DAY_S * INT64_C(1000) / 2);
    expect_meters("half a day later", before, 0);
    clock_step(begun + DAY_S * INT64_C(1000) + CADENCE_MS);
    expect_meters("a day later", before, 1);
    sim_no_faults(&soak.sim);
    clock_step(begun + DAY_S * INT64_C(3000) / 2);
    expect_meters("the meter exists, and there is no search", before, 0);
    clock_step(begun + DAY_S * INT64_C(2000) + CADENCE_MS * 2);
    expect_meters(when, after, 1);
}

static void begin_absent(bool lan, const char *fault, const char *absent)
{
    char path[PATH_SIZE];

    clock_begin(path);
    clock_step(INT64_C(1739183027000));
    sim_start(&soak.sim,
              (const char *const[]){"--devices", "1", "--lan", lan ? "1" : "0", "--meters",
                                    "p1,s01,usage", "--clock", path, "--fault", fault, NULL});
    client_begin(&soak.client);
    if (lan)
        client_local(&soak.client, soak.sim.lan, "garage");
    else
        client_cloud(&soak.client, &soak.sim, "home");
    client_start(&soak.client);
    soak.absent = absent;
}

static void found_again_in_the_cloud(void **state)
{
    (void)state;
    begin_absent(false, "status=412@cloud:*/s01/", "/s01/ ");
    found_again("two days later, in the cloud", "p1", "p1 s01");
}

/* The meter `usage` is found although io answers and does not list it. */
static void found_again_on_the_lan(void **state)
{
    (void)state;
    begin_absent(true, "status=404@lan:*/usage/*", "/usage/");
    found_again("two days later, on the LAN", "p1 s01", "p1 s01 usage");
}

/* ---- no longer listed ----------------------------------------------------------------------- */

#define OTHER_UID "00-1E-C0-00-00-02"

static struct {
    size_t good, bad;  /* number of answers from the other device in a sweep */
    size_t gone, back; /* number of log lines about a device that is gone or back */
} listed;

static void take_listed(void *data, const struct cemm_uid *uid, const char *alias,
                        const struct cemm_answer *answer)
{
    (void)data;
    (void)alias;
    soak.swept |= answer == NULL;
    if (!answer || !uid)
        return;
    if (strcmp(uid->text, OTHER_UID) != 0)
        assert_int_equal(answer->result, 0);
    else if (answer->result == 0)
        listed.good++;
    else
        listed.bad++;
}

static void count_line(void *data, enum cemm_level level, const char *message)
{
    (void)data;
    (void)level;
    listed.gone += strstr(message, OTHER_UID " is no longer in the list of devices") != NULL;
    listed.back += strstr(message, OTHER_UID " is in the list of devices again") != NULL;
    if (level == CEMM_LOG_WARNING)
        printf("# %s\n", message);
}

/* Sweeps the selected meters for some minutes. sim_requests() then returns the requests of the last
 * five minutes. */
static void sweep_for(int minutes, const struct cemm_selection *selection)
{
    int64_t until = client_now_ms() + WAIT_MS;

    for (int i = 0; i < minutes * 6; i++) {
        if (i == (minutes - 5) * 6)
            free(sim_requests(&soak.sim));
        clock_step((step_ms / CADENCE_MS + 1) * CADENCE_MS);
        listed.good = listed.bad = 0;
        soak.swept = false;
        assert_int_equal(cemm_sweep(soak.client.cemm, selection, take_listed, NULL), 0);
        while (!soak.swept)
            turn(until);
    }
}

static void expect_requests(const char *when, size_t least, size_t most, size_t most_lists)
{
    char *log = sim_requests(&soak.sim);
    size_t requests = lines_with(log, OTHER_UID);
    size_t lists = lines_with(log, "/cemm/ ");

    if (requests < least || requests > most || lists > most_lists)
        fail_msg("%s: %zu requests of the device, %zu of the list:\n%s", when, requests, lists,
                 log);
    free(log);
}

static void begin_listed(void)
{
    char path[PATH_SIZE];

    memset(&listed, 0, sizeof(listed));
    clock_begin(path);
    clock_step(INT64_C(1739183027000));
    sim_start(&soak.sim,
              (const char *const[]){"--devices", "2", "--meters", "p1", "--clock", path, NULL});
    client_begin(&soak.client);
    client_cloud(&soak.client, &soak.sim, "home");
    soak.client.cemm = cemm_new(soak.client.config, CEMM_BACKOFF_POLLER, count_line, NULL);
    assert_non_null(soak.client.cemm);
}

/* A device that its account no longer lists and that does not answer is no longer requested. With
 * uid-twice, the list has only the first device. `fault` is a further fault of the second device.
 */
static void no_longer_listed(const struct cemm_selection *selection, const char *fault)
{
    begin_listed();
    sweep_for(15, selection);
    assert_int_equal(listed.good, 1);
    SIM_FAULTS(&soak.sim, "uid-twice@*/cemm/", fault, "status=404@cloud:" OTHER_UID ":*");
    sweep_for(30, selection);
    expect_requests("not listed", 0, 0, 6);
    assert_int_equal(listed.good, 0);
    sweep_for(30, selection);
    assert_int_equal(listed.gone, 1);
    sim_no_faults(&soak.sim);
    sweep_for(15, selection);
    expect_requests("listed again", 30, 32, 1);
    assert_int_equal(listed.good, 1);
    assert_int_equal(listed.gone, 1);
    assert_int_equal(listed.back, 1);
}

static void no_longer_listed_by_an_account(void **state)
{
    (void)state;
    no_longer_listed(&(struct cemm_selection){.source = "cloud home"},
                     "status=404@cloud:" OTHER_UID ":*");
}

static void no_longer_listed_by_any(void **state)
{
    (void)state;
    no_longer_listed(&(struct cemm_selection){0}, "status=404@cloud:" OTHER_UID ":*");
}

/* As no_longer_listed_by_an_account(), but requests to the device are pending when the list
 * arrives. */
static void no_longer_listed_meanwhile(void **state)
{
    (void)state;
    no_longer_listed(&(struct cemm_selection){.source = "cloud home", .overlaps = true},
                     "delay=30@cloud:" OTHER_UID ":*");
}

/* A device that still answers is requested even if it is not listed. */
static void not_listed_but_answering(void **state)
{
    (void)state;
    const struct cemm_selection all = {0};

    begin_listed();
    sweep_for(15, &all);
    SIM_FAULTS(&soak.sim, "uid-twice@*/cemm/");
    sweep_for(45, &all);
    expect_requests("it answers", 30, 32, 1);
    assert_int_equal(listed.good, 1);
    assert_int_equal(listed.gone, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(two_nights, end),
        cmocka_unit_test_teardown(promised, end),
        cmocka_unit_test_teardown(found_again_in_the_cloud, end),
        cmocka_unit_test_teardown(found_again_on_the_lan, end),
        cmocka_unit_test_teardown(no_longer_listed_by_an_account, end),
        cmocka_unit_test_teardown(no_longer_listed_by_any, end),
        cmocka_unit_test_teardown(no_longer_listed_meanwhile, end),
        cmocka_unit_test_teardown(not_listed_but_answering, end),
    };
    const struct CMUnitTest long_tests[] = {cmocka_unit_test_teardown(weeks, end)};

    if (argc != 2) {
        fprintf(stderr, "usage: %s SIMULATOR\n", argv[0]);
        return 2;
    }
    sim_program(argv[1]);
    return getenv("CEMM_E2E_LONG") ? cmocka_run_group_tests(long_tests, NULL, NULL)
                                   : cmocka_run_group_tests(tests, NULL, NULL);
}
