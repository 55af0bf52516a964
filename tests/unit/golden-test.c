/*
 * Tests the output for the examples in the API's documentation and for recorded
 * answers. NAME.answer is an answer (without the rows that the documentation
 * omits). NAME.json, .csv, .influx, .putval and, for realtime, .prometheus are the
 * expected output, written by hand. Answers without samples have only .json, and
 * lists of meters also .csv. The first argument is the directory of these files.
 */
#include "check.h"
#include "common/protocol/answer.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define CLOUD "FF-FF-FF-FF-FF-FF"
#define LAN   "00-1E-C0-85-96-CC"

static const char *directory;

/* The times at which the answers are read: shortly after the newest sample of 2017 (except one of
 * December, see below), and shortly after the newest sample of 2020. */
#define JUNE_2017  INT64_C(1496326800000)
#define APRIL_2020 INT64_C(1587565300000)

static const struct golden {
    const char *name;
    struct cemm_query query;
    int64_t now;
    const char *found; /* the uids (DEVICES, ROOT) or aliases (IO, INFO; "-": none), joined */
} goldens[] = {
    {"cloud-cemm", {.endpoint = CEMM_DEVICES}, JUNE_2017, "00-00-00-00-00-00 FF-FF-FF-FF-FF-FF "},
    {"cloud-io", {{CLOUD}, "", CEMM_IO, {0}}, JUNE_2017, "- - - "},
    {"cloud-info", {{CLOUD}, "p1", CEMM_INFO, {0}}, JUNE_2017, "- "},
    {"cloud-p1-realtime", {{CLOUD}, "p1", CEMM_REALTIME, {0}}, JUNE_2017, NULL},
    {"cloud-p1-gas-day", {{CLOUD}, "p1-gas", CEMM_DATA, {CEMM_DAY, 2017, 5, 31}}, JUNE_2017, NULL},
    {"cloud-p1-gas-month",
     {{CLOUD}, "p1-gas", CEMM_DATA, {CEMM_MONTH, 2017, 5, 1}},
     JUNE_2017,
     NULL},
    {"cloud-p1-gas-year",
     {{CLOUD}, "p1-gas", CEMM_DATA, {CEMM_YEAR, 2017, 1, 1}},
     JUNE_2017, /* the row of December is later, and left out */
     NULL},
    {"cloud-p1-totals", {{CLOUD}, "p1", CEMM_TOTALS, {CEMM_DAY, 2017, 5, 31}}, JUNE_2017, NULL},
    {"lan-root", {.endpoint = CEMM_ROOT}, APRIL_2020, LAN " "},
    {"lan-p1-realtime", {{LAN}, "p1", CEMM_REALTIME, {0}}, APRIL_2020, NULL},
    {"lan-p1-day", {{LAN}, "p1", CEMM_DATA, {CEMM_DAY, 2020, 4, 21}}, APRIL_2020, NULL},
    {"seen-lan-io", {{LAN}, "", CEMM_IO, {0}}, APRIL_2020, "p1 "},
    {"seen-lan-pulse-realtime", {{LAN}, "pulse-1", CEMM_REALTIME, {0}}, APRIL_2020, NULL},
};

static char *read_golden(const char *name, const char *ending, size_t *ret_length)
{
    char path[PATH_MAX];
    char *bytes = NULL;
    size_t size = 0;

    assert_true(snprintf(path, sizeof(path), "%s/%s%s", directory, name, ending) < PATH_MAX);
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("%s can't be opened", path);
    ssize_t length = getdelim(&bytes, &size, '\0', file);
    fclose(file);
    assert_true(length > 0);
    *ret_length = (size_t)length;
    return bytes;
}

static struct cemm_document *parse_golden(const struct golden *golden)
{
    struct cemm_document *document = NULL;
    struct cemm_message message = {""};
    size_t length;
    char *bytes = read_golden(golden->name, ".answer", &length);

    if (cemm_answer_read(&golden->query, bytes, length, golden->now, &document, &message))
        fail_msg("%s: %s", golden->name, message.text);
    assert_int_equal(document->skipped, 0);
    return document;
}

static void expect_output(const struct golden *golden, const struct cemm_document *document,
                          enum cemm_format format, const char *ending)
{
    struct cemm_zone *zone = cemm_zone_new("Europe/Amsterdam");
    size_t wanted_length;
    size_t length;
    char *wanted = read_golden(golden->name, ending, &wanted_length);
    char *text;

    assert_non_null(zone);
    assert_int_equal(cemm_render(document, format, zone, &text, &length), 0);
    expect_text(golden->name, text, wanted);
    assert_int_equal(length, wanted_length);
    free(text);
    free(wanted);
    cemm_zone_free(zone);
}

static void expect_rows(const struct golden *golden, const struct cemm_document *document,
                        enum cemm_rows rows, const char *ending)
{
    const struct cemm_render_options options = {.host = "house", .interval = 60};
    size_t length;
    char *wanted = read_golden(golden->name, ending, &length);
    char *text;

    assert_int_equal(cemm_render_joined(&document, 1, rows, &options, &text, &length), 0);
    expect_text(golden->name, text, wanted);
    free(text);
    free(wanted);
}

static void expect_prometheus(const struct golden *golden, const struct cemm_document *document)
{
    const struct cemm_result reading = {
        .uid = golden->query.uid.text, .alias = golden->query.alias, .document = document};
    size_t length;
    char *wanted = read_golden(golden->name, ".prometheus", &length);
    char *text;

    assert_int_equal(cemm_render_prometheus(&reading, 1, NULL, &text, &length), 0);
    expect_text(golden->name, text, wanted);
    free(text);
    free(wanted);
}

static void expect_found(const struct golden *golden, const struct cemm_document *document)
{
    char found[200] = "";

    for (size_t i = 0; i < document->uid_count; i++)
        strcat(strcat(found, document->uids[i].text), " ");
    for (size_t i = 0; i < document->io_count; i++)
        strcat(strcat(found, *document->io[i].alias ? document->io[i].alias : "-"), " ");
    expect_text(golden->name, found, golden->found ? golden->found : "");
    expect_int(golden->name, document->series_count == 0, golden->found != NULL);
}

static bool is_table(const struct golden *golden)
{
    return golden->query.endpoint == CEMM_IO || golden->query.endpoint == CEMM_INFO;
}

static void test_replay(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(goldens); i++) {
        struct cemm_document *document = parse_golden(&goldens[i]);
        expect_found(&goldens[i], document);
        expect_output(&goldens[i], document, CEMM_FORMAT_JSON, ".json");
        if (!goldens[i].found || is_table(&goldens[i]))
            expect_output(&goldens[i], document, CEMM_FORMAT_CSV, ".csv");
        if (!goldens[i].found) {
            expect_rows(&goldens[i], document, CEMM_ROWS_INFLUX, ".influx");
            expect_rows(&goldens[i], document, CEMM_ROWS_PUTVAL, ".putval");
        }
        if (goldens[i].query.endpoint == CEMM_REALTIME)
            expect_prometheus(&goldens[i], document);
        cemm_document_unref(document);
    }
}

static bool is_used(const char *file)
{
    size_t length = strcspn(file, ".");

    for (size_t i = 0; i < COUNT(goldens); i++)
        if (strlen(goldens[i].name) == length && strncmp(goldens[i].name, file, length) == 0)
            return true;
    return false;
}

/* Every file must be used by a row. */
static void test_none_forgotten(void **state)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;

    (void)state;
    assert_non_null(stream);
    while ((entry = readdir(stream)))
        if (entry->d_name[0] != '.' && !is_used(entry->d_name))
            fail_msg("%s is not replayed", entry->d_name);
    closedir(stream);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_none_forgotten),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: golden-test DIRECTORY\n");
        return 2;
    }
    directory = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
