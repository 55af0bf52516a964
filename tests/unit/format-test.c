/*
 * Tests the text of documents as CSV and as rows of each format: columns, order,
 * empty fields, tags, and that values keep their text. golden-test.c tests whole documents
 * as JSON, and prometheus-test.c tests Prometheus.
 */
#include "answers.h"
#include "check.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define UID "00-1E-C0-85-96-CC"

struct answer_case {
    enum cemm_endpoint endpoint;
    enum cemm_span span;
    const char *alias;
    const char *text;
};

static const struct answer_case answers[] = {
    /* 0: realtime; t2 was never read, gas is an hour older, rate has milliseconds */
    {CEMM_REALTIME, CEMM_DAY, "p1",
     "{\"data\":{\"t1\":[1496326765000,1351.0],\"t2\":[0,0],\"electric_power\":"
     "[1496326765000,-1607],\"gas\":[1496323165000,2617.5],\"rate\":[1496326765007,2]}}"},
    /* 1: a day of one channel */
    {CEMM_DATA, CEMM_DAY, "p1",
     "{\"data\":{\"electric_power\":[[1496264460000,-5],[1496264400000,631.875]]}}"},
    /* 2: a month of two channels, each of which lacks a row that the other has */
    {CEMM_DATA, CEMM_MONTH, "p1",
     "{\"data\":{\"electric_energy_low\":[[1493676000000,1.50],[1493589600000,1]],"
     "\"electric_energy_high\":[[1493762400000,3],[1493676000000,2e0]]}}"},
    /* 3: a day without rows */
    {CEMM_DATA, CEMM_DAY, "p1", "{\"data\":{\"electric_power\":[]}}"},
    /* 4: a day of gas */
    {CEMM_DATA, CEMM_DAY, "p1-gas", "{\"data\":{\"gas\":[[1496264400000,0.25]]}}"},
    /* 5: gas and another channel in one day, which become two lines, one with the tag `period` */
    {CEMM_DATA, CEMM_DAY, "p1",
     "{\"data\":{\"gas\":[[1496264400000,0.25]],\"electric_power\":[[1496264400000,7]]}}"},
    /* 6: totals */
    {CEMM_TOTALS, CEMM_DAY, "p1",
     "{\"data\":{\"t1\":[1496242500000,1350.5639648438],\"gas\":[1496242500000,2616]}}"},
    /* 7: a year */
    {CEMM_DATA, CEMM_YEAR, "p1-gas", "{\"data\":{\"gas\":[[1483225200000,281.6]]}}"},
    /* 8: the hour that occurs twice because the clock is put back */
    {CEMM_DATA, CEMM_DAY, "p1",
     "{\"data\":{\"electric_power\":[[1477789200000,2],[1477785600000,1]]}}"},
    /* 9: no channel at all */
    {CEMM_REALTIME, CEMM_DAY, "p1", "{\"data\":{}}"},
    /* 10: water, one channel of which is in totals */
    {CEMM_REALTIME, CEMM_DAY, "pulse-1",
     "{\"data\":{\"flow\":[1496326765000,0]},\"totals\":{\"volume\":[1496326765000,812.25]}}"},
    /* 11: io with text that CSV must quote, and members that appear later or are nested */
    {CEMM_IO, CEMM_DAY, "",
     "{\"data\": [ {\"io_id\": 1, \"type\" : \"a,b\", \"n\": 1.0e0},\n"
     "{\"type\":\"say \\\"hi\\\"\", \"x y\":null, \"io_id\":\"88\"},"
     "{\"deep\":{\"type\":[1,{\"a\":\"}\"}]},\"on\":true,\"two\\nlines\":"
     "\"\\u20ac\\ud83d\\ude00\\u00e9\\/\"},"
     "{\"n\":-0,\"type\":\"\\u0041\\ud800\\u0000\\r\"}, {}]}"},
    /* 12: no meter at all */
    {CEMM_IO, CEMM_DAY, "", "{\"data\":[]}"},
    /* 13: the info of an alias */
    {CEMM_INFO, CEMM_DAY, "p1", "{\"data\":[{\"io_id\":1,\"port\":3,\"type\":\"p1\"}]}"},
    /* 14: totals with different times, and a channel that was never read */
    {CEMM_TOTALS, CEMM_DAY, "p1",
     "{\"data\":{\"t1\":[1496242500000,1350.5],\"t2\":[0,0],\"gas\":[1496242440000,2616]}}"},
    /* 15: totals of a day without readings */
    {CEMM_TOTALS, CEMM_DAY, "p1", "{\"data\":{\"t1\":[0,0],\"gas\":[0,0]}}"},
    /* 16: a day on which gas by the hour becomes gas by the minute, with some minutes missing */
    {CEMM_DATA, CEMM_DAY, "p1-gas",
     "{\"data\":{\"gas\":[[1496313660000,6],[1496313060000,5],[1496312460000,4],[1496312400000,3],"
     "[1496311200000,0.2],[1496307600000,0.1]]}}"},
};

static const struct {
    size_t answer;
    enum cemm_format format;
    const char *text;
} outputs[] = {
    {0, CEMM_FORMAT_CSV,
     "channel,value,unit,time\n"
     "t1,1351.0,kWh,2017-06-01T16:19:25+02:00\n"
     "t2,,kWh,\n"
     "electric_power,-1607,W,2017-06-01T16:19:25+02:00\n"
     "gas,2617.5,m3,2017-06-01T15:19:25+02:00\n"
     "rate,2,,2017-06-01T16:19:25.007+02:00\n"},
    {1, CEMM_FORMAT_CSV,
     "time,electric_power\n"
     "2017-05-31T23:00:00+02:00,631.875\n"
     "2017-05-31T23:01:00+02:00,-5\n"},
    {2, CEMM_FORMAT_CSV,
     "time,electric_energy_low,electric_energy_high\n"
     "2017-05-01T00:00:00+02:00,1,\n"
     "2017-05-02T00:00:00+02:00,1.50,2e0\n"
     "2017-05-03T00:00:00+02:00,,3\n"},
    {3, CEMM_FORMAT_CSV, "time,electric_power\n"},
    {6, CEMM_FORMAT_CSV,
     "time,t1,gas\n"
     "2017-05-31T16:55:00+02:00,1350.5639648438,2616\n"},
    {11, CEMM_FORMAT_CSV,
     "io_id,type,n,x y,deep,on,\"two\nlines\"\n"
     "1,\"a,b\",1.0e0,,,,\n"
     "88,\"say \"\"hi\"\"\",,,,,\n"
     ",,,,\"{\"\"type\"\":[1,{\"\"a\"\":\"\"}\"\"}]}\",true,\u20ac\U0001f600\u00e9/\n"
     ",A\ufffd,0,,,,\n"
     ",,,,,,\n"},
    {12, CEMM_FORMAT_CSV, "\n"},
    {13, CEMM_FORMAT_CSV, "io_id,port,type\n1,3,p1\n"},
    {14, CEMM_FORMAT_CSV,
     "time,t1,t2,gas\n"
     "2017-05-31T16:54:00+02:00,,,2616\n"
     "2017-05-31T16:55:00+02:00,1350.5,,\n"},
    {15, CEMM_FORMAT_CSV, "time,t1,gas\n"},
    {8, CEMM_FORMAT_CSV,
     "time,electric_power\n"
     "2016-10-30T02:00:00+02:00,1\n"
     "2016-10-30T02:00:00+01:00,2\n"},
    {9, CEMM_FORMAT_CSV, "channel,value,unit,time\n"},
    {10, CEMM_FORMAT_CSV,
     "channel,value,unit,time\n"
     "flow,0,L/min,2017-06-01T16:19:25+02:00\n"
     "volume,812.25,m3,2017-06-01T16:19:25+02:00\n"},
    {16, CEMM_FORMAT_CSV,
     "time,gas\n2017-06-01T11:00:00+02:00,0.1\n2017-06-01T12:00:00+02:00,0.2\n"
     "2017-06-01T12:20:00+02:00,3\n2017-06-01T12:21:00+02:00,4\n"
     "2017-06-01T12:31:00+02:00,5\n2017-06-01T12:41:00+02:00,6\n"},
};

static const struct {
    size_t answer;
    enum cemm_rows rows;
    const char *text;
} rows[] = {
    {0, CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1 gas=2617.5 1496323165000000000\n"
     "cemm,uid=" UID ",alias=p1 electric_power=-1607,t1=1351.0 1496326765000000000\n"
     "cemm,uid=" UID ",alias=p1 rate=2 1496326765007000000\n"},
    {1, CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1 electric_power=631.875 1496264400000000000\n"
     "cemm,uid=" UID ",alias=p1 electric_power=-5 1496264460000000000\n"},
    {2, CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1,period=month electric_energy_low=1 1493589600000000000\n"
     "cemm,uid=" UID ",alias=p1,period=month electric_energy_high=2e0,electric_energy_low=1.50 "
     "1493676000000000000\n"
     "cemm,uid=" UID ",alias=p1,period=month electric_energy_high=3 1493762400000000000\n"},
    {3, CEMM_ROWS_INFLUX, ""},
    {4, CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1-gas,period=day gas=0.25 1496264400000000000\n"},
    {5, CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1 electric_power=7 1496264400000000000\n"
     "cemm,uid=" UID ",alias=p1,period=day gas=0.25 1496264400000000000\n"},
    {6, CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1 gas=2616,t1=1350.5639648438 1496242500000000000\n"},
    {16, CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1-gas,period=day gas=0.1 1496307600000000000\n"
     "cemm,uid=" UID ",alias=p1-gas,period=day gas=0.2 1496311200000000000\n"
     "cemm,uid=" UID ",alias=p1-gas,period=day gas_flow=3 1496312400000000000\n"
     "cemm,uid=" UID ",alias=p1-gas,period=day gas_flow=4 1496312460000000000\n"
     "cemm,uid=" UID ",alias=p1-gas,period=day gas_flow=5 1496313060000000000\n"
     "cemm,uid=" UID ",alias=p1-gas,period=day gas_flow=6 1496313660000000000\n"},
    {16, CEMM_ROWS_CSV,
     UID ",p1-gas,gas,0.1,m3,2017-06-01T11:00:00+02:00,\n" UID
         ",p1-gas,gas,0.2,m3,2017-06-01T12:00:00+02:00,\n" UID
         ",p1-gas,gas,3,L/min,2017-06-01T12:20:00+02:00,\n" UID
         ",p1-gas,gas,4,L/min,2017-06-01T12:21:00+02:00,\n" UID
         ",p1-gas,gas,5,L/min,2017-06-01T12:31:00+02:00,\n" UID
         ",p1-gas,gas,6,L/min,2017-06-01T12:41:00+02:00,\n"},
    {7, CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1-gas,period=year gas=281.6 1483225200000000000\n"},
    {0, CEMM_ROWS_CSV,
     UID ",p1,gas,2617.5,m3,2017-06-01T15:19:25+02:00,\n" UID
         ",p1,t1,1351.0,kWh,2017-06-01T16:19:25+02:00,\n" UID
         ",p1,electric_power,-1607,W,2017-06-01T16:19:25+02:00,\n" UID
         ",p1,rate,2,,2017-06-01T16:19:25.007+02:00,\n" UID ",p1,t2,,kWh,,\n"},
    {1, CEMM_ROWS_CSV,
     UID ",p1,electric_power,631.875,W,2017-05-31T23:00:00+02:00,\n" UID
         ",p1,electric_power,-5,W,2017-05-31T23:01:00+02:00,\n"},
    {9, CEMM_ROWS_CSV, ""},
    {0, CEMM_ROWS_JSON,
     "{ \"uid\": \"" UID "\", \"alias\": \"p1\", \"channel\": \"gas\", \"value\": 2617.5, "
     "\"unit\": \"m3\", \"time\": \"2017-06-01T15:19:25+02:00\", \"type\": \"\" }\n"
     "{ \"uid\": \"" UID "\", \"alias\": \"p1\", \"channel\": \"t1\", \"value\": 1351.0, "
     "\"unit\": \"kWh\", \"time\": \"2017-06-01T16:19:25+02:00\", \"type\": \"\" }\n"
     "{ \"uid\": \"" UID "\", \"alias\": \"p1\", \"channel\": \"electric_power\", "
     "\"value\": -1607, \"unit\": \"W\", \"time\": \"2017-06-01T16:19:25+02:00\", \"type\": \"\" "
     "}\n"
     "{ \"uid\": \"" UID "\", \"alias\": \"p1\", \"channel\": \"rate\", \"value\": 2, "
     "\"unit\": \"\", \"time\": \"2017-06-01T16:19:25.007+02:00\", \"type\": \"\" }\n"
     "{ \"uid\": \"" UID "\", \"alias\": \"p1\", \"channel\": \"t2\", \"value\": null, "
     "\"unit\": \"kWh\", \"time\": null, \"type\": \"\" }\n"},
    {9, CEMM_ROWS_JSON, ""},
};

static void test_outputs(void **state)
{
    struct cemm_zone *zone = cemm_zone_new("Europe/Amsterdam");

    (void)state;
    assert_non_null(zone);
    for (size_t i = 0; i < COUNT(outputs); i++) {
        const struct answer_case *from = &answers[outputs[i].answer];
        struct cemm_document *document =
            answer(from->endpoint, from->alias, from->span, from->text);
        char *text;
        size_t length;
        assert_int_equal(cemm_render(document, outputs[i].format, zone, &text, &length), 0);
        expect_text(from->text, text, outputs[i].text);
        assert_int_equal(length, strlen(text));
        free(text);
        cemm_document_unref(document);
    }
    cemm_zone_free(zone);
}

/* With the option `unsampled`, a channel that was never read also has a row. */
static void test_rows(void **state)
{
    struct cemm_zone *zone = cemm_zone_new("Europe/Amsterdam");
    const struct cemm_render_options options = {.zone = zone, .unsampled = true};

    (void)state;
    assert_non_null(zone);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct answer_case *from = &answers[rows[i].answer];
        const struct cemm_document *document =
            answer(from->endpoint, from->alias, from->span, from->text);
        char *text;
        size_t length;
        assert_int_equal(cemm_render_joined(&document, 1, rows[i].rows, &options, &text, &length),
                         0);
        expect_text(from->text, text, rows[i].text);
        assert_int_equal(length, strlen(text));
        free(text);
        cemm_document_unref((struct cemm_document *)document);
    }
    cemm_zone_free(zone);
}

/* 256 channels (the maximum) have 256 different times. */
static void test_widest(void **state)
{
    struct cemm_zone *zone = cemm_zone_new("UTC");
    const struct cemm_render_options options = {.zone = zone};
    struct cemm_document *document;
    struct cemm_message message;
    struct cemm_query query = answer_query(CEMM_DATA, "p1", CEMM_MONTH);
    static char bytes[256 * 40];
    char *text;
    size_t length;
    size_t lines = 0;
    size_t used = (size_t)sprintf(bytes, "{\"data\":{");

    (void)state;
    assert_non_null(zone);
    for (int i = 0; i < 256; i++)
        used += (size_t)sprintf(bytes + used, "%s\"c%03d\":[[%lld,%d]]", i ? "," : "", i,
                                1493589600000 + (long long)((i * 37) % 256), i);
    used += (size_t)sprintf(bytes + used, "}}");
    assert_int_equal(answer_try(&query, bytes, used, ANSWER_NOW, &document, &message), 0);
    assert_int_equal(cemm_render_joined((const struct cemm_document *const *)&document, 1,
                                        CEMM_ROWS_INFLUX, &options, &text, &length),
                     0);
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 256);
    free(text);
    assert_int_equal(cemm_render(document, CEMM_FORMAT_CSV, zone, &text, &length), 0);
    expect_part("last column last", text, ",c254,c255\n2017-04-30T22:00:00+00:00,0,,,");
    free(text);
    cemm_document_unref(document);
    cemm_zone_free(zone);
}

/* Rows of several documents are sorted by time, then by document, then by channel. */
static const struct {
    size_t answers[3]; /* indexes in the table `answers`, plus 1; 0: end */
    enum cemm_rows rows;
    const char *text;
} joins[] = {
    {{2, 6},
     CEMM_ROWS_INFLUX,
     "cemm,uid=" UID ",alias=p1 electric_power=631.875 1496264400000000000\n"
     "cemm,uid=" UID ",alias=p1 electric_power=7 1496264400000000000\n"
     "cemm,uid=" UID ",alias=p1,period=day gas=0.25 1496264400000000000\n"
     "cemm,uid=" UID ",alias=p1 electric_power=-5 1496264460000000000\n"},
    {{3, 5},
     CEMM_ROWS_CSV,
     UID ",p1,electric_energy_low,1,kWh,2017-05-01T00:00:00+02:00,\n" UID
         ",p1,electric_energy_low,1.50,kWh,2017-05-02T00:00:00+02:00,\n" UID
         ",p1,electric_energy_high,2e0,kWh,2017-05-02T00:00:00+02:00,\n" UID
         ",p1,electric_energy_high,3,kWh,2017-05-03T00:00:00+02:00,\n" UID
         ",p1-gas,gas,0.25,m3,2017-05-31T23:00:00+02:00,\n"},
    {{9},
     CEMM_ROWS_JSON,
     "{ \"uid\": \"" UID "\", \"alias\": \"p1\", \"channel\": \"electric_power\", \"value\": 1, "
     "\"unit\": \"W\", \"time\": \"2016-10-30T02:00:00+02:00\", \"type\": \"\" }\n"
     "{ \"uid\": \"" UID "\", \"alias\": \"p1\", \"channel\": \"electric_power\", \"value\": 2, "
     "\"unit\": \"W\", \"time\": \"2016-10-30T02:00:00+01:00\", \"type\": \"\" }\n"},
    {{1},
     CEMM_ROWS_CSV, /* a channel that was never read has no row */
     UID ",p1,gas,2617.5,m3,2017-06-01T15:19:25+02:00,\n" UID
         ",p1,t1,1351.0,kWh,2017-06-01T16:19:25+02:00,\n" UID
         ",p1,electric_power,-1607,W,2017-06-01T16:19:25+02:00,\n" UID
         ",p1,rate,2,,2017-06-01T16:19:25.007+02:00,\n"},
    {{1},
     CEMM_ROWS_PUTVAL,
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-gas\" interval=3600 1496323165.000:2617.5\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/energy_wh-p1-t1\" interval=2.5 "
     "1496326765.000:1351000\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/power-p1-electric_power\" interval=2.5 "
     "1496326765.000:-1607\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-rate\" interval=2.5 1496326765.007:2\n"},
    {{2},
     CEMM_ROWS_PUTVAL,
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/power-p1-electric_power\" interval=2.5 "
     "1496264400.000:631.875\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/power-p1-electric_power\" interval=2.5 "
     "1496264460.000:-5\n"},
    {{5},
     CEMM_ROWS_PUTVAL, /* "-day", because a meter reading is also called gas */
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-gas-gas-day\" interval=3600 "
     "1496264400.000:0.25\n"},
    {{8},
     CEMM_ROWS_PUTVAL,
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-gas-gas-year\" interval=3600 "
     "1483225200.000:281.6\n"},
    {{17},
     CEMM_ROWS_PUTVAL,
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-gas-gas-day\" interval=3600 1496307600.000:0.1\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-gas-gas-day\" interval=3600 1496311200.000:0.2\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-gas-gas_flow-day\" interval=2.5 1496312400.000:3\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-gas-gas_flow-day\" interval=2.5 1496312460.000:4\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID "/gauge-p1-gas-gas_flow-day\" interval=2.5 1496313060.000:5\n"
     "PUTVAL \"a\\\"b\\\\c/cemm-" UID
     "/gauge-p1-gas-gas_flow-day\" interval=2.5 1496313660.000:6\n"},
    {{4, 10}, CEMM_ROWS_INFLUX, ""},
    {{0}, CEMM_ROWS_CSV, ""},
};

static void test_joins(void **state)
{
    struct cemm_zone *zone = cemm_zone_new("Europe/Amsterdam");
    const struct cemm_render_options options = {.zone = zone, .host = "a\"b\\c", .interval = 2.5};

    (void)state;
    assert_non_null(zone);
    for (size_t i = 0; i < COUNT(joins); i++) {
        struct cemm_document *documents[COUNT(joins[i].answers)];
        size_t count = 0;
        char *text;
        size_t length;
        for (; count < COUNT(documents) && joins[i].answers[count]; count++) {
            const struct answer_case *from = &answers[joins[i].answers[count] - 1];
            documents[count] = answer(from->endpoint, from->alias, from->span, from->text);
        }
        assert_int_equal(cemm_render_joined((const struct cemm_document *const *)documents, count,
                                            joins[i].rows, &options, &text, &length),
                         0);
        expect_text("joined", text, joins[i].text);
        assert_int_equal(length, strlen(text));
        free(text);
        while (count > 0)
            cemm_document_unref(documents[--count]);
    }
    cemm_zone_free(zone);
}

/* An entry may have at most as many members as there may be columns. */
static void test_too_many_columns(void **state)
{
    struct cemm_zone *zone = cemm_zone_new("UTC");

    (void)state;
    assert_non_null(zone);
    for (int count = 256; count <= 257; count++) {
        static char bytes[257 * 12 + 40];
        size_t used = (size_t)sprintf(bytes, "{\"data\":[{");
        struct cemm_document *document;
        char *text = NULL;
        size_t length;
        int r;

        for (int i = 0; i < count; i++)
            used += (size_t)sprintf(bytes + used, "%s\"c%d\":%d", i ? "," : "", i, i);
        (void)sprintf(bytes + used, "}]}");
        document = answer(CEMM_IO, "", CEMM_DAY, bytes);
        r = cemm_render(document, CEMM_FORMAT_CSV, zone, &text, &length);
        expect_int("columns", r, count == 256 ? 0 : -E2BIG);
        if (r == 0)
            free(text);
        cemm_document_unref(document);
    }
    cemm_zone_free(zone);
}

/* Values whose name is too long for collectd are left out and counted. */
static void test_refused(void **state)
{
    static const char name[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    size_t refused = 0;
    const struct cemm_render_options options = {
        .host = "h", .interval = 1, .ret_refused = &refused};
    char json[200] = "{\"data\":{\"t1\":[1496326765000,1],\"";

    (void)state;
    strcat(strcat(json, name), "\":[1496326765000,1]}}");
    const struct cemm_document *document = answer(CEMM_REALTIME, name, CEMM_DAY, json);
    char *text;
    size_t length;
    assert_int_equal(cemm_render_joined(&document, 1, CEMM_ROWS_PUTVAL, &options, &text, &length),
                     0);
    expect_part("the value with a short name", text, "-t1\" interval=1 ");
    assert_null(strstr(strchr(text, '\n') + 1, "PUTVAL"));
    assert_int_equal(refused, 1);
    free(text);
    cemm_document_unref((struct cemm_document *)document);
}

static size_t left = SIZE_MAX; /* number of allocations that still succeed */

struct json_object *__real_json_object_new_string(const char *text);
struct json_object *__real_json_object_new_double_s(double value, const char *text);
struct json_object *__wrap_json_object_new_string(const char *text);
struct json_object *__wrap_json_object_new_double_s(double value, const char *text);

struct json_object *__wrap_json_object_new_string(const char *text)
{
    return left-- == 0 ? NULL : __real_json_object_new_string(text);
}

struct json_object *__wrap_json_object_new_double_s(double value, const char *text)
{
    return left-- == 0 ? NULL : __real_json_object_new_double_s(value, text);
}

/* If there is no memory, a value must not become null. A row of a sample has seven values. */
static void test_no_memory(void **state)
{
    const struct answer_case *from = &answers[4];
    const struct cemm_document *document =
        answer(from->endpoint, from->alias, from->span, from->text);
    struct cemm_zone *zone = cemm_zone_new("UTC");
    const struct cemm_render_options options = {.zone = zone};

    (void)state;
    assert_non_null(zone);
    for (size_t made = 0; made <= 7; made++) {
        char *text = NULL;
        size_t length;
        left = made;
        int r = cemm_render_joined(&document, 1, CEMM_ROWS_JSON, &options, &text, &length);
        left = SIZE_MAX;
        expect_int("a row", r, made < 7 ? -ENOMEM : 0);
        free(text);
    }
    cemm_zone_free(zone);
    cemm_document_unref((struct cemm_document *)document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joins),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_outputs),   cmocka_unit_test(test_rows),
        cmocka_unit_test(test_widest),    cmocka_unit_test(test_too_many_columns),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
