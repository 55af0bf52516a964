/*
 * Tests each documented endpoint with each documented alias, of both interfaces, through libcemm.
 *
 * The table below follows the API documents, and the behaviour of real devices where the documents
 * say nothing. It has one row for each endpoint and alias, with the channels and their units. Every
 * row is requested from the simulator, and every value is compared with `cemm-sim --print` (the
 * oracle). The simulator's log must show exactly the documented path, with the start of the period
 * as `time`. The periods are difficult ones: days of 23 and 25 hours, a leap day, and the months
 * around them.
 */
#include "tests/end-to-end/client.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_S        1739183027 /* 2025-02-10 11:23:47 in Amsterdam: all of 2024 is closed */
#define NOW          "1739183027"
#define SINCE        "2024-01-01"
#define CADENCE_MS   10000 /* a meter has a reading every ten seconds */
#define HOUR_MS      INT64_C(3600000)
#define MINUTE_MS    INT64_C(60000)
#define LINE_SIZE    512
#define CHANNEL_SIZE (CEMM_NAME_SIZE + 24)
#define SHOWN        160
#define CLOUD_V1     "/v1/"
#define CLOUD_LONG   "/open-api/v1/"
#define LAN_PREFIX   "/open-api/v1/"

#define LAN_ALIASES                                                                        \
    "p1,p1-usb,emucs,emucs-usb,han,dlms-usb,p1-gas,emucs-gas,s01,s02,s03,pulse-1,pulse-2," \
    "pulse-3,mb1,mb247,usage"
#define LAN_COUNT   17
#define LISTED      16 /* number of meters in io, which does not list usage */
#define CLOUD_COUNT 6

enum api { CLOUD, LAN };

/* `expect` has the channels with their units and, after a +, the channels of the member `totals` of
 * realtime. For io and <alias>/ it is a part of the answer. */
struct row {
    enum api api;
    enum cemm_endpoint endpoint;
    enum cemm_span span;
    const char *alias;
    const char *expect;
};

#define READINGS "t1:kWh t2:kWh t3:kWh t4:kWh"
#define TOTALS   "+electric_energy:kWh +electric_energy_high:kWh"
#define LOW_HIGH "electric_energy_low:kWh electric_energy_high:kWh"

#define DATA_ROWS(api, alias, day, sums)                                               \
    {api, CEMM_DATA, CEMM_DAY, alias, day}, {api, CEMM_DATA, CEMM_MONTH, alias, sums}, \
    {                                                                                  \
        api, CEMM_DATA, CEMM_YEAR, alias, sums                                         \
    }

#define LAN_ROWS(alias, realtime, day, sums) \
    {LAN, CEMM_REALTIME, CEMM_DAY, alias, realtime}, DATA_ROWS(LAN, alias, day, sums)

#define CLOUD_ROWS(alias, type, realtime, day, sums, totals)                                   \
    {CLOUD, CEMM_INFO, CEMM_DAY, alias, "\"type\": \"" type "\""},                             \
        {CLOUD, CEMM_REALTIME, CEMM_DAY, alias, realtime}, DATA_ROWS(CLOUD, alias, day, sums), \
    {                                                                                          \
        CLOUD, CEMM_TOTALS, CEMM_DAY, alias, totals                                            \
    }

#define CLOUD_SMART(alias, type)                                                                   \
    CLOUD_ROWS(alias, type, READINGS " electric_power:W rate: switch: gas:m3", "electric_power:W", \
               LOW_HIGH, READINGS " electric_energy:kWh electric_energy_high:kWh gas:m3")
#define CLOUD_PULSE(alias)                                                              \
    CLOUD_ROWS(alias, "solar_energy", "electric_power:W", "electric_power:W", LOW_HIGH, \
               "electric_energy:kWh electric_energy_high:kWh")

#define LAN_SMART(alias) \
    LAN_ROWS(alias, READINGS " electric_power:W rate: gas:m3 " TOTALS, "electric_power:W", LOW_HIGH)
#define LAN_GAS(alias)   LAN_ROWS(alias, "gas:m3", "gas:m3", "gas:m3")
#define LAN_USAGE(alias) LAN_ROWS(alias, "electric_power:W", "electric_power:W", LOW_HIGH)
#define LAN_PULSE(alias) LAN_ROWS(alias, "electric_power:W " TOTALS, "electric_power:W", LOW_HIGH)
#define LAN_WATER(alias) LAN_ROWS(alias, "flow:L/min +volume:m3", "flow:L/min", "volume:m3")
#define LAN_MODBUS(alias)                                                          \
    LAN_ROWS(alias, "electric_power:W +t1:kWh +t2:kWh " TOTALS " +t3:kWh +t4:kWh", \
             "electric_power:W", LOW_HIGH)

static const struct row rows[] = {
    {CLOUD, CEMM_DEVICES, CEMM_DAY, "", NULL},
    {CLOUD, CEMM_IO, CEMM_DAY, "", "\"type\": \"p1\""},
    CLOUD_SMART("p1", "p1"),
    CLOUD_SMART("han", "han"),
    CLOUD_ROWS("p1-gas", "gas", "gas:m3", "gas:m3", "gas:m3", "gas:m3"),
    CLOUD_PULSE("s01"),
    CLOUD_PULSE("s02"),
    CLOUD_PULSE("s03"),
    {LAN, CEMM_ROOT, CEMM_DAY, "", NULL},
    {LAN, CEMM_IO, CEMM_DAY, "", "\"alias\": \"emucs-gas\""},
    LAN_SMART("p1"),
    LAN_SMART("p1-usb"),
    LAN_SMART("emucs"),
    LAN_SMART("emucs-usb"),
    LAN_SMART("han"),
    LAN_SMART("dlms-usb"),
    LAN_GAS("p1-gas"),
    LAN_GAS("emucs-gas"),
    LAN_PULSE("s01"),
    LAN_PULSE("s02"),
    LAN_PULSE("s03"),
    LAN_WATER("pulse-1"),
    LAN_WATER("pulse-2"),
    LAN_WATER("pulse-3"),
    LAN_MODBUS("mb1"),
    LAN_MODBUS("mb247"),
    LAN_USAGE("usage"),
};

/* With a DSMR 5 meter, gas has a row for each minute of a day. The meter p1 also has an
 * undocumented channel here. */
static const struct row dsmr5_cloud_rows[] = {
    {CLOUD, CEMM_DATA, CEMM_DAY, "p1-gas", "gas:L/min"},
    {CLOUD, CEMM_DATA, CEMM_MONTH, "p1-gas", "gas:m3"},
    {CLOUD, CEMM_REALTIME, CEMM_DAY, "p1",
     READINGS " electric_power:W rate: switch: gas:m3 humidity:"},
};
static const struct row dsmr5_lan_rows[] = {
    {LAN, CEMM_DATA, CEMM_DAY, "p1-gas", "gas:L/min"},
    {LAN, CEMM_DATA, CEMM_YEAR, "p1-gas", "gas:m3"},
    {LAN, CEMM_REALTIME, CEMM_DAY, "p1",
     READINGS " electric_power:W rate: gas:m3 humidity: " TOTALS},
};

/* The periods for which data and totals are requested. Their starts are constants, so that a wrong
 * calculation can't hide. */
static const struct {
    enum cemm_span span;
    const char *text;
    int64_t start;
    int64_t end;
    size_t rows; /* expected number of rows; for a day: number of its minutes */
} periods[] = {
    {CEMM_DAY, "2024-02-29", 1709161200, 1709247600, 1440},
    {CEMM_DAY, "2024-03-31", 1711839600, 1711922400, 1380},
    {CEMM_DAY, "2024-10-27", 1729980000, 1730070000, 1500},
    {CEMM_MONTH, "2024-02", 1706742000, 1709247600, 29},
    {CEMM_MONTH, "2024-03", 1709247600, 1711922400, 31},
    {CEMM_MONTH, "2024-10", 1727733600, 1730415600, 31},
    {CEMM_YEAR, "2024", 1704063600, 1735686000, 12},
};

struct rig {
    struct sim sim;
    struct client client;
    const char *options[SIM_OPTIONS_MAX];
    const char *prefix; /* of the cloud's URLs */
    bool by_minute;     /* DSMR 5 gas */
    size_t asked;
    char name[LINE_SIZE]; /* of the current request */
};

static struct rig rig;

#define CHECK(condition)                                      \
    do {                                                      \
        if (!(condition))                                     \
            fail_msg("%s: not so: %s", rig.name, #condition); \
    } while (0)

/* ---- the path ---------------------------------------------------------------------- */

/* Writes the documented path of a row, as the simulator logs it. */
static void write_path(const struct row *row, int64_t time, char ret_line[LINE_SIZE])
{
    static const char *const ends[] = {
        [CEMM_DEVICES] = "",
        [CEMM_ROOT] = "",
        [CEMM_IO] = "io",
        [CEMM_INFO] = "/",
        [CEMM_REALTIME] = "/realtime/",
        [CEMM_DATA] = "/data/",
        [CEMM_TOTALS] = "/totals/",
    };
    static const char *const spans[] = {"day/", "month/", "year/"};
    bool cloud = row->api == CLOUD;
    bool device = cloud && row->endpoint != CEMM_DEVICES;
    char query[32] = "-";

    if (row->endpoint == CEMM_DATA || row->endpoint == CEMM_TOTALS)
        snprintf(query, sizeof(query), "time=%" PRId64, time);
    int length =
        snprintf(ret_line, LINE_SIZE, "%s %s GET %s%s%s%s%s%s%s %s ", cloud ? "cloud" : "lan",
                 cloud && !device ? "-" : CLIENT_UID, cloud ? rig.prefix : LAN_PREFIX,
                 cloud ? "cemm/" : "", device ? CLIENT_UID "/" : "", row->alias,
                 ends[row->endpoint], cloud && row->endpoint == CEMM_IO ? "/" : "",
                 row->endpoint == CEMM_DATA ? spans[row->span] : "", query);
    assert_in_range(length, 1, LINE_SIZE - 1);
}

/* Checks that the log has only this request, and that it was answered with the document once.
 * Before that, the cloud must have answered with promises (status 202); the LAN must not. */
static void check_log(const struct row *row, int64_t time)
{
    char line[LINE_SIZE];
    char *log = sim_requests(&rig.sim);
    size_t promises = 0, answers = 0, others = 0;

    write_path(row, time, line);
    size_t length = strlen(line);
    for (const char *at = log; *at; at += strcspn(at, "\n") + 1) {
        bool same = strncmp(at, line, length) == 0;
        promises += same && strncmp(at + length, "202\n", 4) == 0;
        answers += same && strncmp(at + length, "200\n", 4) == 0;
        others += !same;
    }
    if (answers != 1 || others > 0 || (row->api == CLOUD) != (promises > 0))
        fail_msg("%s: wanted \"%s\", the log has:\n%s", rig.name, line, log);
    free(log);
}

/* ---- the answer -------------------------------------------------------------------- */

/* Splits the first "name:unit" of `expect`, and advances to the next one. Returns false after the
 * last one. */
static bool next_expected(const char **expect, char ret_name[CEMM_NAME_SIZE],
                          char ret_unit[CEMM_NAME_SIZE])
{
    size_t name = strcspn(*expect, ":");
    size_t unit = strcspn(*expect + name, " ");

    if (!**expect)
        return false;
    assert_true(name < CEMM_NAME_SIZE && unit >= 1 && unit < CEMM_NAME_SIZE);
    memcpy(ret_name, *expect, name);
    ret_name[name] = '\0';
    memcpy(ret_unit, *expect + name + 1, unit - 1);
    ret_unit[unit - 1] = '\0';
    *expect += name + unit;
    *expect += **expect == ' ';
    return true;
}

/* Writes the name that the oracle has for a channel. */
static void write_channel(const struct row *row, const struct cemm_series *series, bool total,
                          char ret_channel[CHANNEL_SIZE])
{
    static const char *const spans[] = {"day:", "month:", "year:"};
    int length = snprintf(ret_channel, CHANNEL_SIZE, "%s%s%s%s", row->api == LAN ? "lan:" : "",
                          total ? "totals:" : "",
                          row->endpoint == CEMM_DATA ? spans[row->span] : "", series->channel);

    assert_in_range(length, 1, CHANNEL_SIZE - 1);
}

/* Compares the text and the number of every value with the oracle's value at the same time. */
static void check_values(const struct row *row, const struct cemm_series *series, size_t count,
                         bool total)
{
    char channel[CHANNEL_SIZE];
    int64_t *times = calloc(count + 1, sizeof(*times));

    assert_non_null(times);
    write_channel(row, series, total, channel);
    for (size_t i = 0; i < count; i++)
        times[i] = series->samples[i].time;
    char *oracle = sim_print(rig.options, row->alias, channel, times, count);
    free(times);
    CHECK(oracle);
    char *at = oracle;
    for (size_t i = 0; i < count; i++) {
        const struct cemm_sample *sample = &series->samples[i];
        const char *line = strsep(&at, "\n");
        CHECK(line);
        if (strlen(line) != sample->text_length ||
            memcmp(line, sample->text, sample->text_length) != 0 ||
            !(strtod(line, NULL) == sample->value))
            fail_msg("%s: %s at %" PRId64 " is %.*s, wanted %s", rig.name, channel, sample->time,
                     (int)sample->text_length, sample->text, line);
    }
    free(oracle);
}

/* Checks that there is one sample, or none if the oracle has no value. */
static void check_single(const struct row *row, const struct cemm_series *series, int64_t time,
                         bool total)
{
    if (series->count == 0) {
        char channel[CHANNEL_SIZE];
        write_channel(row, series, total, channel);
        char *oracle = sim_print(rig.options, row->alias, channel, &time, 1);
        if (oracle)
            fail_msg("%s: no %s, wanted %s", rig.name, series->channel, oracle);
        return;
    }
    CHECK(series->count == 1);
    if (total) /* `totals` has the time of the CEMM's clock, some seconds later */
        CHECK(series->samples[0].time > time && series->samples[0].time < time + CADENCE_MS);
    else
        CHECK(series->samples[0].time == time);
    check_values(row, series, 1, total);
}

/* Checks the times of the rows: in a day, one for each minute (gas: each hour) without a gap; in a
 * month or year, from its first day or month on. */
static void check_history(const struct row *row, const struct cemm_series *series, size_t period)
{
    bool day = row->span == CEMM_DAY;
    bool gas = strcmp(series->channel, "gas") == 0;
    int64_t step = gas && !rig.by_minute ? HOUR_MS : MINUTE_MS;
    int64_t start = periods[period].start * 1000, end = periods[period].end * 1000;
    size_t measured = day ? (size_t)((end - start) / step) : periods[period].rows;
    /* A day of gas ends with a row at 23:59:59: its value is 0 in the cloud, and null on the LAN.
     */
    bool has_last_second = day && gas && row->api == CLOUD;

    if (day && step == MINUTE_MS)
        CHECK(measured == periods[period].rows);
    if (series->count != measured + has_last_second)
        fail_msg("%s: %zu rows, wanted %zu", rig.name, series->count, measured + has_last_second);
    CHECK(series->samples[0].time == start);
    for (size_t i = 1; i < measured; i++) {
        int64_t gap = series->samples[i].time - series->samples[i - 1].time;
        CHECK(day ? gap == step : gap >= 23 * HOUR_MS);
    }
    if (has_last_second) {
        CHECK(series->samples[measured].time == end - 1000);
        CHECK(series->samples[measured].value == 0);
    }
    CHECK(series->samples[measured - 1].time < end);
    check_values(row, series, measured, false);
}

/* Returns the time of the newest measurement. */
static int64_t moment(const struct row *row, size_t period)
{
    if (row->endpoint == CEMM_TOTALS)
        return periods[period].end * 1000 - MINUTE_MS;
    return INT64_C(1000) * NOW_S / CADENCE_MS * CADENCE_MS;
}

static void check_series(const struct row *row, const struct cemm_document *document, size_t period)
{
    const char *expect = row->expect;
    char name[CEMM_NAME_SIZE], unit[CEMM_NAME_SIZE];
    size_t count, i = 0;
    const struct cemm_series *series = cemm_document_series(document, &count);

    for (; next_expected(&expect, name, unit); i++) {
        bool total = name[0] == '+';
        if (i >= count || strcmp(series[i].channel, name + total) != 0 ||
            strcmp(series[i].unit, unit) != 0)
            fail_msg("%s: channel %zu is %s in \"%s\", wanted %s in \"%s\"", rig.name, i,
                     i < count ? series[i].channel : "missing", i < count ? series[i].unit : "",
                     name, unit);
        if (row->endpoint == CEMM_DATA)
            check_history(row, &series[i], period);
        else
            check_single(row, &series[i], moment(row, period), total);
    }
    if (i != count)
        fail_msg("%s: also has %s", rig.name, series[i].channel);
}

/* Checks the answers of io and <alias>/, which describe meters. */
static void check_meters(const struct row *row, const struct cemm_document *document)
{
    char *text;
    size_t length, wanted = row->api == CLOUD ? CLOUD_COUNT : LISTED;

    assert_int_equal(
        cemm_render(document, CEMM_FORMAT_JSON, cemm_zone(rig.client.cemm), &text, &length), 0);
    if (row->endpoint == CEMM_INFO)
        wanted = 1;
    if (lines_with(text, "\"io_id\"") != wanted || !strstr(text, row->expect))
        fail_msg("%s: wanted %zu meters and %s in %.*s", rig.name, wanted, row->expect, SHOWN,
                 text);
    free(text);
}

/* ---- the rows ---------------------------------------------------------------------- */

/* Requests the list of devices, with cemm_find() because cemm_get() can't request it. */
static void ask_devices(const struct row *row)
{
    struct cemm_uid uid = client_uid();
    struct reply reply;

    CHECK(client_find(&rig.client, NULL, &reply) == 0);
    check_log(row, 0);
    CHECK(cemm_device_named(rig.client.cemm, &uid));
    CHECK(!cemm_device_at(rig.client.cemm, 1));
    reply_clear(&reply);
}

static void ask(const struct row *row, size_t period)
{
    struct cemm_query query = client_query(row->endpoint, row->alias);
    struct reply reply;

    if (row->endpoint == CEMM_DATA || row->endpoint == CEMM_TOTALS)
        assert_true(cemm_period_parse(row->span, periods[period].text, &query.period));
    snprintf(rig.name, sizeof(rig.name), "%s %s, endpoint %d %s",
             row->api == CLOUD ? rig.prefix : "LAN", row->alias, (int)row->endpoint,
             query.period.year ? periods[period].text : "");
    rig.asked++;
    if (row->endpoint == CEMM_DEVICES || row->endpoint == CEMM_ROOT) {
        ask_devices(row);
        return;
    }
    if (client_get(&rig.client, &query, &reply) != 0)
        fail_msg("%s: %d, %s", rig.name, reply.result, reply.message);
    check_log(row, periods[period].start);
    const char *source = row->api == CLOUD ? "cloud home" : "local garage";
    CHECK(strcmp(cemm_document_source(reply.document), source) == 0);
    if (row->endpoint == CEMM_IO || row->endpoint == CEMM_INFO)
        check_meters(row, reply.document);
    else
        check_series(row, reply.document, period);
    reply_clear(&reply);
}

static void ask_row(const struct row *row)
{
    bool timed = row->endpoint == CEMM_DATA || row->endpoint == CEMM_TOTALS;

    for (size_t i = 0; i < COUNT(periods); i++) {
        if (timed && periods[i].span != row->span)
            continue;
        ask(row, i);
        if (!timed)
            break;
    }
}

/* Requests all rows of one interface, and returns their number. */
static size_t ask_rows(enum api api, const struct row *table, size_t count)
{
    size_t done = 0;

    for (size_t i = 0; i < count; i++) {
        if (table[i].api != api)
            continue;
        ask_row(&table[i]);
        done++;
    }
    print_message("# %zu rows of the %s, %zu requests\n", done, api == CLOUD ? rig.prefix : "LAN",
                  rig.asked);
    return done;
}

/* ---- the tests ---------------------------------------------------------------------- */

/* Starts the simulator with the usual options and `more`, and a client of one of its interfaces. */
static void begin(enum api api, const char *prefix, const char *const *more)
{
    static const char *const usual[] = {"--devices", "1",       "--lan",     "1",     "--meters",
                                        LAN_ALIASES, "--since", SINCE,       "--now", NOW,
                                        "--speed",   "0",       "--promise", "50",    "--prefix"};
    size_t count = 0;

    for (; count < COUNT(usual); count++)
        rig.options[count] = usual[count];
    rig.options[count++] = prefix;
    for (; more && *more; more++)
        rig.options[count++] = *more;
    rig.options[count] = NULL;
    rig.prefix = prefix;
    sim_start(&rig.sim, rig.options);
    client_begin(&rig.client);
    if (api == CLOUD)
        client_cloud(&rig.client, &rig.sim, "home");
    else
        client_local(&rig.client, rig.sim.lan, "garage");
    client_start(&rig.client);
}

static int clean(void **state)
{
    (void)state;
    client_end(&rig.client);
    sim_end(&rig.sim);
    rig = (struct rig){0};
    return 0;
}

static void cloud_at_its_address(void **state)
{
    (void)state;
    begin(CLOUD, CLOUD_V1, NULL);
    assert_int_equal(ask_rows(CLOUD, rows, COUNT(rows)), 2 + 6 * CLOUD_COUNT);
}

static void cloud_at_the_address_of_the_examples(void **state)
{
    (void)state;
    begin(CLOUD, CLOUD_LONG, NULL);
    assert_int_equal(ask_rows(CLOUD, rows, COUNT(rows)), 2 + 6 * CLOUD_COUNT);
}

static void lan(void **state)
{
    (void)state;
    begin(LAN, CLOUD_V1, NULL);
    assert_int_equal(ask_rows(LAN, rows, COUNT(rows)), 2 + 4 * LAN_COUNT);
}

/* Checks that the table has exactly the meters that the client finds. */
static void meters_match_the_table(void **state)
{
    struct cemm_uid uid = client_uid();
    struct reply reply;

    (void)state;
    begin(LAN, CLOUD_V1, NULL);
    assert_int_equal(client_find(&rig.client, NULL, &reply), 0);
    assert_int_equal(client_find(&rig.client, &uid, &reply), 0);
    const struct cemm_device *device = cemm_device_named(rig.client.cemm, &uid);
    size_t found = 0;
    for (const char *alias; (alias = cemm_device_alias(device, found)); found++) {
        size_t uses = 0;
        for (size_t i = 0; i < COUNT(rows); i++)
            uses += rows[i].api == LAN && strcmp(rows[i].alias, alias) == 0;
        if (uses != 4)
            fail_msg("%s has %zu rows", alias, uses);
    }
    assert_int_equal(found, LAN_COUNT);
}

static void run_dsmr5(enum api api, const struct row *table, size_t count)
{
    struct reply reply;
    char *log;

    begin(api, CLOUD_V1, (const char *const[]){"--dsmr5", "--unknown-channel", NULL});
    rig.by_minute = true;
    assert_int_equal(client_find(&rig.client, NULL, &reply), 0);
    log = sim_requests(&rig.sim);
    free(log);
    assert_int_equal(ask_rows(api, table, count), count);
}

static void dsmr5_in_the_cloud(void **state)
{
    (void)state;
    run_dsmr5(CLOUD, dsmr5_cloud_rows, COUNT(dsmr5_cloud_rows));
}

static void dsmr5_on_the_lan(void **state)
{
    (void)state;
    run_dsmr5(LAN, dsmr5_lan_rows, COUNT(dsmr5_lan_rows));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(cloud_at_its_address, clean),
        cmocka_unit_test_teardown(cloud_at_the_address_of_the_examples, clean),
        cmocka_unit_test_teardown(lan, clean),
        cmocka_unit_test_teardown(meters_match_the_table, clean),
        cmocka_unit_test_teardown(dsmr5_in_the_cloud, clean),
        cmocka_unit_test_teardown(dsmr5_on_the_lan, clean),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s CEMM-SIM\n", argv[0]);
        return 2;
    }
    sim_program(argv[1]);
    print_message("# the table has %zu rows\n",
                  COUNT(rows) + COUNT(dsmr5_cloud_rows) + COUNT(dsmr5_lan_rows));
    return cmocka_run_group_tests_name("endpoints", tests, NULL, NULL);
}
