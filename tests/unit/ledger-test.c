/*
 * Tests that only samples newer than the last one of their series are sent, and
 * that a change of source does not make a meter reading decrease.
 */
#include "answers.h"
#include "check.h"
#include "common/model/document.h"
#include "common/model/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW     INT64_C(1700000000000)
#define MINUTES (INT64_C(60) * 1000)

static const struct cemm_uid one = {"00-1E-C0-85-96-CC"};
static const struct cemm_uid other = {"D8-80-39-46-22-B5"};

/* Offers a document with one sample. Returns whether the sample is new. */
static bool take_from(struct cemm_ledger *ledger, const char *source, const struct cemm_uid *uid,
                      const char *alias, const char *channel, int64_t time, double value)
{
    char name[16];
    struct cemm_document document = {.source = name, .fetched = NOW};
    struct cemm_ledger_entry *entry = cemm_ledger_entry(ledger, uid, alias, channel);
    const struct cemm_sample sample = {.time = time, .value = value};

    assert_true(snprintf(name, sizeof(name), "%s", source) < (int)sizeof(name));
    assert_non_null(entry);
    return cemm_ledger_accept(entry, &document, &sample);
}

static bool take(struct cemm_ledger *ledger, const struct cemm_uid *uid, const char *alias,
                 const char *channel, int64_t time)
{
    return take_from(ledger, "cloud home", uid, alias, channel, time, 1);
}

static void test_story(void **state)
{
    static const struct {
        const char *row;
        const struct cemm_uid *uid;
        const char *alias;
        const char *channel;
        int64_t time;
        bool accepted;
    } rows[] = {
        {"first", &one, "p1", "t1", NOW - 5000, true},
        {"the same again", &one, "p1", "t1", NOW - 5000, false},
        {"an older one", &one, "p1", "t1", NOW - 6000, false},
        {"a newer one", &one, "p1", "t1", NOW - 4999, true},
        {"another channel", &one, "p1", "t2", NOW - 5000, true},
        {"another alias", &one, "p1-usb", "t1", NOW - 5000, true},
        {"another device", &other, "p1", "t1", NOW - 5000, true},
        {"the other device again", &other, "p1", "t1", NOW - 5000, false},
        {"names that are equal only when joined", &one, "p1t", "1", NOW - 5000, true},
        {"in the future, which the ledger does not check", &one, "p1", "t1", NOW + 15 * MINUTES,
         true},
        {"never read", &one, "p1", "switch", 0, false},
    };
    struct cemm_ledger *ledger = cemm_ledger_new(0, NULL, 0);

    (void)state;
    assert_non_null(ledger);
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_int(rows[i].row,
                   take(ledger, rows[i].uid, rows[i].alias, rows[i].channel, rows[i].time),
                   rows[i].accepted);
    cemm_ledger_free(ledger);
    cemm_ledger_free(NULL);
}

/* Adds many series, in an order that would unbalance a simple tree. */
static void test_many(void **state)
{
    struct cemm_ledger *ledger = cemm_ledger_new(0, NULL, 0);
    char channel[CEMM_NAME_SIZE];

    (void)state;
    assert_non_null(ledger);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2000; i++) {
            assert_true(snprintf(channel, sizeof(channel), "channel-%05d", i) > 0);
            assert_int_equal(take(ledger, &one, "p1", channel, NOW + round), true);
            assert_int_equal(take(ledger, &one, "p1", channel, NOW + round), false);
        }
    }
    cemm_ledger_free(ledger);
}

/* The LAN and the cloud round differently: what is 100.25 kWh in one source is 100.2 in the other.
 */
static void test_source_change(void **state)
{
    static const struct {
        const char *row;
        const char *source;
        const char *channel;
        double value;
        bool accepted;
    } rows[] = {
        {"first", "local a", "t1", 100.25, true},
        {"the other source, a little lower", "cloud b", "t1", 100.2, false},
        {"still lower", "cloud b", "t1", 100.24, false},
        {"the last reading is reached again", "cloud b", "t1", 100.25, true},
        {"the same source may step back", "cloud b", "t1", 100.2, true},
        {"back to the first source, a little lower", "local a", "t1", 100.1, false},
        {"the second source continues", "cloud b", "t1", 100.21, true},
        {"a greater step back is a new meter", "local a", "t1", 99.21, true},
        {"power", "local a", "electric_power", 1000, true},
        {"power is not a counter", "cloud b", "electric_power", 999.5, true},
        {"gas", "local a", "gas", 10, true},
        {"gas is a counter", "cloud b", "gas", 9.5, false},
        {"a difference of counters", "local a", "electric_energy", 10, true},
        {"a difference may fall", "cloud b", "electric_energy", 9.5, true},
    };
    struct cemm_ledger *ledger = cemm_ledger_new(0, NULL, 0);

    (void)state;
    assert_non_null(ledger);
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_int(rows[i].row,
                   take_from(ledger, rows[i].source, &one, "p1", rows[i].channel, NOW + (int)i,
                             rows[i].value),
                   rows[i].accepted);
    cemm_ledger_free(ledger);
}

/* A reading from totals is new only if its time is newer, and its value or the time in data has
 * changed. */
static void test_totals(void **state)
{
    static const struct {
        const char *row;
        int64_t stamp;    /* the reading's time, in totals */
        int64_t measured; /* the newest time in data */
        double value;
        bool accepted;
    } rows[] = {
        {"first", NOW, NOW - 5000, 10, true},
        {"only its time is new", NOW + 10, NOW - 5000, 10, false},
        {"another value", NOW + 20, NOW - 5000, 10.01, true},
        {"the value stays", NOW + 30, NOW - 5000, 10.01, false},
        {"the meter was read again", NOW + 40, NOW - 4000, 10.01, true},
        {"an older time", NOW + 39, NOW - 3000, 10.02, false},
    };
    struct cemm_ledger *ledger = cemm_ledger_new(0, NULL, 0);
    struct cemm_ledger_entry *entry;

    (void)state;
    assert_non_null(ledger);
    entry = cemm_ledger_entry(ledger, &one, "mb3", "t1");
    assert_non_null(entry);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_sample sample = {.time = rows[i].stamp, .value = rows[i].value};
        struct cemm_series series = {
            .channel = "t1", .samples = &sample, .count = 1, .total = true};
        struct cemm_document document = {.source = (char *)"local a",
                                         .fetched = NOW,
                                         .newest = rows[i].measured,
                                         .series = &series,
                                         .series_count = 1};
        expect_int(rows[i].row, cemm_ledger_accept(entry, &document, &sample), rows[i].accepted);
    }
    cemm_ledger_free(ledger);
}

static void expect_samples(const char *row, const struct cemm_document *document,
                           const char *wanted)
{
    char text[200] = "";
    size_t count;
    const struct cemm_series *series;

    assert_non_null(document);
    series = cemm_document_series(document, &count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(series[i].count, 1);
        strcat(strcat(text, series[i].channel), "=");
        strncat(text, series[i].samples[0].text, series[i].samples[0].text_length);
        strcat(text, " ");
    }
    expect_text(row, text, wanted);
}

/* Tests which samples of a document are to be sent. */
static void test_pick(void **state)
{
    static const struct {
        const char *row;
        const char *source;
        const char *answer;
        const char *to_send; /* what cemm_ledger_pick() returns if its `shown` is NULL */
        const char *to_show; /* what it returns if `shown` is its result for the previous row */
    } rows[] = {
        {"everything is new", "cloud home",
         "{\"data\":{\"t1\":[1496326765000,1351.60],\"gas\":[1496323165000,2],\"rate\":[0,0]}}",
         "t1=1351.60 gas=2 ", "t1=1351.60 gas=2 "},
        {"the same", "cloud home",
         "{\"data\":{\"t1\":[1496326765000,1351.60],\"gas\":[1496323165000,2],\"rate\":[0,0]}}", "",
         "t1=1351.60 gas=2 "},
        {"one is new, one is missing", "cloud home", "{\"data\":{\"t1\":[1496326766000,1351.700]}}",
         "t1=1351.700 ", "t1=1351.700 "},
        {"another source, a step back", "local one",
         "{\"data\":{\"t1\":[1496326767000,1351.5],\"rate\":[1496326767000,1]}}", "rate=1 ",
         "t1=1351.700 rate=1 "},
        {"past the last reading again", "local one", "{\"data\":{\"t1\":[1496326768000,1351.71]}}",
         "t1=1351.71 ", "t1=1351.71 "},
    };
    struct cemm_ledger *send_ledger = cemm_ledger_new(0, NULL, 0);
    struct cemm_ledger *show_ledger = cemm_ledger_new(0, NULL, 0);
    struct cemm_document *last = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_document *document = answer(CEMM_REALTIME, "p1", CEMM_DAY, rows[i].answer);
        document->source = strdup(rows[i].source);
        assert_non_null(document->source);
        struct cemm_document *due = cemm_ledger_pick(send_ledger, document, NULL);
        struct cemm_document *next = cemm_ledger_pick(show_ledger, document, last);
        cemm_document_unref(document); /* the result does not refer to the document */
        expect_samples(rows[i].row, due, rows[i].to_send);
        expect_samples(rows[i].row, next, rows[i].to_show);
        expect_text(rows[i].row, cemm_document_source(next), rows[i].source);
        cemm_document_unref(due);
        cemm_document_unref(last);
        last = next;
    }
    cemm_document_unref(last);
    cemm_ledger_free(send_ledger);
    cemm_ledger_free(show_ledger);
}

/* Each series of a picked document has its interval. */
static void test_cadence(void **state)
{
    static const char *const answers[] = {
        "{\"data\":{\"t1\":[1496326800000,1],\"gas\":[1496323200000,2]},"
        "\"totals\":{\"electric_energy\":[1496326805000,3]}}",
        "{\"data\":{\"t1\":[1496327100000,1],\"gas\":[1496326800000,2]},"
        "\"totals\":{\"electric_energy\":[1496326815000,4]}}",
    };
    static const struct {
        const char *channel;
        unsigned cadences[COUNT(answers)];
    } rows[] = {{"t1", {0, 300}}, {"gas", {0, 3600}}, {"electric_energy", {0, 10}}};
    struct cemm_ledger *ledger = cemm_ledger_new(0, NULL, 0);

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct cemm_document *document = answer(CEMM_REALTIME, "p1", CEMM_DAY, answers[i]);
        struct cemm_document *picked = cemm_ledger_pick(ledger, document, NULL);
        assert_non_null(picked);
        for (size_t j = 0; j < COUNT(rows); j++) {
            const struct cemm_series *series = cemm_document_channel(picked, rows[j].channel);
            assert_non_null(series);
            expect_int(rows[j].channel, series->cadence, rows[j].cadences[i]);
        }
        cemm_document_unref(picked);
        cemm_document_unref(document);
    }
    cemm_ledger_free(ledger);
}

/* Tests which rows of a day are picked: those in minutes that were not sent. */
static void test_missed(void **state)
{
    static const char day[] =
        "{\"data\":{\"electric_power\":[[1496264700000,5],[1496264640000,4],[1496264599000,7],"
        "[1496264580000,3],[1496264520000,2],[1496264460000,1]],\"other\":[[1496264460000,9]]}}";
    struct cemm_document *document = answer(CEMM_DATA, "p1", CEMM_DAY, day);
    struct cemm_ledger *ledger = cemm_ledger_new(86400, NULL, 0);
    struct cemm_ledger_entry *power = cemm_ledger_entry(ledger, &one, "p1", "electric_power");
    struct cemm_ledger_entry *flow = cemm_ledger_entry(ledger, &one, "p1", "flow");
    const int64_t now = INT64_C(1496264820000); /* the last minute ended one minute ago */
    size_t count;

    (void)state;
    assert_non_null(power);
    assert_int_equal(cemm_ledger_mark(power, "", INT64_C(1496264523456)), 1);
    assert_int_equal(cemm_ledger_mark(power, "", INT64_C(1496264640000)), 1);
    struct cemm_document *missed = cemm_ledger_pick_missing(power, "", document, 0, SIZE_MAX, now);
    cemm_document_unref(document);
    assert_non_null(missed);
    const struct cemm_series *series = cemm_document_series(missed, &count);
    assert_int_equal(count, 1);
    assert_int_equal(series[0].count, 3);
    assert_memory_equal(series[0].samples[0].text, "1", 1);
    assert_memory_equal(series[0].samples[1].text, "3", 1); /* the first of two in a minute */
    assert_memory_equal(series[0].samples[2].text, "5", 1);
    /* A millisecond earlier, a live sample of the last minute could still arrive. */
    struct cemm_document *sooner =
        cemm_ledger_pick_missing(power, "", missed, 0, SIZE_MAX, now - 1);
    assert_int_equal(cemm_document_series(sooner, &count)[0].count, 2);
    cemm_document_unref(sooner);
    struct cemm_document *oldest = cemm_ledger_pick_missing(power, "", missed, 0, 1, now);
    assert_int_equal(cemm_document_series(oldest, &count)[0].count, 1);
    assert_memory_equal(cemm_document_series(oldest, &count)[0].samples[0].text, "1", 1);
    cemm_document_unref(oldest);
    struct cemm_document *later = cemm_ledger_pick_missing(
        power, "", missed, INT64_C(1496264580000), 1, now); /* continues after the oldest row */
    assert_memory_equal(cemm_document_series(later, &count)[0].samples[0].text, "3", 1);
    cemm_document_unref(later);
    struct cemm_document *none = cemm_ledger_pick_missing(flow, "", missed, 0, SIZE_MAX, now);
    (void)cemm_document_series(none, &count);
    assert_int_equal(count, 0);
    cemm_document_unref(none);
    cemm_document_unref(missed);
    cemm_ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_story),         cmocka_unit_test(test_many),
        cmocka_unit_test(test_source_change), cmocka_unit_test(test_pick),
        cmocka_unit_test(test_missed),        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_cadence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
