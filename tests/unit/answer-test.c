/*
 * Tests how answers become documents. The answers have all forms that the API's
 * documentation shows or that real devices send. Also tests which values are not samples.
 * refuse-test.c has the answers that must be refused; tests/golden/ has the
 * documentation's complete examples.
 */
#include "answers.h"
#include "check.h"
#include "common/base/message.h"
#include "common/protocol/answer.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#define TIME    "1496326765000" /* the time of most samples, before ANSWER_NOW */
#define TIME_MS INT64_C(1496326765000)
#define LATE    "1496326770000" /* the time of totals in the same answer */
#define OLD     "1496323165000" /* an hour before TIME */
#define OLD_MS  INT64_C(1496323165000)

/* Writes a document's series as one line, "t1[kWh] 1@5 2@6; gas[m3]": each value's text, and its
 * time after the "@". */
static void describe(const struct cemm_document *document, char *ret, size_t size)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);
    size_t used = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(ret + used, size - used, "%s%s[%s]", i ? "; " : "",
                                 series[i].channel, series[i].unit);
        for (size_t n = 0; n < series[i].count && used < size; n++) {
            const struct cemm_sample *sample = &series[i].samples[n];
            used +=
                (size_t)snprintf(ret + used, size - used, " %.*s@%lld", (int)sample->text_length,
                                 sample->text, (long long)sample->time);
        }
        assert_true(used < size);
    }
}

struct shape {
    const char *row;
    const char *text;
    const char *series;
};

static void expect_shapes(enum cemm_endpoint endpoint, enum cemm_span span,
                          const struct shape *shapes, size_t count)
{
    char line[1000];

    for (size_t i = 0; i < count; i++) {
        struct cemm_document *document = answer(endpoint, "p1", span, shapes[i].text);
        describe(document, line, sizeof(line));
        expect_text(shapes[i].row, line, shapes[i].series);
        assert_true(cemm_document_fetched(document) == ANSWER_NOW);
        cemm_document_unref(document);
    }
}

static void test_realtime(void **state)
{
    static const struct shape shapes[] = {
        {"cloud", "{\"io_id\":1,\"data\":{\"t1\":[" TIME ",1351],\"gas\":[" TIME ",2617.5]}}",
         "t1[kWh] 1351@" TIME "; gas[m3] 2617.5@" TIME},
        {"LAN: io_id is text", "{\"io_id\":\"88\",\"data\":{\"t1\":[" TIME ",1.0]}}",
         "t1[kWh] 1.0@" TIME},
        {"LAN: io_id is absent", "{\"data\":{\"t1\":[" TIME ",1]}}", "t1[kWh] 1@" TIME},
        {"never read", "{\"data\":{\"switch\":[0,0],\"t1\":[0,0.0],\"t2\":[0,-0]}}",
         "switch[]; t1[kWh]; t2[kWh]"},
        {"null", "{\"data\":{\"t1\":[" TIME ",null],\"t2\":[0,null]}}", "t1[kWh]; t2[kWh]"},
        {"no channel", "{\"data\":{}}", ""},
        {"unknown channel", "{\"data\":{\"humidity\":[" TIME ",55]}}", "humidity[] 55@" TIME},
        {"totals first",
         "{\"totals\":{\"electric_energy\":[" TIME ",2]},\"data\":{\"t1\":[" TIME ",1]}}",
         "t1[kWh] 1@" TIME "; electric_energy[kWh] 2@" TIME},
        {"empty totals", "{\"data\":{\"t1\":[" TIME ",7]},\"totals\":{}}", "t1[kWh] 7@" TIME},
        {"unknown members",
         "{\"x\":[{\"y\":1}],\"data\":{\"t1\":[" TIME ",7]},\"time\":\"never\",\"z\":null}",
         "t1[kWh] 7@" TIME},
        {"a meter's clock runs fast", "{\"data\":{\"t1\":[1496400900000,7]}}",
         "t1[kWh] 7@1496400900000"},
        {"the first time in range, and the last time, which is in the future",
         "{\"data\":{\"t1\":[946684800000,1],\"t2\":[4102444800000,2]}}",
         "t1[kWh] 1@946684800000; t2[kWh]"},
        {"texts are kept, except for -0",
         "{\"data\":{\"a\":[" TIME ",-0],\"b\":[" TIME ",-0.0],\"c\":[" TIME ",1.0],"
         "\"d\":[" TIME ",1e3],\"e\":[" TIME ",-1.5E-07],\"f\":[" TIME ",0.14208984375],"
         "\"g\":[" TIME ",9007199254740993]}}",
         "a[] 0@" TIME "; b[] -0.0@" TIME "; c[] 1.0@" TIME "; d[] 1e3@" TIME "; e[] -1.5E-07@" TIME
         "; f[] 0.14208984375@" TIME "; g[] 9007199254740993@" TIME},
        {"numbers before and in strings do not shift the texts",
         "{\"n\":1,\"s\":\"2,3\",\"9\":[4,{\"5\":6}],\"data\":{\"t1\":[" TIME ",7],"
         "\"t\\u0032\":[" TIME " , 8 ]}}",
         "t1[kWh] 7@" TIME "; t2[kWh] 8@" TIME},
        {"white space", " \r\n\t{ \"data\" : { \"t1\" : [ " TIME "\n,\t7 ] } } \n",
         "t1[kWh] 7@" TIME},
    };

    (void)state;
    expect_shapes(CEMM_REALTIME, CEMM_DAY, shapes, COUNT(shapes));
}

/* A meter's clock may be up to 15 minutes fast. Samples further ahead are left out and counted. */
static void test_ahead(void **state)
{
    static const struct {
        int64_t ahead;
        size_t count;
    } rows[] = {{0, 1}, {15 * 60 * 1000, 1}, {15 * 60 * 1000 + 1, 0}, {86400000, 0}};
    char text[100];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(snprintf(text, sizeof(text), "{\"data\":{\"t1\":[%lld,7]}}",
                             (long long)(ANSWER_NOW + rows[i].ahead)) > 0);
        struct cemm_document *document = answer(CEMM_REALTIME, "p1", CEMM_DAY, text);
        assert_int_equal(document->series[0].count, rows[i].count);
        assert_int_equal(cemm_document_ahead(document), 1 - rows[i].count);
        cemm_document_unref(document);
    }
}

/* If an answer has totals (firmware 2.26), electric_energy is taken from totals. So are the meter
 * readings of inverters and pulse meters, but those of smart meters are taken from data. */
static void test_totals(void **state)
{
    static const struct {
        const char *row;
        const char *alias;
        const char *text;
        const char *series;
        int64_t newest; /* the newest time in data, also of values that are left out */
        size_t totals;  /* number of series that come from totals */
    } rows[] = {
        {"an inverter with one register", "mb3",
         "{\"data\":{\"t1\":[" TIME ",900.5],\"t2\":[0,0],\"electric_power\":[" TIME ",-3.5]},"
         "\"totals\":{\"t1\":[" LATE ",300.25],\"t2\":[" LATE ",600.25],\"electric_energy\":[" LATE
         ",299.15],\"t3\":[" LATE ",1.1]}}",
         "electric_power[W] -3.5@" TIME "; t1[kWh] 300.25@" LATE "; t2[kWh] 600.25@" LATE
         "; electric_energy[kWh] 299.15@" LATE "; t3[kWh] 1.1@" LATE,
         TIME_MS, 4},
        {"only the register was read", "mb3",
         "{\"data\":{\"t1\":[" TIME ",9],\"electric_power\":[0,0]},\"totals\":{\"t1\":[" LATE
         ",3]}}",
         "electric_power[W]; t1[kWh] 3@" LATE, TIME_MS, 1},
        {"an inverter of older firmware", "mb3",
         "{\"data\":{\"t1\":[" TIME ",9],\"electric_power\":[" TIME ",5]}}",
         "t1[kWh] 9@" TIME "; electric_power[W] 5@" TIME, TIME_MS, 0},
        {"power in totals is left out", "mb3",
         "{\"data\":{},\"totals\":{\"electric_power\":[" LATE ",5],\"t1\":[" LATE ",3]}}",
         "t1[kWh] 3@" LATE, 0, 1},
        {"a smart meter", "p1",
         "{\"data\":{\"t1\":[" TIME ",9.01],\"gas\":[" TIME
         ",7]},\"totals\":{\"electric_energy\":[" LATE ",4],\"t1\":[" LATE ",9],\"t2\":[" LATE
         ",8],\"gas\":[" LATE ",7],\"x\":[" LATE ",6]}}",
         "t1[kWh] 9.01@" TIME "; gas[m3] 7@" TIME "; electric_energy[kWh] 4@" LATE "; x[] 6@" LATE,
         TIME_MS, 2},
        {"a smart meter that has stopped", "p1",
         "{\"data\":{\"t1\":[" OLD ",9]},\"totals\":{\"electric_energy\":[" LATE ",4]}}",
         "t1[kWh] 9@" OLD "; electric_energy[kWh] 4@" LATE, OLD_MS, 1},
        {"water that never flowed", "pulse-1",
         "{\"data\":{\"flow\":[0,0]},\"totals\":{\"volume\":[" LATE ",598.5]}}",
         "flow[L/min]; volume[m3] 598.5@" LATE, 0, 1},
        {"a pulse meter of electricity", "s01",
         "{\"data\":{\"electric_power\":[" TIME ",5]},\"totals\":{\"electric_energy_high\":[" LATE
         ",4]}}",
         "electric_power[W] 5@" TIME "; electric_energy_high[kWh] 4@" LATE, TIME_MS, 1},
        {"gas", "p1-gas", "{\"data\":{\"gas\":[" TIME ",7]},\"totals\":{\"gas\":[" LATE ",8]}}",
         "gas[m3] 7@" TIME, TIME_MS, 0},
        {"an undocumented alias", "heatpump",
         "{\"data\":{\"t1\":[" TIME ",7]},\"totals\":{\"t1\":[" LATE ",8],\"t2\":[" LATE ",9]}}",
         "t1[kWh] 7@" TIME "; t2[kWh] 9@" LATE, TIME_MS, 1},
    };
    char line[1000];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_document *document =
            answer(CEMM_REALTIME, rows[i].alias, CEMM_DAY, rows[i].text);
        size_t count, totals = 0;
        const struct cemm_series *series = cemm_document_series(document, &count);
        describe(document, line, sizeof(line));
        expect_text(rows[i].row, line, rows[i].series);
        expect_int(rows[i].row, cemm_document_newest(document), rows[i].newest);
        for (size_t k = 0; k < count; k++)
            totals += series[k].total;
        expect_int(rows[i].row, (int64_t)totals, (int64_t)rows[i].totals);
        expect_int(rows[i].row, (int64_t)document->skipped, 0);
        cemm_document_unref(document);
    }
}

/* Rows outside of the period are left out. */
static void test_bound(void **state)
{
    static const struct {
        const char *row;
        enum cemm_endpoint endpoint;
        const char *rows; /* of a period from 1496320000000 to 1496326765000 */
        const char *series;
        bool stray;
        int64_t newest;
    } rows[] = {
        {"inside", CEMM_DATA, "[1496320060000,2],[1496320000000,1]",
         "electric_power[W] 1@1496320000000 2@1496320060000", false, 1496320060000},
        {"one at the end", CEMM_DATA, "[" TIME ",3],[1496320000000,1]",
         "electric_power[W] 1@1496320000000", false, 1496320000000},
        {"only one at the end", CEMM_DATA, "[" TIME ",3]", "electric_power[W]", false, 0},
        {"one before", CEMM_DATA, "[1496320000000,1],[1496319999999,7]",
         "electric_power[W] 1@1496320000000", true, 1496320000000},
        {"one after", CEMM_DATA, "[1496326765001,7],[1496320000000,1]",
         "electric_power[W] 1@1496320000000", true, 1496320000000},
        {"all of another period", CEMM_DATA, "[1496319999999,7],[1496319999998,7]",
         "electric_power[W]", true, 0},
        {"none", CEMM_DATA, "", "electric_power[W]", false, 0},
        {"the day's last reading", CEMM_TOTALS, TIME ",9", "electric_power[W] 9@" TIME, false,
         TIME_MS},
        {"a reading of another day", CEMM_TOTALS, "1496326765001,9", "electric_power[W]", true, 0},
    };
    char text[200], line[200];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(
            snprintf(text, sizeof(text), "{\"data\":{\"electric_power\":[%s]}}", rows[i].rows) > 0);
        struct cemm_document *document = answer(rows[i].endpoint, "p1", CEMM_DAY, text);
        cemm_answer_bound(document, 1496320000000, TIME_MS);
        describe(document, line, sizeof(line));
        expect_text(rows[i].row, line, rows[i].series);
        expect_int(rows[i].row, document->stray, rows[i].stray);
        expect_int(rows[i].row, document->newest, rows[i].newest);
        cemm_document_unref(document);
    }
}

/* Once an inverter or a pulse meter has had totals, the readings in its answers without totals are
 * dropped. Those of other meters are kept. */
static void test_drop_readings(void **state)
{
    static const char text[] =
        "{\"data\":{\"t1\":[" TIME ",9],\"electric_power\":[" TIME ",5],\"x\":[" TIME ",6]}}";
    char line[1000];

    (void)state;
    struct cemm_document *document = answer(CEMM_REALTIME, "mb3", CEMM_DAY, text);
    cemm_answer_drop_readings(document);
    describe(document, line, sizeof(line));
    expect_text("mb3", line, "electric_power[W] 5@" TIME "; x[] 6@" TIME);
    cemm_document_unref(document);
    document = answer(CEMM_REALTIME, "p1", CEMM_DAY, text);
    cemm_answer_drop_readings(document);
    describe(document, line, sizeof(line));
    expect_text("p1", line, "t1[kWh] 9@" TIME "; electric_power[W] 5@" TIME "; x[] 6@" TIME);
    cemm_document_unref(document);
}

/* If a part is not as documented, only that part is skipped. Such parts are counted, and the first
 * one is named. */
static void test_left_out(void **state)
{
    static const struct {
        const char *row;
        enum cemm_endpoint endpoint;
        const char *text;
        size_t kept; /* number of series that have a sample, of devices, or of meters */
        size_t skipped;
        const char *message;
    } rows[] = {
        {"a text in data", CEMM_REALTIME, "{\"data\":{\"unit\":\"kWh\",\"t1\":[" TIME ",1]}}", 1, 1,
         "unit is not [milliseconds, number]"},
        {"an object, null and true in data", CEMM_REALTIME,
         "{\"data\":{\"a\":{},\"t1\":[" TIME ",1],\"b\":null,\"c\":true}}", 1, 3,
         "a is not [milliseconds, number]"},
        {"a text in totals", CEMM_REALTIME,
         "{\"data\":{\"t1\":[" TIME ",1]},\"totals\":{\"x\":\"y\"}}", 1, 1,
         "x is not [milliseconds, number]"},
        {"totals that are null", CEMM_REALTIME, "{\"data\":{\"t1\":[" TIME ",1]},\"totals\":null}",
         1, 1, "\"totals\" is not an object"},
        {"rows", CEMM_DATA,
         "{\"data\":{\"electric_power\":[[" TIME ",1],null,[7],{},\"x\",[" OLD ",2]]}}", 1, 4,
         "a row of electric_power is not [milliseconds, number]"},
        {"a channel of a day", CEMM_DATA, "{\"data\":{\"a\":7,\"electric_power\":[[" TIME ",1]]}}",
         1, 1, "a is not a list of [milliseconds, number]"},
        {"devices", CEMM_DEVICES,
         "{\"data\":[{\"uid\":7},{},null,{\"uid\":\"FF-FF-FF-FF-FF-FF\"},\"x\",{\"uid\":\"../"
         "x\"}]}",
         1, 5, "a device has no string \"uid\""},
        {"meters", CEMM_IO,
         "{\"data\":[{\"alias\":\"p1\",\"type\":7},null,{\"alias\":8},{\"alias\":\"mb1\"}]}", 2, 3,
         "the type of p1 is not allowed"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_document *document = answer(rows[i].endpoint, "p1", CEMM_DAY, rows[i].text);
        size_t count, kept = document->uid_count + document->io_count;
        const struct cemm_series *series = cemm_document_series(document, &count);
        for (size_t k = 0; k < count; k++)
            kept += series[k].count > 0;
        expect_int(rows[i].row, (int64_t)kept, (int64_t)rows[i].kept);
        expect_int(rows[i].row, (int64_t)document->skipped, (int64_t)rows[i].skipped);
        expect_text(rows[i].row, cemm_message_kept(&document->skipped_message), rows[i].message);
        cemm_document_unref(document);
    }
}

static void test_types_of_meters(void **state)
{
    struct cemm_document *document =
        answer(CEMM_IO, "", CEMM_DAY,
               "{\"data\":[{\"type\":\"solar_energy\",\"alias\":\"mb3\"},{\"alias\":\"p1\"},"
               "{\"type\":null,\"alias\":\"s01\"}]}");

    (void)state;
    assert_int_equal(document->io_count, 3);
    assert_string_equal(document->io[0].type, "solar_energy");
    assert_string_equal(document->io[1].type, "");
    assert_string_equal(document->io[2].type, "");
    assert_int_equal(document->skipped, 0);
    cemm_document_unref(document);
}

/* The rows of an answer may be in any order; the samples of a series are oldest first. Rows later
 * than the current time are left out. */
static void test_history(void **state)
{
    static const struct shape shapes[] = {
        {"newest first",
         "{\"time\":1,\"data\":{\"electric_power\":[[1496264520000,3],[1496264460000,2],"
         "[1496264400000,1]]}}",
         "electric_power[W] 1@1496264400000 2@1496264460000 3@1496264520000"},
        {"oldest first", "{\"data\":{\"electric_power\":[[1496264400000,1],[1496264460000,2]]}}",
         "electric_power[W] 1@1496264400000 2@1496264460000"},
        {"unsorted, with two samples of the same time: the first counts",
         "{\"data\":{\"electric_power\":[[1496264460000,2],[1496264520000,3],"
         "[1496264400000,1],[1496264460000,9]]}}",
         "electric_power[W] 1@1496264400000 2@1496264460000 3@1496264520000"},
        {"the same twice in a row",
         "{\"data\":{\"electric_power\":[[1496264460000,2],[1496264460000,9]]}}",
         "electric_power[W] 2@1496264460000"},
        {"null at the day's end",
         "{\"data\":{\"electric_power\":[[1496267999000,null],[1496264400000,1]]}}",
         "electric_power[W] 1@1496264400000"},
        {"never read", "{\"data\":{\"electric_power\":[[0,0],[1496264400000,1],[0,0]]}}",
         "electric_power[W] 1@1496264400000"},
        {"future",
         "{\"data\":{\"electric_power\":[[1496400000001,0],[1496400000000,5],"
         "[1496399999999,4]]}}",
         "electric_power[W] 4@1496399999999 5@1496400000000"},
        {"no rows", "{\"data\":{\"electric_power\":[],\"x\":[]}}", "electric_power[W]; x[]"},
        {"hours of gas",
         "{\"data\":{\"gas\":[[1496267999000,0],[1496264400000,0.25],[1496260800000,1]]}}",
         "gas[m3] 1@1496260800000 0.25@1496264400000 0@1496267999000"},
        {"an hour of gas and the last row",
         "{\"data\":{\"gas\":[[1496267999000,0],[1496264400000,1]]}}",
         "gas[m3] 1@1496264400000 0@1496267999000"},
        {"minutes of gas (DSMR 5)",
         "{\"data\":{\"gas\":[[1496264700000,0.5],[1496264400000,0.25]]}}",
         "gas[L/min] 0.25@1496264400000 0.5@1496264700000"},
        {"two channels, io_id as text",
         "{\"io_id\":\"88\",\"data\":{\"electric_energy_low\":[[1493589600000,1.5]],"
         "\"electric_energy_high\":[[1493589600000,2.5]]}}",
         "electric_energy_low[kWh] 1.5@1493589600000; electric_energy_high[kWh] 2.5@1493589600000"},
    };

    (void)state;
    expect_shapes(CEMM_DATA, CEMM_DAY, shapes, COUNT(shapes));
}

static void test_long_history(void **state)
{
    static const struct shape month[] = {
        {"gas of a month", "{\"data\":{\"gas\":[[1493676000000,1],[1493589600000,2]]}}",
         "gas[m3] 2@1493589600000 1@1493676000000"},
        {"rows close together do not make it L/min",
         "{\"data\":{\"gas\":[[1493589660000,1],[1493589600000,2]]}}",
         "gas[m3] 2@1493589600000 1@1493589660000"},
    };
    static const struct shape totals[] = {
        {"readings of a day", "{\"time\":1,\"data\":{\"t1\":[1496242500000,1350.5639648438]}}",
         "t1[kWh] 1350.5639648438@1496242500000"},
        {"none yet", "{\"data\":{\"gas\":[0,0]}}", "gas[m3]"},
    };

    (void)state;
    expect_shapes(CEMM_DATA, CEMM_MONTH, month, COUNT(month));
    expect_shapes(CEMM_TOTALS, CEMM_DAY, totals, COUNT(totals));
}

/* Even if the minutes of a whole day are shuffled, the series is complete and sorted. */
static void test_shuffled_day(void **state)
{
    enum { ROWS = 1500 };
    static char text[100 * ROWS];
    size_t used = (size_t)sprintf(text, "{\"data\":{\"electric_power\":[");
    struct cemm_query query = answer_query(CEMM_DATA, "p1", CEMM_DAY);
    struct cemm_document *document;
    struct cemm_message message;
    size_t count;

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        long long minute = i * 641 % ROWS;
        used += (size_t)sprintf(text + used, "%s[%lld,%lld.0]", i ? "," : "",
                                1496181600000 + minute * 60000, minute);
    }
    used += (size_t)sprintf(text + used, "]}}");
    assert_int_equal(answer_try(&query, text, used, ANSWER_NOW, &document, &message), 0);
    const struct cemm_series *series = cemm_document_series(document, &count);
    assert_int_equal(count, 1);
    assert_int_equal(series->count, ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(series->samples[i].time, 1496181600000 + i * INT64_C(60000));
        assert_true(series->samples[i].value >= i && series->samples[i].value <= i);
        assert_int_equal(atoi(series->samples[i].text), i);
    }
    cemm_document_unref(document);
}

/* Values that were never read, are null or are out of range are not samples. This is tested in
 * realtime answers and in rows. */
static void test_no_sample(void **state)
{
    static const char *const pairs[] = {
        "[0,0]",
        "[0,0.0]",
        "[0,null]",
        "[" TIME ",null]",
        "[0,1]",
        "[-1,0]",
        "[-" TIME ",1]",
        "[1496326765,1]",    /* seconds */
        "[946684799999,1]",  /* 1999 */
        "[4102444800001,1]", /* 2100, the first moment out of range */
        "[9223372036854775807,1]",
        "[" TIME ",NaN]",
        "[" TIME ",Infinity]",
        "[" TIME ",-Infinity]",
        "[" TIME ",1e999]",
        "[" TIME ",-1E400]",
        "[" TIME ",9223372036854775807]", /* json-c also returns this for the following values */
        "[" TIME ",9223372036854775808]",
        "[" TIME ",-9223372036854775808]",
        "[" TIME ",9223372036854775808.0]",
        "[" TIME ",-1e19]",
        "[99999999999999999999,1]",
        "[" TIME ",18446744073709551616]",
        "[" TIME ",99999999999999999999]",
        "[" TIME ",-99999999999999999999]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char text[200] = "{\"data\":{\"t1\":";
        strcat(strcat(text, pairs[i]), "}}");
        const struct shape single = {pairs[i], text, "t1[kWh]"};
        expect_shapes(CEMM_REALTIME, CEMM_DAY, &single, 1);
        strcpy(text, "{\"data\":{\"t1\":[[1496264400000,1],");
        strcat(strcat(text, pairs[i]), "]}}");
        const struct shape row = {pairs[i], text, "t1[kWh] 1@1496264400000"};
        expect_shapes(CEMM_DATA, CEMM_DAY, &row, 1);
    }
}

/* If two members have the same name, the later one is used. json-c ends a name at a NUL. */
static void test_names_twice(void **state)
{
    static const struct shape shapes[] = {
        {"twice", "{\"data\":{\"t1\":[0,0],\"t2\":[0,0],\"t1\":[" TIME ",1]}}",
         "t1[kWh] 1@" TIME "; t2[kWh]"},
        {"with an escape", "{\"data\":{\"t1\":[0,0],\"t\\u0031\":[" TIME ",1]}}",
         "t1[kWh] 1@" TIME},
        {"data", "{\"data\":{\"t2\":[0,0]},\"data\":{\"t1\":[" TIME ",1]}}", "t1[kWh] 1@" TIME},
        {"a NUL", "{\"data\":{\"t1\\u0000x\":[" TIME ",1]}}", "t1[kWh] 1@" TIME},
    };

    (void)state;
    expect_shapes(CEMM_REALTIME, CEMM_DAY, shapes, COUNT(shapes));
}

/* A locale with a decimal comma (made by the build) changes nothing. */
static void test_locale(void **state)
{
    static const char *const numbers[] = {
        "1.0",
        "-2.5",
        "0.14208984375",
        "4519.435546875",
        "-393.11401367188",
        "1e15",
        "5e-7",
        "0.30000000000000004",
        "0.1",
        "-0.0",
    };
    const char *locales = getenv("CEMM_TEST_LOCALES");
    char text[100];

    (void)state;
    assert_non_null(locales);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_true(snprintf(text, sizeof(text), "{\"data\":{\"t1\":[" TIME ",%s]}}", numbers[i]) >
                    0);
        /* While LOCPATH is set, glibc's newlocale(), which json-c calls, leaks memory. */
        assert_int_equal(setenv("LOCPATH", locales, 1), 0);
        assert_non_null(setlocale(LC_NUMERIC, "de_DE.UTF-8"));
        assert_int_equal(unsetenv("LOCPATH"), 0);
        assert_string_equal(localeconv()->decimal_point, ",");
        struct cemm_document *document = answer(CEMM_REALTIME, "p1", CEMM_DAY, text);
        setlocale(LC_NUMERIC, "C");
        double wanted = strtod(numbers[i], NULL);
        assert_int_equal(document->series[0].count, 1);
        assert_memory_equal(&document->series[0].samples[0].value, &wanted, sizeof(wanted));
        assert_string_equal(document->series[0].samples[0].text, numbers[i]);
        cemm_document_unref(document);
    }
}

static void test_newest(void **state)
{
    struct cemm_document *document;

    (void)state;
    document = answer(CEMM_REALTIME, "p1", CEMM_DAY,
                      "{\"data\":{\"t1\":[1496326765000,1],\"t2\":[1496326766007,1],"
                      "\"t3\":[0,0]},\"totals\":{\"x\":[1496326765001,2]}}");
    assert_int_equal(cemm_document_newest(document), 1496326766007);
    cemm_document_unref(document);
    document = answer(CEMM_REALTIME, "p1", CEMM_DAY, "{\"data\":{\"t3\":[0,0]}}");
    assert_int_equal(cemm_document_newest(document), 0);
    cemm_document_unref(document);
}

#define NAME_64 "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

/* Names that can't be used for files, tags and identifiers are counted and skipped. */
static void test_bad_names(void **state)
{
    static const struct {
        const char *row;
        enum cemm_endpoint endpoint;
        const char *text;
        size_t refused;
        size_t kept;
    } rows[] = {
        {"channels", CEMM_REALTIME,
         "{\"data\":{\"\":[0,0],\"..\":[0,0],\"a/b\":[0,0],\"a b\":[0,0],\"ok\":[" TIME ",1],"
         "\"\\u00e9\":[0,0],\"" NAME_64 "\":[0,0],\"" NAME_64 "e\":[0,0]}}",
         6, 2},
        {"any value of a bad name", CEMM_REALTIME,
         "{\"data\":{\"a/b\":\"text\",\"t1\":[" TIME ",1]}}", 1, 1},
        {"channels in totals", CEMM_REALTIME,
         "{\"data\":{\"t1\":[" TIME ",1]},\"totals\":{\".\":[0,0]}}", 1, 1},
        {"aliases", CEMM_IO,
         "{\"data\":[{\"alias\":\"p1\"},{\"alias\":\"../p1\"},{\"alias\":\"\"},"
         "{\"alias\":\"" NAME_64 "e\"},{\"alias\":\"p1\\u0000x\"},{\"alias\":\"" NAME_64 "\"}]}",
         4, 2},
        {"uids", CEMM_DEVICES,
         "{\"data\":[{\"uid\":\"FF-FF-FF-FF-FF-FF\"},{\"uid\":\"\"},{\"uid\":\"../../etc\"},"
         "{\"uid\":\"00-00-00-00-00-00\\u0000\"},{\"uid\":\"00:1e:c0:85:96:cc\"}]}",
         3, 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_document *document = answer(rows[i].endpoint, "p1", CEMM_DAY, rows[i].text);
        expect_int(rows[i].row, (int64_t)document->skipped, (int64_t)rows[i].refused);
        expect_int(rows[i].row,
                   (int64_t)(document->series_count + document->io_count + document->uid_count),
                   (int64_t)rows[i].kept);
        cemm_document_unref(document);
    }
}

static void test_lists(void **state)
{
    struct cemm_document *document;

    (void)state;
    document = answer(CEMM_DEVICES, "", CEMM_DAY, "{\"data\":[]}");
    assert_int_equal(document->uid_count, 0);
    cemm_document_unref(document);
    document = answer(CEMM_ROOT, "", CEMM_DAY, "{\"data\":{\"mac\":\"d8:80:39:46:22:b5\"}}");
    assert_int_equal(document->uid_count, 1);
    assert_string_equal(document->uids[0].text, "D8-80-39-46-22-B5");
    cemm_document_unref(document);
    /* io_id is a number, a text or absent; alias is present, null or absent. */
    document = answer(CEMM_IO, "", CEMM_DAY,
                      "{\"data\":[{\"io_id\":1,\"alias\":\"p1\"},{\"io_id\":\"2\",\"alias\":null},"
                      "{\"type\":\"p1\"},{}]}");
    assert_int_equal(document->io_count, 4);
    assert_string_equal(document->io[0].alias, "p1");
    for (size_t i = 1; i < 4; i++)
        assert_string_equal(document->io[i].alias, "");
    cemm_document_unref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),          cmocka_unit_test(test_drop_readings),
        cmocka_unit_test(test_bound),           cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_types_of_meters), cmocka_unit_test(test_realtime),
        cmocka_unit_test(test_history),         cmocka_unit_test(test_long_history),
        cmocka_unit_test(test_shuffled_day),    cmocka_unit_test(test_no_sample),
        cmocka_unit_test(test_newest),          cmocka_unit_test(test_names_twice),
        cmocka_unit_test(test_locale),          cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_lists),           cmocka_unit_test(test_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
