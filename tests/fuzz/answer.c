/*
 * Answers of the API. The first byte selects the query, and the rest is the answer.
 * A document that is accepted must be consistent, and so must each text made of it.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/limits.h"
#include "common/format/format.h"
#include "common/protocol/answer.h"

#include <errno.h>
#include <string.h>

#define NOW INT64_C(1800000000000)

static const struct {
    enum cemm_endpoint endpoint;
    enum cemm_span span;
    const char *alias;
} queries[] = {
    {CEMM_DEVICES, CEMM_DAY, ""},    {CEMM_ROOT, CEMM_DAY, ""},
    {CEMM_IO, CEMM_DAY, ""},         {CEMM_INFO, CEMM_DAY, "p1"},
    {CEMM_REALTIME, CEMM_DAY, "p1"}, {CEMM_REALTIME, CEMM_DAY, "pulse-1"},
    {CEMM_DATA, CEMM_DAY, "p1"},     {CEMM_DATA, CEMM_DAY, "p1-gas"},
    {CEMM_DATA, CEMM_MONTH, "p1"},   {CEMM_DATA, CEMM_YEAR, "p1-gas"},
    {CEMM_TOTALS, CEMM_DAY, "p1"},
};

#define QUERIES (sizeof(queries) / sizeof(queries[0]))

static void check_series(const struct cemm_series *series)
{
    MUST(cemm_name_valid(series->channel));
    for (size_t i = 0; i < series->count; i++) {
        const struct cemm_sample *sample = &series->samples[i];
        MUST(sample->time >= CEMM_TIME_MIN && sample->time <= NOW + CEMM_AHEAD_MAX);
        MUST(i == 0 || series->samples[i - 1].time < sample->time);
        MUST(sample->value > -0x1p63 && sample->value < 0x1p63);
        MUST(sample->text_length > 0 && strlen(sample->text) == sample->text_length);
        char *end;
        double read = strtod(sample->text, &end);
        MUST(*end == '\0' && memcmp(&read, &sample->value, sizeof(read)) == 0);
    }
}

/* ---- the texts made of a document ----------------------------------------- */

/* Checks that the JSON that is written is equivalent to the answer. */
static void check_json(const struct cemm_document *document, const char *json, size_t length)
{
    struct cemm_message message;
    struct cemm_document *again;
    char *copy = fuzz_text((const uint8_t *)json, length);

    MUST(cemm_answer_read(&document->query, copy, length, NOW, &again, &message) == 0);
    MUST(again->series_count == document->series_count && again->newest == document->newest &&
         again->io_count == document->io_count && again->uid_count == document->uid_count);
    cemm_document_unref(again);
}

static void check_text(int r, char *text, size_t length)
{
    MUST(r == 0 || r == -E2BIG);
    if (r < 0)
        return;
    MUST(strlen(text) == length);
    MUST(length == 0 || text[length - 1] == '\n');
}

static void check_texts(const struct cemm_document *document, const struct cemm_zone *zone)
{
    const struct cemm_render_options options = {.zone = zone, .unsampled = true, .host = "house"};
    for (int format = CEMM_FORMAT_JSON; format <= CEMM_FORMAT_OPENMETRICS; format++) {
        char *text = NULL;
        size_t length;
        int r = cemm_render(document, (enum cemm_format)format, zone, &text, &length);
        check_text(r, text, length);
        if (r == 0 && format == CEMM_FORMAT_JSON)
            check_json(document, text, length);
        free(text);
    }
    for (int rows = CEMM_ROWS_CSV; rows <= CEMM_ROWS_PUTVAL; rows++) {
        char *text = NULL;
        size_t length;
        int r = cemm_render_joined(&document, 1, (enum cemm_rows)rows, &options, &text, &length);
        check_text(r, text, length);
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct cemm_zone *zone;
    struct cemm_query query = {.uid = {"00-1E-C0-85-96-CC"},
                               .period = {.year = 2017, .month = 1, .day = 1}};
    struct cemm_document *document;
    struct cemm_message message = {.text = ""};

    if (!zone)
        zone = cemm_zone_new("Europe/Amsterdam");
    if (size == 0 || size > CEMM_ANSWER_MAX / 2)
        return 0;
    size_t row = bytes[0] % QUERIES;
    query.endpoint = queries[row].endpoint;
    query.period.span = queries[row].span;
    strcpy(query.alias, queries[row].alias);
    char *text = fuzz_text(bytes + 1, size - 1);
    int r = cemm_answer_read(&query, text, size - 1, NOW, &document, &message);
    if (r < 0) {
        MUST(r == -EIO && message.text[0]);
        return 0;
    }
    for (size_t i = 0; i < document->series_count; i++)
        check_series(&document->series[i]);
    for (size_t i = 0; i < document->io_count; i++)
        MUST(!document->io[i].alias[0] || cemm_name_valid(document->io[i].alias));
    check_texts(document, zone);
    cemm_document_unref(document);
    return 0;
}
