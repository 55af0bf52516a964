/*
 * Tests the text for Prometheus: which channel becomes which metric, that each
 * metric is one block, that failed meters have no samples and cemm_up 0, and that
 * small steps back of a counter are not shown. Also tests history as OpenMetrics.
 */
#include "answers.h"
#include "check.h"
#include "common/format/format.h"
#include "common/model/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define UID "00-1E-C0-85-96-CC"

static struct cemm_document *realtime(const char *alias, const char *text)
{
    return answer(CEMM_REALTIME, alias, CEMM_DAY, text);
}

static char *render(const struct cemm_result *readings, size_t count, const char *before)
{
    char *text = NULL;
    size_t length = 0;

    assert_int_equal(cemm_render_prometheus(readings, count, before, &text, &length), 0);
    assert_non_null(text);
    assert_int_equal(length, strlen(text));
    return text;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

static struct cemm_result reading(const struct cemm_document *document)
{
    const struct cemm_query *query = cemm_document_query(document);

    return (struct cemm_result){
        .uid = query->uid.text, .alias = query->alias, .document = document};
}

static const struct {
    const char *channel;
    const char *value;
    const char *line; /* @ is replaced by uid and alias */
} lines[] = {
    {"electric_power", "-1607", "cemm_electric_power_watts{@} -1607\n"},
    {"electric_power", "631.8750", "cemm_electric_power_watts{@} 631.8750\n"},
    {"t1", "1", "cemm_energy_joules_total{@,direction=\"import\",tariff=\"1\"} 3600000\n"},
    {"t2", "1612.3809814453",
     "cemm_energy_joules_total{@,direction=\"import\",tariff=\"2\"} 5804571533.20308\n"},
    {"t3", "0.0009765625",
     "cemm_energy_joules_total{@,direction=\"export\",tariff=\"1\"} 3515.625\n"},
    {"t4", "33709.36328125",
     "cemm_energy_joules_total{@,direction=\"export\",tariff=\"2\"} 121353707812.5\n"},
    {"electric_energy", "-0.5",
     "cemm_electric_energy_joules{@,channel=\"electric_energy\"} -1800000\n"},
    {"electric_energy_high", "2",
     "cemm_electric_energy_joules{@,channel=\"electric_energy_high\"} 7200000\n"},
    {"gas", "2617.50", "cemm_gas_cubic_meters_total{@} 2617.50\n"},
    {"volume", "812.25", "cemm_volume_cubic_meters_total{@} 812.25\n"},
    {"flow", "6", "cemm_flow_cubic_meters_per_second{@} 0.0001\n"},
    {"rate", "2", "cemm_tariff_index{@} 2\n"},
    {"switch", "1", "cemm_value{@,channel=\"switch\"} 1\n"},
    {"humidity", "55.5", "cemm_value{@,channel=\"humidity\"} 55.5\n"},
    {"t5", "1", "cemm_value{@,channel=\"t5\"} 1\n"},
};

/* Writes `pattern` with uid and alias instead of the @. */
static void fill(char *ret_line, const char *pattern)
{
    const char *at = strchr(pattern, '@');

    assert_non_null(at);
    memcpy(ret_line, pattern, (size_t)(at - pattern));
    strcpy(ret_line + (at - pattern), "uid=\"" UID "\",alias=\"p1\"");
    strcat(ret_line, at + 1);
}

static void test_channels(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        char json[200] = "{\"data\":{\"";
        char line[300];
        strcat(strcat(json, lines[i].channel), "\":[1496326765000,");
        strcat(strcat(json, lines[i].value), "]}}");
        struct cemm_document *document = realtime("p1", json);
        struct cemm_result one = reading(document);
        char *text = render(&one, 1, NULL);
        fill(line, lines[i].line);
        expect_part(lines[i].channel, text, line);
        expect_part(lines[i].channel, text, "cemm_up{uid=\"" UID "\",alias=\"p1\"} 1\n");
        free(text);
        cemm_document_unref(document);
    }
}

static void test_whole(void **state)
{
    struct cemm_document *p1 =
        realtime("p1", "{\"data\":{\"electric_power\":[1496326765007,5],\"t1\":[0,0],\"gas\":"
                       "[1496323165000,2]}}");
    struct cemm_document *s01 =
        realtime("s01", "{\"data\":{\"electric_power\":[1496326764000,7]}}");
    const struct cemm_result readings[] = {
        reading(p1),
        reading(s01),
        {.uid = UID, .alias = "s02", .type = "solar_energy"},
        {.uid = UID, .alias = "s03"},
        {.uid = "00-1E-C0-00-00-02", .alias = ""},
        {.uid = "", .alias = "", .source = "cloud home"},
        {.uid = "", .alias = "", .source = "cloud home"},
    };
    strcpy(p1->type, "p1");
    char *text = render(readings, COUNT(readings), NULL);

    (void)state;
    expect_text("the whole", text,
                "# HELP cemm_electric_power_watts Electric power. For a smart meter, positive is "
                "import; for others it is forward, which for a solar meter is production.\n"
                "# TYPE cemm_electric_power_watts gauge\n"
                "cemm_electric_power_watts{uid=\"" UID "\",alias=\"p1\"} 5\n"
                "cemm_electric_power_watts{uid=\"" UID "\",alias=\"s01\"} 7\n"
                "# HELP cemm_gas_cubic_meters_total Meter reading of gas.\n"
                "# TYPE cemm_gas_cubic_meters_total counter\n"
                "cemm_gas_cubic_meters_total{uid=\"" UID "\",alias=\"p1\"} 2\n"
                "# HELP cemm_last_sample_timestamp_seconds When the newest sample of the meter was "
                "taken.\n"
                "# TYPE cemm_last_sample_timestamp_seconds gauge\n"
                "cemm_last_sample_timestamp_seconds{uid=\"" UID "\",alias=\"p1\"} 1496326765.007\n"
                "cemm_last_sample_timestamp_seconds{uid=\"" UID "\",alias=\"s01\"} 1496326764\n"
                "# HELP cemm_meter_info The type of a meter, as reported by the device.\n"
                "# TYPE cemm_meter_info gauge\n"
                "cemm_meter_info{uid=\"" UID "\",alias=\"p1\",type=\"p1\"} 1\n"
                "cemm_meter_info{uid=\"" UID "\",alias=\"s01\",type=\"\"} 1\n"
                "cemm_meter_info{uid=\"" UID "\",alias=\"s02\",type=\"solar_energy\"} 1\n"
                "# HELP cemm_up Whether the meter, the device or the source could be read.\n"
                "# TYPE cemm_up gauge\n"
                "cemm_up{uid=\"" UID "\",alias=\"p1\"} 1\n"
                "cemm_up{uid=\"" UID "\",alias=\"s01\"} 1\n"
                "cemm_up{uid=\"" UID "\",alias=\"s02\"} 0\n"
                "cemm_up{uid=\"" UID "\",alias=\"s03\"} 0\n"
                "cemm_up{uid=\"00-1E-C0-00-00-02\"} 0\n"
                "cemm_up{source=\"cloud home\"} 0\n");
    free(text);
    text = render(NULL, 0, NULL);
    expect_text("nothing", text, "");
    free(text);
    cemm_document_unref(p1);
    cemm_document_unref(s01);
}

/* Only smart meters have import and export. */
static void test_direction(void **state)
{
    static const struct {
        const char *alias;
        const char *directions[2];
    } rows[] = {
        {"p1", {"import", "export"}},        {"p1-usb", {"import", "export"}},
        {"han", {"import", "export"}},       {"emucs", {"import", "export"}},
        {"emucs-usb", {"import", "export"}}, {"dlms-usb", {"import", "export"}},
        {"mb3", {"forward", "reverse"}},     {"s01", {"forward", "reverse"}},
        {"usage", {"forward", "reverse"}},   {"heatpump", {"forward", "reverse"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_document *document =
            realtime(rows[i].alias, "{\"data\":{\"t1\":[1496326765000,1],\"t2\":[1496326765000,1],"
                                    "\"t3\":[1496326765000,1],\"t4\":[1496326765000,1]}}");
        struct cemm_result one = reading(document);
        char *text = render(&one, 1, NULL);
        for (int k = 0; k < 4; k++) {
            char line[300];
            assert_in_range(snprintf(line, sizeof(line),
                                     "{uid=\"" UID
                                     "\",alias=\"%s\",direction=\"%s\",tariff=\"%d\"} ",
                                     rows[i].alias, rows[i].directions[k / 2], k % 2 + 1),
                            1, sizeof(line) - 1);
            expect_part(rows[i].alias, text, line);
        }
        free(text);
        cemm_document_unref(document);
    }
}

/* The times in totals do not show when a meter was read, so they are not printed. */
static void test_silent_meter(void **state)
{
    struct cemm_document *p1 =
        realtime("p1", "{\"data\":{\"t1\":[1496320000000,1]},"
                       "\"totals\":{\"electric_energy\":[1496326765000,1]}}");
    struct cemm_document *water = realtime(
        "pulse-1", "{\"data\":{\"flow\":[0,0]},\"totals\":{\"volume\":[1496326765000,1]}}");
    const struct cemm_result readings[] = {reading(p1), reading(water)};
    char *text = render(readings, COUNT(readings), NULL);

    (void)state;
    expect_part("p1", text,
                "cemm_last_sample_timestamp_seconds{uid=\"" UID "\",alias=\"p1\"} 1496320000\n");
    expect_part("water", text, "cemm_up{uid=\"" UID "\",alias=\"pulse-1\"} 1\n");
    assert_null(
        strstr(text, "cemm_last_sample_timestamp_seconds{uid=\"" UID "\",alias=\"pulse-1\""));
    free(text);
    cemm_document_unref(p1);
    cemm_document_unref(water);
}

/* Tests which value is printed for a reading of 10 kWh or m3 if `before` is the text that was
 * printed last. */
static void test_before(void **state)
{
    static const struct {
        const char *row;
        const char *channel;
        const char *before;
        const char *value;
    } rows[] = {
        {"nothing", "gas", NULL, "10"},
        {"an empty text", "gas", "", "10"},
        {"less", "gas", "cemm_gas_cubic_meters_total{@} 9.5\n", "10"},
        {"a little more", "gas", "cemm_gas_cubic_meters_total{@} 10.50\n", "10.50"},
        {"a new meter", "gas", "cemm_gas_cubic_meters_total{@} 11\n", "10"},
        {"another meter", "gas", "cemm_gas_cubic_meters_total{x@} 10.5\n", "10"},
        {"not at the start of a line", "gas", "# cemm_gas_cubic_meters_total{@} 10.5\n", "10"},
        {"junk", "gas", "cemm_gas_cubic_meters_total{@} 10.5x\n", "10"},
        {"not a number", "gas", "cemm_gas_cubic_meters_total{@} \n", "10"},
        {"infinite", "gas", "cemm_gas_cubic_meters_total{@} +Inf\n", "10"},
        {"cut off", "gas", "cemm_gas_cubic_meters_total{@} 10.5", "10"},
        {"joules", "t1",
         "# x\ncemm_energy_joules_total{@,direction=\"import\",tariff=\"1\"} 36000001\n",
         "36000001"},
        {"other tariff", "t2",
         "cemm_energy_joules_total{@,direction=\"import\",tariff=\"1\"} 36000001\n", "36000000"},
        {"a gauge may fall", "electric_power", "cemm_electric_power_watts{@} 10.5\n", "10"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char json[100] = "{\"data\":{\"";
        char before[300] = "";
        char wanted[40] = "} ";
        if (rows[i].before && strchr(rows[i].before, '@'))
            fill(before, rows[i].before);
        strcat(strcat(json, rows[i].channel), "\":[1496326765000,10]}}");
        strcat(strcat(wanted, rows[i].value), "\n# HELP cemm_last");
        struct cemm_document *document = realtime("p1", json);
        struct cemm_result one = reading(document);
        char *text = render(&one, 1, rows[i].before ? before : NULL);
        expect_part(rows[i].row, text, wanted);
        free(text);
        cemm_document_unref(document);
    }
}

/* If a meter has no sample now, the time of its last sample is copied from the text that was
 * printed last. */
static void test_times_before(void **state)
{
    static const struct {
        const char *row;
        const char *json; /* NULL: the request fails */
        const char *before;
        const char *wanted; /* the time; NULL: none is printed */
    } rows[] = {
        {"the request fails", NULL, "cemm_last_sample_timestamp_seconds{@} 7.25\n", "7.25\n"},
        {"no sample in data",
         "{\"data\":{\"t1\":[0,0]},\"totals\":{\"electric_energy\":[1496326765000,1]}}",
         "cemm_last_sample_timestamp_seconds{@} 7\n", "7\n"},
        {"a sample", "{\"data\":{\"t1\":[1496326765000,1]}}",
         "cemm_last_sample_timestamp_seconds{@} 7\n", "1496326765\n"},
        {"another meter", NULL, "cemm_last_sample_timestamp_seconds{x@} 7\n", NULL},
        {"junk", NULL, "cemm_last_sample_timestamp_seconds{@} 7x\n", NULL},
        {"an empty text", NULL, "", NULL},
    };
    /* A second result of the same meter is ignored. */
    struct cemm_document *second = realtime("p1", "{\"data\":{\"t1\":[1496326765000,1]}}");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_document *document = rows[i].json ? realtime("p1", rows[i].json) : NULL;
        struct cemm_result twice[] = {{.uid = UID, .alias = "p1", .document = document},
                                      {.uid = UID, .alias = "p1", .document = second}};
        char before[300] = "";
        char wanted[100] = "";
        if (strchr(rows[i].before, '@'))
            fill(before, rows[i].before);
        fill(wanted, "cemm_last_sample_timestamp_seconds{@} ");
        char *text = render(twice, COUNT(twice), before);
        if (rows[i].wanted)
            expect_part(rows[i].row, text, strcat(wanted, rows[i].wanted));
        if (count_of(text, "\ncemm_last_sample_timestamp_seconds{") != (rows[i].wanted ? 1 : 0))
            fail_msg("%s: %s", rows[i].row, text);
        free(text);
        cemm_document_unref(document);
    }
    cemm_document_unref(second);
}

/* History as OpenMetrics, and the head (HELP and TYPE) of its last metric. */
static const struct {
    const char *alias;
    enum cemm_span span;
    const char *answer; /* newest first, as the API has it */
    const char *lines;  /* each @ is replaced by uid and alias */
    const char *head;
} histories[] = {
    {"p1", CEMM_DAY,
     "{\"data\":{\"electric_power\":[[1496264460500,-5],[1496264400000,6.50]],"
     "\"t1\":[[1496264400007,1]]}}",
     "cemm_electric_power_watts{@} 6.50 1496264400\n"
     "cemm_electric_power_watts{@} -5 1496264460.500\n"
     "cemm_energy_joules_total{@,direction=\"import\",tariff=\"1\"} 3600000 1496264400.007\n",
     "# HELP cemm_energy_joules Meter reading of electric energy: import and export of a smart "
     "meter, forward and reverse of others. Tariff 1 is the low or the only one.\n"
     "# TYPE cemm_energy_joules counter\n"},
    {"pulse-1", CEMM_DAY, "{\"data\":{\"flow\":[[1496264400000,6]]}}",
     "cemm_flow_cubic_meters_per_second{@} 0.0001 1496264400\n",
     "# HELP cemm_flow_cubic_meters_per_second Flow rate of water or gas.\n"
     "# TYPE cemm_flow_cubic_meters_per_second gauge\n"},
    {"p1-gas", CEMM_DAY,
     "{\"data\":{\"gas\":[[1496312460000,6],[1496312400000,3],[1496307600000,0.10]]}}",
     "cemm_gas_amount_cubic_meters{@,period=\"day\"} 0.10 1496307600\n"
     "cemm_gas_flow_cubic_meters_per_second{@,period=\"day\"} 0.00005 1496312400\n"
     "cemm_gas_flow_cubic_meters_per_second{@,period=\"day\"} 0.0001 1496312460\n",
     "# HELP cemm_gas_flow_cubic_meters_per_second Flow rate of gas.\n"
     "# TYPE cemm_gas_flow_cubic_meters_per_second gauge\n"},
    {"p1-gas", CEMM_YEAR, "{\"data\":{\"gas\":[[1485903600000,70]]}}",
     "cemm_gas_amount_cubic_meters{@,period=\"year\"} 70 1485903600\n",
     "# HELP cemm_gas_amount_cubic_meters Gas used in each hour, day or month.\n"
     "# TYPE cemm_gas_amount_cubic_meters gauge\n"},
    {"s01", CEMM_MONTH,
     "{\"data\":{\"electric_energy_low\":[[1483311600000,2]],\"volume\":[[1483311600000,3]],"
     "\"electric_power\":[[1483311600000,4]]}}",
     "cemm_energy_amount_joules{@,channel=\"electric_energy_low\",period=\"month\"} 7200000 "
     "1483311600\n"
     "cemm_volume_amount_cubic_meters{@,period=\"month\"} 3 1483311600\n"
     "cemm_value{@,channel=\"electric_power\",period=\"month\"} 4 1483311600\n",
     "# HELP cemm_value A channel without a documented unit, as reported by the meter.\n"
     "# TYPE cemm_value gauge\n"},
};

/* Replaces each @ by uid and alias. */
static void fill_all(char *ret_text, const char *pattern, const char *alias)
{
    for (; *pattern; pattern++) {
        if (*pattern == '@')
            ret_text += sprintf(ret_text, "uid=\"" UID "\",alias=\"%s\"", alias);
        else
            *ret_text++ = *pattern;
    }
    *ret_text = '\0';
}

static void test_history(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(histories); i++) {
        struct cemm_document *document =
            answer(CEMM_DATA, histories[i].alias, histories[i].span, histories[i].answer);
        char wanted[1000];
        char *text = NULL;
        char *head = NULL;
        size_t length = 0;

        fill_all(wanted, histories[i].lines, histories[i].alias);
        assert_int_equal(cemm_render(document, CEMM_FORMAT_OPENMETRICS, NULL, &text, &length), 0);
        expect_text(histories[i].alias, text, wanted);
        text[length - 1] = '\0';
        const char *last = strrchr(text, '\n');
        assert_int_equal(cemm_openmetrics_head(last ? last + 1 : text, &head, &length), 0);
        expect_text(histories[i].alias, head, histories[i].head);
        free(head);
        free(text);
        cemm_document_unref(document);
    }
}

/* Rendering many devices is quick. If the time grew with the square of their number, SIGVTALRM
 * would end the test. */
static void test_fleet(void **state)
{
    enum { DEVICES = 100000 };
    static char uids[DEVICES][CEMM_UID_SIZE];
    static struct cemm_result results[DEVICES];
    size_t count = 0;

    (void)state;
    for (unsigned i = 0; i < DEVICES; i++) {
        assert_true(snprintf(uids[i], CEMM_UID_SIZE, "00-1E-C0-%02X-%02X-%02X", i >> 16,
                             i >> 8 & 255, i & 255) > 0);
        results[i] = (struct cemm_result){.uid = uids[i], .alias = "p1"};
    }
    /* CPU time, so that a busy machine does not matter. */
    assert_int_equal(setitimer(ITIMER_VIRTUAL, &(struct itimerval){.it_value.tv_sec = 20}, NULL),
                     0);
    char *text = render(results, DEVICES, NULL);
    assert_int_equal(setitimer(ITIMER_VIRTUAL, &(struct itimerval){0}, NULL), 0);
    for (const char *c = text; *c; c++)
        count += *c == '\n';
    assert_int_equal(count, 2 + DEVICES); /* HELP, TYPE, and cemm_up of each */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channels),     cmocka_unit_test(test_whole),
        cmocka_unit_test(test_direction),    cmocka_unit_test(test_silent_meter),
        cmocka_unit_test(test_times_before), cmocka_unit_test(test_before),
        cmocka_unit_test(test_history),      cmocka_unit_test(test_fleet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
