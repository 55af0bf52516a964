/*
 * Tests what is archived, what is requested again and what is not, by counting the requests in the
 * simulator's log.
 *
 * The simulator's data begins on 2024-05-03, so there are always closed, current and future
 * periods, whatever the date is.
 *
 * The client's clock can be set, because cemm_clock_wall() of this program replaces libcemm's. The
 * simulator uses the machine's clock, also for the Date header of its answers.
 */
#include "tests/end-to-end/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SINCE     "2024-05-03"
#define DAY_FILE  "p1/data/day/2024/06/2024-06-01.json"
#define PATH_SIZE 512
#define YEARS_MAX 40 /* at most this many requests to /data/year/ */

#define MANY_DAYS 120 /* their documents are more than the cache holds */

#define DAY_MS INT64_C(86400000)

static struct rig rig;
static char top[PATH_SIZE]; /* the test's directory, which contains the archive */
static int64_t ahead_ms;    /* by how much our clock is ahead of the machine's */

int64_t cemm_clock_wall(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ahead_ms;
}

static int setup(void **state)
{
    const char *base = getenv("TMPDIR");

    (void)state;
    snprintf(top, sizeof(top), "%.200s/cemm-archive.XXXXXX", base ? base : "/tmp");
    return mkdtemp(top) ? 0 : -1;
}

static int delete_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    rig_end(&rig);
    ahead_ms = 0;
    client_zone = "Europe/Amsterdam";
    return nftw(top, delete_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- a client with an archive -------------------------------------------------------------- */

/* Returns a path in the archive. It stays valid during the next three calls. */
static const char *in_archive(const char *name)
{
    static char paths[4][PATH_SIZE];
    static size_t turn;
    char *path = paths[turn++ % COUNT(paths)];

    snprintf(path, PATH_SIZE, "%.200s/archive%s%.200s", top, *name ? "/" : "", name);
    return path;
}

/* Returns a path below the device's directory in the archive. */
static const char *of_device(const char *name)
{
    char below[200];

    snprintf(below, sizeof(below), CLIENT_UID "/%.150s", name);
    return in_archive(below);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void set_time(const char *path, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Simulates a new run of a program, with the same archive and with these sources. */
static void run_with(bool lan, bool cloud)
{
    client_end(&rig.client);
    rig_begin(&rig);
    if (lan)
        rig_add_lan(&rig);
    if (cloud)
        rig_add_cloud(&rig, "10");
    struct cemm_message message;
    assert_int_equal(cemm_config_section(rig.client.config, "archive", "", &message), 0);
    client_set(&rig.client, "directory", in_archive(""));
    rig_run(&rig);
    rig.log_length = 0;
    rig.log[0] = '\0';
    cemm_archive_use(rig.client.cemm);
}

static void run(void)
{
    run_with(false, true);
}

static void begin(void)
{
    SIM_START(&rig.cloud, "--devices", "1", "--meters", "p1,s01", "--since", SINCE);
    run();
}

static struct cemm_query query_of(enum cemm_endpoint endpoint, const char *alias, const char *date)
{
    struct cemm_query query = client_query(endpoint, alias);
    static const size_t lengths[] = {[CEMM_DAY] = 10, [CEMM_MONTH] = 7, [CEMM_YEAR] = 4};

    for (size_t i = 0; i < COUNT(lengths); i++)
        if (strlen(date) == lengths[i])
            assert_true(cemm_period_parse((enum cemm_span)i, date, &query.period));
    return query;
}

/* Gets a document, and checks its source, whether it has samples, and how many requests the cloud
 * received for it. */
static void expect_data(const char *what, enum cemm_endpoint endpoint, const char *date,
                        size_t requests, const char *source, bool samples)
{
    struct cemm_query query = query_of(endpoint, "p1", date);
    char path[PATH_SIZE];
    struct reply reply = rig_get(&rig, &query);

    reply_expect(reply_from(&reply, source), what, &reply);
    reply_expect((cemm_document_newest(reply.document) != 0) == samples, what, &reply);
    reply_clear(&reply);
    snprintf(path, sizeof(path), "cloud " CLIENT_UID " GET /v1/cemm/" CLIENT_UID "/p1/");
    size_t asked = sim_count(&rig.cloud, path);
    if (asked != requests)
        fail_msg("%s: %zu requests, wanted %zu", what, asked, requests);
}

static void expect_day(const char *what, size_t requests, const char *source)
{
    expect_data(what, CEMM_DATA, "2024-06-01", requests, source, true);
}

/* ---- closed periods -------------------------------------------------------------------------- */

static void requested_once(void **state)
{
    static const struct {
        enum cemm_endpoint endpoint;
        const char *date;
        const char *file;
    } rows[] = {
        {CEMM_DATA, "2024-06-01", DAY_FILE},
        {CEMM_DATA, "2024-06", "p1/data/month/2024/2024-06.json"},
        {CEMM_DATA, "2024", "p1/data/year/2024.json"},
        {CEMM_TOTALS, "2024-06-01", "p1/totals/2024/06/2024-06-01.json"},
    };

    (void)state;
    begin();
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(is_there(of_device(rows[i].file)));
        expect_data(rows[i].date, rows[i].endpoint, rows[i].date, 1, HOME, true);
        assert_true(is_there(of_device(rows[i].file)));
        expect_data(rows[i].date, rows[i].endpoint, rows[i].date, 0, HOME, true);
    }
    run();
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_data(rows[i].date, rows[i].endpoint, rows[i].date, 0, "archive", true);
    /* The archive is also read without a network. Then only a directory of the archive says that
     * the device exists. */
    sim_stop(&rig.cloud, SIGKILL);
    run();
    assert_non_null(cemm_device_at(rig.client.cemm, 0));
    rig_expect_meters(&rig, "offline", "p1");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = query_of(rows[i].endpoint, "p1", rows[i].date);
        struct reply reply = rig_get(&rig, &query);
        reply_expect(reply_from(&reply, "archive"), rows[i].date, &reply);
        reply_clear(&reply);
    }
}

/* If the archive has only one file of a device, the client knows only the meter of that file. Other
 * meters are not reported as absent, because only a source can say that a meter is absent. */
static void known_in_part(void **state)
{
    struct cemm_query query;
    struct reply reply;

    (void)state;
    begin();
    expect_day("the first file", 1, HOME);
    run();
    rig_expect_meters(&rig, "after it", "p1");
    query = query_of(CEMM_DATA, "s01", "2024-06-01");
    reply = rig_get(&rig, &query);
    reply_expect(reply_from(&reply, HOME), "another meter", &reply);
    reply_clear(&reply);
    run();
    query = query_of(CEMM_DATA, "s02", "2024-06-01");
    reply = rig_get(&rig, &query);
    reply_expect(reply.result == CEMM_ABSENT, "an alias that the device does not have", &reply);
}

static void bytes_are_the_api_s_own(void **state)
{
    struct cemm_query query = query_of(CEMM_DATA, "p1", "2024-06-01");
    char *kept = NULL;
    size_t room = 0;
    size_t length;

    (void)state;
    begin();
    struct reply reply = rig_get(&rig, &query);
    FILE *file = fopen(of_device(DAY_FILE), "r");
    assert_non_null(file);
    ssize_t got = getdelim(&kept, &room, '\0', file);
    fclose(file);
    const char *bytes = cemm_document_bytes(reply.document, &length);
    assert_int_equal(got, length);
    assert_memory_equal(kept, bytes, length);
    free(kept);
    reply_clear(&reply);
}

/* Today's data will change, and yesterday's may still change. */
static void current_is_not_archived(void **state)
{
    struct cemm_period today;

    (void)state;
    begin();
    const struct cemm_zone *zone = cemm_zone(rig.client.cemm);
    today = cemm_period_at(zone, CEMM_DAY, time(NULL));
    for (int ago = 0; ago < 2; ago++) {
        struct cemm_period day = cemm_period_step(&today, -ago);
        struct cemm_query query = client_query(CEMM_DATA, "p1");
        query.period = day;
        struct reply reply = rig_get(&rig, &query);
        reply_expect(reply.result == 0, "a current day", &reply);
        assert_false(cemm_archived(rig.client.cemm, &query));
        reply_clear(&reply);
    }
}

static void deleted_is_fetched_again(void **state)
{
    (void)state;
    begin();
    expect_day("cold", 1, HOME);
    assert_int_equal(unlink(of_device(DAY_FILE)), 0);
    expect_day("deleted", 1, HOME);
    assert_true(is_there(of_device(DAY_FILE)));
}

/* An answer without a sample is not archived for good: the meter is asked again a day later. */
static void empty_is_remembered_for_a_day(void **state)
{
    const char *file;

    (void)state;
    begin();
    expect_data("cold", CEMM_DATA, "2024-04-01", 1, HOME, false);
    expect_data("warm", CEMM_DATA, "2024-04-01", 0, HOME, false);
    assert_false(is_there(of_device("p1/data/day/2024/04/2024-04-01.json")));
    run();
    expect_data("the next run", CEMM_DATA, "2024-04-01", 0, "archive", false);
    file = in_archive(".empty/" CLIENT_UID "/p1/data/day/2024/04/2024-04-01");
    set_time(file, time(NULL) - 86401);
    run();
    expect_data("the next day", CEMM_DATA, "2024-04-01", 1, HOME, false);
}

static void damaged_is_put_aside(void **state)
{
    static const char *const texts[] = {"", "{\"data\":{\"electric_power\":[[1717192800000,", "[]"};
    char aside[PATH_SIZE * 2];

    (void)state;
    begin();
    expect_day("cold", 1, HOME);
    for (size_t i = 0; i < COUNT(texts); i++) {
        put(of_device(DAY_FILE), texts[i]);
        run();
        expect_day("damaged", 1, HOME);
        snprintf(aside, sizeof(aside), "%s.damaged", of_device(DAY_FILE));
        assert_int_equal(unlink(aside), 0);
        assert_true(lines_with(rig.log, aside) == 1);
        struct cemm_archive_state about;
        assert_true(cemm_archive_at(rig.client.cemm, &about));
        assert_int_equal(about.damaged, 1);
        run();
        expect_day("mended", 0, "archive");
    }
}

/* If nothing can be written (here because the archive's directory can't be made), everything else
 * works, and one message is logged. */
static void can_not_be_written(void **state)
{
    struct cemm_archive_state about;

    (void)state;
    put(in_archive(""), "a file where the directory should be");
    begin();
    expect_day("cold", 1, HOME);
    expect_day("warm", 0, HOME);
    expect_data("another day", CEMM_DATA, "2024-06-02", 1, HOME, true);
    assert_int_equal(lines_with(rig.log, "what is fetched is shown, but not kept"), 1);
    assert_true(cemm_archive_at(rig.client.cemm, &about));
    assert_true(about.failed > 0 && about.written == 0);
    assert_int_equal(unlink(in_archive("")), 0);
    expect_data("when it can be written", CEMM_DATA, "2024-06-03", 1, HOME, true);
    assert_int_equal(lines_with(rig.log, "can be written again"), 1);
    assert_true(is_there(of_device("p1/data/day/2024/06/2024-06-03.json")));
}

/* ---- our clock may be wrong ------------------------------------------------------------------ */

/* Gets the period that was current `days_ago` days ago by the machine's clock. The caller clears
 * the reply. */
static struct reply get_around(enum cemm_endpoint endpoint, enum cemm_span span, int days_ago)
{
    struct cemm_query query = client_query(endpoint, "p1");

    query.period =
        cemm_period_at(cemm_zone(rig.client.cemm), span, time(NULL) - days_ago * DAY_MS / 1000);
    struct reply reply = rig_get(&rig, &query);
    reply_expect(reply.result == 0, "an answer with another clock", &reply);
    return reply;
}

/* Gets a period, and checks whether it is closed and archived, and its source. */
static void expect_kept(const char *what, enum cemm_endpoint endpoint, enum cemm_span span,
                        int days_ago, bool kept, const char *source)
{
    struct reply reply = get_around(endpoint, span, days_ago);

    reply_expect(reply_from(&reply, source), what, &reply);
    if (cemm_document_closed(reply.document) != kept ||
        cemm_archived(rig.client.cemm, cemm_document_query(reply.document)) != kept)
        fail_msg("%s: %s archived", what, kept ? "not" : "wrongly");
    reply_clear(&reply);
}

/* Our clock is ahead. No period is closed early, because the Date header of the answers shows that
 * the period has not ended. */
static void clock_ahead(void **state)
{
    static const struct {
        enum cemm_endpoint endpoint;
        enum cemm_span span;
        int days_ago;
    } rows[] = {
        {CEMM_DATA, CEMM_DAY, 0},   {CEMM_DATA, CEMM_DAY, 1},  {CEMM_TOTALS, CEMM_DAY, 0},
        {CEMM_DATA, CEMM_MONTH, 0}, {CEMM_DATA, CEMM_YEAR, 0},
    };

    (void)state;
    ahead_ms = 400 * DAY_MS;
    begin();
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_kept("ahead", rows[i].endpoint, rows[i].span, rows[i].days_ago, false, HOME);
    expect_kept("ahead, a closed period", CEMM_DATA, CEMM_DAY, 5, true, HOME);
    ahead_ms = 0;
    run();
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_kept("right again", rows[i].endpoint, rows[i].span, rows[i].days_ago, false, HOME);
    ahead_ms = 400 * DAY_MS;
    run();
    free(sim_requests(&rig.cloud));
    expect_kept("a day that has not ended", CEMM_DATA, CEMM_DAY, 0, false, HOME);
    ahead_ms += 61000; /* the day is requested again after a minute */
    struct reply reply = get_around(CEMM_DATA, CEMM_DAY, 0);
    assert_int_equal(sim_count(&rig.cloud, "cloud " CLIENT_UID " GET /v1/cemm/"), 2);
    reply_clear(&reply);
}

/* The Date header is wrong, because the device does not know the time. Periods are closed
 * nevertheless: at once if the date is in 1970, otherwise after a sample of the device that is
 * newer than the period. */
static void device_without_clock(void **state)
{
    struct cemm_query realtime = client_query(CEMM_REALTIME, "p1");
    struct reply reply;

    (void)state;
    begin();
    SIM_FAULTS(&rig.cloud, "date=86400@*"); /* a Date header in 1970 is ignored */
    expect_kept("a date in 1970", CEMM_DATA, CEMM_DAY, 10, true, HOME);
    SIM_FAULTS(&rig.cloud, "date=1000000000@*");
    expect_kept("a date in 2001, without a sample", CEMM_DATA, CEMM_DAY, 5, false, HOME);
    reply = rig_get(&rig, &realtime);
    reply_expect(reply.result == 0, "a sample", &reply);
    reply_clear(&reply);
    run(); /* forgets the device's samples */
    expect_kept("in the next run", CEMM_DATA, CEMM_DAY, 5, false, HOME);
    run();
    reply = rig_get(&rig, &realtime);
    reply_expect(reply.result == 0, "a sample again", &reply);
    reply_clear(&reply);
    expect_kept("after a sample of today", CEMM_DATA, CEMM_DAY, 5, true, HOME);
    expect_kept("today itself", CEMM_DATA, CEMM_DAY, 0, false, HOME);
    expect_kept("yesterday", CEMM_DATA, CEMM_DAY, 1, false, HOME);
    run();
    reply = get_around(CEMM_DATA, CEMM_DAY, 0); /* its rows of power also count as samples */
    reply_clear(&reply);
    expect_kept("after a row of today", CEMM_DATA, CEMM_DAY, 6, true, HOME);
}

/* A sample of one device does not prove that a period of another device has closed. */
static void device_without_clock_of_two(void **state)
{
    static const char *const uids[] = {"00-1E-C0-00-00-02", CLIENT_UID};
    struct cemm_query realtime = client_query(CEMM_REALTIME, "p1");

    (void)state;
    SIM_START(&rig.cloud, "--devices", "2", "--meters", "p1", "--since", SINCE);
    SIM_FAULTS(&rig.cloud, "date=1000000000@*");
    run();
    for (size_t i = 0; i < COUNT(uids); i++) {
        assert_true(cemm_uid_parse(uids[i], &realtime.uid));
        struct reply reply = rig_get(&rig, &realtime);
        reply_expect(reply.result == 0, "a sample", &reply);
        reply_clear(&reply);
        expect_kept(uids[i], CEMM_DATA, CEMM_DAY, 5, i == 1, HOME);
    }
}

/* An archived period is closed, even if our clock is behind. */
static void clock_behind(void **state)
{
    (void)state;
    begin();
    expect_kept("with a right clock", CEMM_DATA, CEMM_DAY, 3, true, HOME);
    ahead_ms = -3 * DAY_MS;
    run();
    expect_kept("behind", CEMM_DATA, CEMM_DAY, 3, true, "archive");
}

/* ---- rows of other periods ------------------------------------------------------------------- */

static const struct {
    enum cemm_endpoint endpoint;
    const char *before; /* the period before `date` */
    const char *date;
    const char *file_before;
    const char *file;
} periods[] = {
    {CEMM_DATA, "2024-05-31", "2024-06-01", "p1/data/day/2024/05/2024-05-31.json", DAY_FILE},
    {CEMM_DATA, "2024-05", "2024-06", "p1/data/month/2024/2024-05.json",
     "p1/data/month/2024/2024-06.json"},
    {CEMM_DATA, "2024", "2025", "p1/data/year/2024.json", "p1/data/year/2025.json"},
    {CEMM_TOTALS, "2024-05-31", "2024-06-01", "p1/totals/2024/05/2024-05-31.json",
     "p1/totals/2024/06/2024-06-01.json"},
};

static char *text_of(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;

    assert_non_null(file);
    assert_true(getdelim(&text, &room, '\0', file) > 0);
    fclose(file);
    return text;
}

static void expect_same_text(const char *path, const char *wanted)
{
    char *text = text_of(path);

    assert_string_equal(text, wanted);
    free(text);
}

/* An earlier version, which ran with a wrong time zone, archived rows of the previous period. Such
 * a file is kept until a source has the period, and is then replaced by the answer. */
static void other_zone_s_files(void **state)
{
    char *right[COUNT(periods)], *wrong[COUNT(periods)];

    (void)state;
    begin();
    for (size_t i = 0; i < COUNT(periods); i++) {
        expect_data("before", periods[i].endpoint, periods[i].before, 1, HOME, true);
        expect_data("right", periods[i].endpoint, periods[i].date, 1, HOME, true);
        wrong[i] = text_of(of_device(periods[i].file_before));
        right[i] = text_of(of_device(periods[i].file));
        put(of_device(periods[i].file), wrong[i]);
    }
    SIM_FAULTS(&rig.cloud, "status=502@*/p1/data/*", "status=412@*/p1/totals/*");
    run();
    for (size_t i = 0; i < COUNT(periods); i++) {
        expect_data("no other source has it", periods[i].endpoint, periods[i].date, 1, "archive",
                    false);
        expect_same_text(of_device(periods[i].file), wrong[i]);
    }
    assert_int_equal(lines_with(rig.log, "as if it had been fetched in another time zone"), 1);
    assert_int_equal(lines_with(rig.log, "the time zone is probably not the meter's"), 0);
    sim_no_faults(&rig.cloud);
    for (size_t i = 0; i < COUNT(periods); i++) {
        expect_data("suspected", periods[i].endpoint, periods[i].date, 1, HOME, true);
        expect_same_text(of_device(periods[i].file), right[i]);
        expect_data("replaced", periods[i].endpoint, periods[i].date, 0, HOME, true);
    }
    run();
    for (size_t i = 0; i < COUNT(periods); i++) {
        expect_data("for good", periods[i].endpoint, periods[i].date, 0, "archive", true);
        free(right[i]);
        free(wrong[i]);
    }
}

/* Reading a file that was archived in another zone is not an answer of the source, so the source's
 * error is not cleared. */
static void other_zone_s_file_does_not_clear_the_error(void **state)
{
    struct cemm_query query = query_of(CEMM_DATA, "p1", "2024-06-01");

    (void)state;
    begin();
    expect_data("before", CEMM_DATA, "2024-05-31", 1, HOME, true);
    expect_day("right", 1, HOME);
    char *wrong = text_of(of_device("p1/data/day/2024/05/2024-05-31.json"));
    assert_int_equal(unlink(of_device(DAY_FILE)), 0);
    SIM_FAULTS(&rig.cloud, "status=403@*/p1/data/*");
    run();
    struct reply reply = rig_get(&rig, &query);
    reply_expect(reply.result == CEMM_DENIED, "denied", &reply);
    put(of_device(DAY_FILE), wrong);
    free(wrong);
    free(sim_requests(&rig.cloud));
    expect_data("denied, and suspect", CEMM_DATA, "2024-06-01", 1, "archive", false);
    assert_int_equal(lines_with(rig.log, "HTTP 403"), 1);
    assert_int_equal(lines_with(rig.log, "works again"), 0);
    sim_no_faults(&rig.cloud);
    expect_day("replaced", 1, HOME);
    assert_int_equal(lines_with(rig.log, "works again"), 1);
}

/* A failure that occurs twice is logged once, even if more documents than the cache holds are read
 * in between. */
static void failures_are_logged_once(void **state)
{
    struct cemm_query query = query_of(CEMM_DATA, "p1", "2024-06-01");
    struct cemm_query other = query_of(CEMM_DATA, "s01", "2024-06-01");
    struct cemm_query none = client_query(CEMM_DATA, "p1");

    (void)state;
    begin();
    SIM_FAULTS(&rig.cloud, "status=403@*/p1/data/*");
    for (int turn = 0; turn < 2; turn++) {
        struct reply reply = rig_get(&rig, &query);
        reply_expect(reply.result == CEMM_DENIED, "denied", &reply);
        for (int i = 0; turn == 0 && i < MANY_DAYS; i++) {
            reply = rig_get(&rig, &other);
            reply_expect(reply.result == 0, "another meter", &reply);
            reply_clear(&reply);
            other.period = cemm_period_step(&other.period, 1);
        }
    }
    assert_int_equal(lines_with(rig.log, "HTTP 403"), 1);
    assert_int_equal(cemm_get(rig.client.cemm, &none, -1, NULL, NULL, NULL), -EINVAL);
}

/* If the configured zone is wrong, answers are not archived and a message says so. The archive
 * records the zone that it was written with. */
static void wrong_zone(void **state)
{
    (void)state;
    client_zone = "Europe/Helsinki";
    begin();
    rig_get_to_know(&rig);
    for (size_t i = 0; i < COUNT(periods); i++) {
        struct cemm_query query = query_of(periods[i].endpoint, "p1", periods[i].date);
        struct reply reply = rig_get(&rig, &query);
        reply_expect(reply_from(&reply, HOME), "in a wrong zone", &reply);
        /* The totals of a day may begin with the last reading of the previous day. */
        bool kept = periods[i].endpoint == CEMM_TOTALS;
        assert_int_equal(cemm_document_closed(reply.document), kept);
        assert_int_equal(is_there(of_device(periods[i].file)), kept);
        reply_clear(&reply);
    }
    assert_int_equal(lines_with(rig.log, "the time zone is probably not the meter's"), 1);
    run();
    assert_int_equal(lines_with(rig.log, "filled while the time zone was"), 0);
    client_zone = "Europe/Amsterdam";
    run();
    assert_int_equal(lines_with(rig.log, "was filled while the time zone was Europe/Helsinki"), 1);
    free(sim_requests(&rig.cloud));
    for (size_t i = 0; i < COUNT(periods); i++) {
        expect_data("in the right one", periods[i].endpoint, periods[i].date, 1, HOME, true);
        assert_true(is_there(of_device(periods[i].file)));
    }
    assert_int_equal(lines_with(rig.log, "the time zone is probably not the meter's"), 0);
    run();
    assert_int_equal(lines_with(rig.log, "filled while the time zone was"), 0);
}

/* A row at the end of a period belongs to the next period. It does not make the file suspect. */
static void row_at_the_end(void **state)
{
    (void)state;
    SIM_START(&rig.cloud, "--devices", "1", "--meters", "p1,s01", "--since", SINCE, "--next-row");
    for (int turn = 0; turn < 2; turn++) {
        run();
        for (size_t i = 0; i < COUNT(periods); i++) {
            struct cemm_query query = query_of(periods[i].endpoint, "p1", periods[i].date);
            int64_t end = cemm_period_end(cemm_zone(rig.client.cemm), &query.period) * 1000;
            struct reply reply = rig_get(&rig, &query);
            size_t count;
            reply_expect(reply_from(&reply, turn ? "archive" : HOME), periods[i].date, &reply);
            assert_true(cemm_document_closed(reply.document));
            assert_in_range(cemm_document_newest(reply.document), 1, end - 1);
            const struct cemm_series *series = cemm_document_series(reply.document, &count);
            for (size_t j = 0; j < count; j++)
                if (series[j].count > 0)
                    assert_true(series[j].samples[series[j].count - 1].time < end);
            reply_clear(&reply);
        }
    }
    assert_int_equal(lines_with(rig.log, "the time zone is probably not the meter's"), 0);
}

/* ---- the first day with data ----------------------------------------------------------------- */

static void take_result(void *data, const struct cemm_answer *answer)
{
    struct reply *reply = data;

    reply->answers++;
    reply->result = answer->result;
    snprintf(reply->message, sizeof(reply->message), "%s", answer->message);
}

static int find_first(const char *alias)
{
    struct cemm_uid uid = client_uid();
    struct reply reply = {0};

    assert_int_equal(cemm_find_first(rig.client.cemm, &uid, alias, take_result, &reply, NULL), 0);
    client_wait(&rig.client, &reply);
    return reply.result;
}

static void expect_first(const char *alias, const char *wanted)
{
    struct cemm_uid uid = client_uid();
    struct cemm_period day;
    char date[16] = "none";
    bool known;

    if (cemm_first_day(rig.client.cemm, &uid, alias, &day, &known))
        cemm_period_format(&day, date, sizeof(date));
    assert_string_equal(date, wanted);
}

/* Returns how many periods were requested: the number of years times 100, plus the number of
 * months. */
static size_t count_periods(void)
{
    char *lines = sim_requests(&rig.cloud);
    size_t years = lines_with(lines, "/data/year/");
    size_t months = lines_with(lines, "/data/month/");

    free(lines);
    assert_true(years <= YEARS_MAX);
    return years * 100 + months;
}

static void first_day_is_found_once(void **state)
{
    struct cemm_period now;

    (void)state;
    begin();
    now = cemm_period_at(cemm_zone(rig.client.cemm), CEMM_YEAR, time(NULL));
    rig_get_to_know(&rig);
    free(sim_requests(&rig.cloud));
    expect_first("p1", "none");
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", SINCE);
    assert_int_equal(count_periods(), (size_t)(now.year - 2010 + 1) * 100 + 1);
    assert_int_equal(find_first("p1"), 0);
    assert_int_equal(count_periods(), 0);
    run();
    expect_first("p1", SINCE);
    assert_int_equal(find_first("p1"), 0);
    assert_int_equal(count_periods(), 0);
    rig_expect_meters(&rig, "known by the archive", "p1 s01");
}

static void first_day_in_part(void **state)
{
    (void)state;
    begin();
    rig_get_to_know(&rig);
    SIM_FAULTS(&rig.cloud, "status=502@*/data/month/*");
    assert_int_equal(find_first("p1"), -EIO);
    expect_first("p1", "2024-05-01"); /* only its month is known */
    SIM_FAULTS(&rig.cloud, "status=502@*/data/year/*");
    assert_int_equal(find_first("s01"), -EIO);
    expect_first("s01", "none");
    sim_no_faults(&rig.cloud);
    run(); /* none of these results was archived */
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", SINCE);
    assert_int_equal(find_first("s01"), 0);
    expect_first("s01", SINCE);
}

static void no_data_at_all(void **state)
{
    (void)state;
    begin();
    rig_get_to_know(&rig);
    SIM_FAULTS(&rig.cloud, "status=412@*/data/*");
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", "none");
    assert_true(count_periods() > 0);
    assert_int_equal(find_first("p1"), 0); /* not requested again so soon */
    assert_int_equal(count_periods(), 0);
    sim_no_faults(&rig.cloud);
    ahead_ms = 61000;
    client_turn_for(&rig.client, 1);
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", SINCE);
}

static size_t count_of(struct sim *sim, const char *part)
{
    char *lines = sim_requests(sim);
    size_t count = lines_with(lines, part);

    free(lines);
    return count;
}

/* Starts two sources: the device on the LAN has lost data that the cloud still has. */
static void begin_two(void)
{
    SIM_START(&rig.lan, "--devices", "1", "--meters", "p1,s01", "--since", "2025-10-05", "--lan",
              "1");
    SIM_START(&rig.cloud, "--devices", "1", "--meters", "p1,s01", "--since", SINCE);
}

static bool first_known(const char *alias)
{
    struct cemm_uid uid = client_uid();
    struct cemm_period day;
    bool known;

    (void)cemm_first_day(rig.client.cemm, &uid, alias, &day, &known);
    return known;
}

/* Every source is asked, also a source that is added later. The first day stays known after the
 * sources have disappeared. */
static void first_day_of_all_sources(void **state)
{
    (void)state;
    begin_two();
    run_with(true, false);
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", "2025-10-05");
    assert_true(first_known("p1"));
    run_with(true, true);
    expect_first("p1", "2025-10-05");
    assert_false(first_known("p1"));
    (void)count_of(&rig.lan, "");
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", SINCE);
    assert_true(first_known("p1"));
    assert_int_equal(count_of(&rig.lan, "/data/"), 0); /* it was asked in the previous run */
    for (int turn = 0; turn < 2; turn++) {
        run_with(turn == 0, turn > 0);
        assert_true(first_known("p1"));
        assert_int_equal(find_first("p1"), 0);
        expect_first("p1", SINCE);
    }
}

/* The order of the answers does not matter: here the cloud lists its devices late, or not at all.
 */
static void first_day_in_any_order(void **state)
{
    (void)state;
    begin_two();
    SIM_FAULTS(&rig.cloud, "delay=1000@*/v1/cemm/");
    run_with(true, true);
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", SINCE);
    assert_true(first_known("p1"));
    SIM_FAULTS(&rig.cloud, "status=502@*/v1/cemm/");
    run_with(true, true);
    assert_int_equal(find_first("s01"), 0);
    expect_first("s01", "2025-10-05");
    assert_false(first_known("s01"));
    sim_no_faults(&rig.cloud);
    run_with(true, true);
    assert_int_equal(find_first("s01"), 0);
    expect_first("s01", SINCE);
}

/* An earlier version recorded the first day without its sources. That day stays known, and all
 * sources are asked once. */
static void first_day_of_an_earlier_version(void **state)
{
    (void)state;
    begin_two();
    run_with(true, false);
    assert_int_equal(find_first("p1"), 0);
    put(of_device("p1/.first"), "2025-10-05\n");
    sim_stop(&rig.lan, SIGKILL);
    run_with(true, true);
    expect_first("p1", "2025-10-05");
    assert_int_equal(find_first("p1"), 0); /* only from the cloud */
    expect_first("p1", SINCE);
    assert_false(first_known("p1"));
    sim_stop(&rig.cloud, SIGKILL);
    run_with(true, true);
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", SINCE);
}

/* In a zone that is too far west, the row of the first month lies in the month before it. */
static void first_day_of_another_zone(void **state)
{
    (void)state;
    client_zone = "America/New_York";
    begin();
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", "2024-04-30");
    client_zone = "Europe/Amsterdam";
    run();
    expect_first("p1", "2024-04-30");
    assert_false(first_known("p1"));
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", SINCE);
    run();
    assert_true(first_known("p1"));
    expect_first("p1", SINCE);
}

/* As first_day_of_another_zone(), but one of two sources answers only in a later run. */
static void first_day_of_another_zone_in_part(void **state)
{
    (void)state;
    begin_two();
    client_zone = "America/New_York";
    run_with(true, true);
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", "2024-04-30");
    client_zone = "Europe/Amsterdam";
    SIM_FAULTS(&rig.cloud, "status=502@*/data/*");
    run_with(true, true);
    assert_int_equal(find_first("p1"), -EIO);
    expect_first("p1", "2024-04-30");
    sim_no_faults(&rig.cloud);
    run_with(true, true);
    assert_false(first_known("p1"));
    assert_int_equal(find_first("p1"), 0);
    expect_first("p1", SINCE);
    run_with(true, true);
    assert_true(first_known("p1"));
    expect_first("p1", SINCE);
}

/* "No data" in a period is valid only for the sources that have been asked. */
static void empty_in_one_source(void **state)
{
    struct cemm_query query;

    (void)state;
    begin_two();
    run_with(true, false);
    query = query_of(CEMM_DATA, "p1", "2024-06-01");
    for (int turn = 0; turn < 2; turn++) {
        struct reply reply = rig_get(&rig, &query);
        reply_expect(reply_from(&reply, turn ? "archive" : GARAGE), "the LAN only", &reply);
        reply_expect(cemm_document_newest(reply.document) == 0, "without a sample", &reply);
        reply_clear(&reply);
        run_with(true, false);
    }
    run_with(true, true);
    struct reply reply = rig_get(&rig, &query);
    reply_expect(reply_from(&reply, HOME), "the cloud, too", &reply);
    reply_expect(cemm_document_newest(reply.document) != 0, "with its samples", &reply);
    reply_clear(&reply);
    query = query_of(CEMM_DATA, "p1", "2024-06-02");
    SIM_FAULTS(&rig.cloud, "status=502@*/data/*");
    reply = rig_get(&rig, &query);
    reply_expect(reply.result == -EIO, "a period is not absent if only one source says so", &reply);
    query = query_of(CEMM_DATA, "p1", "2024-04-02");
    sim_no_faults(&rig.cloud);
    reply = rig_get(&rig, &query);
    reply_expect(reply.result == 0 && cemm_document_newest(reply.document) == 0,
                 "no source has a sample", &reply);
    reply_clear(&reply);
}

static void ended_during_a_search(void **state)
{
    struct cemm_uid uid = client_uid();
    struct reply reply = {0};

    (void)state;
    begin();
    rig_get_to_know(&rig);
    SIM_FAULTS(&rig.cloud, "stall@*/data/*");
    assert_int_equal(cemm_find_first(rig.client.cemm, &uid, "p1", take_result, &reply, NULL), 0);
    client_turn_for(&rig.client, 100);
    client_end(&rig.client);
    assert_int_equal(reply.answers, 1);
    assert_int_equal(reply.result, -ECANCELED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE(requested_once),
        CASE(known_in_part),
        CASE(bytes_are_the_api_s_own),
        CASE(current_is_not_archived),
        CASE(deleted_is_fetched_again),
        CASE(empty_is_remembered_for_a_day),
        CASE(damaged_is_put_aside),
        CASE(can_not_be_written),
        CASE(first_day_is_found_once),
        CASE(first_day_in_part),
        CASE(no_data_at_all),
        CASE(ended_during_a_search),
        CASE(clock_ahead),
        CASE(device_without_clock),
        CASE(device_without_clock_of_two),
        CASE(clock_behind),
        CASE(other_zone_s_files),
        CASE(other_zone_s_file_does_not_clear_the_error),
        CASE(failures_are_logged_once),
        CASE(wrong_zone),
        CASE(row_at_the_end),
        CASE(first_day_of_all_sources),
        CASE(first_day_in_any_order),
        CASE(first_day_of_an_earlier_version),
        CASE(first_day_of_another_zone),
        CASE(first_day_of_another_zone_in_part),
        CASE(empty_in_one_source),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s SIMULATOR\n", argv[0]);
        return EXIT_FAILURE;
    }
    sim_program(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
