/*
 * Answers of the API. The first byte says to which question; the rest is what
 * came. Whatever is taken must be sound, and each text that is made of it too.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/limits.h"
#include "common/format/format.h"
#include "common/protocol/parse.h"

#include "common/protocol/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <string.h>

#define NOW INT64_C(1800000000000)

static const struct {
    enum cemm_endpoint endpoint;
    enum cemm_span span;
    const char *alias;
} questions[] = {
    {CEMM_DEVICES, CEMM_DAY, ""},    {CEMM_ROOT, CEMM_DAY, ""},
    {CEMM_IO, CEMM_DAY, ""},         {CEMM_INFO, CEMM_DAY, "p1"},
    {CEMM_REALTIME, CEMM_DAY, "p1"}, {CEMM_REALTIME, CEMM_DAY, "pulse-1"},
    {CEMM_DATA, CEMM_DAY, "p1"},     {CEMM_DATA, CEMM_DAY, "p1-gas"},
    {CEMM_DATA, CEMM_MONTH, "p1"},   {CEMM_DATA, CEMM_YEAR, "p1-gas"},
    {CEMM_TOTALS, CEMM_DAY, "p1"},
};

#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static void check_series(const struct cemm_series *series)
{
    MUST(cemm_name_valid(series->channel));
    for (size_t i = 0; i < series->count; i++) {
        const struct cemm_sample *sample = &series->samples[i];
        MUST(sample->time >= CEMM_TIME_MIN && sample->time <= NOW + CEMM_AHEAD_MAX);
        MUST(i == 0 || series->samples[i - 1].time < sample->time);
        MUST(isfinite(sample->value));
        MUST(sample->text_length > 0 && sample->text_length < 400);
        char text[400];
        char *end;
        memcpy(text, sample->text, sample->text_length);
        text[sample->text_length] = '\0';
        double read = strtod(text, &end);
        MUST(*end == '\0' && memcmp(&read, &sample->value, sizeof(read)) == 0);
    }
}

/* ---- a second opinion: json-c reads the same ----------------------------- */

static void check_string(const struct cemm_json *json, const struct cemm_node *node,
                         const char *wanted, size_t length)
{
    char *text = malloc(node->length + 1);

    MUST(text && strlen(wanted) <= length);
    if (strlen(wanted) == length)
        MUST(cemm_json_string(json, node, text, node->length + 1) && strcmp(text, wanted) == 0);
    else /* a NUL in it */
        MUST(!cemm_json_string(json, node, text, node->length + 1));
    free(text);
}

/* Returns what stands behind the node. */
static const struct cemm_node *check_value(const struct cemm_json *json,
                                           const struct cemm_node *node, struct json_object *object)
{
    const struct cemm_node *part = cemm_node_first(node);

    switch (json_object_get_type(object)) {
    case json_type_null:
        MUST(node->kind == CEMM_JSON_NULL);
        break;
    case json_type_boolean:
        MUST(node->kind == CEMM_JSON_BOOLEAN);
        MUST((*cemm_node_text(json, node) == 't') == json_object_get_boolean(object));
        break;
    case json_type_int:
        MUST(node->kind == CEMM_JSON_INTEGER && node->integer == json_object_get_int64(object));
        break;
    case json_type_double:
        MUST(node->kind == CEMM_JSON_REAL || node->integer == 0); /* -0 */
        MUST(!(cemm_node_number(json, node) < json_object_get_double(object)) &&
             !(cemm_node_number(json, node) > json_object_get_double(object)));
        break;
    case json_type_string:
        MUST(node->kind == CEMM_JSON_STRING);
        check_string(json, node, json_object_get_string(object),
                     (size_t)json_object_get_string_len(object));
        break;
    case json_type_array:
        MUST(node->kind == CEMM_JSON_LIST);
        for (size_t i = 0; i < json_object_array_length(object); i++)
            part = check_value(json, part, json_object_array_get_idx(object, i));
        MUST(part == cemm_node_end(node));
        break;
    case json_type_object: {
        MUST(node->kind == CEMM_JSON_OBJECT);
        json_object_object_foreach (object, name, member) {
            check_string(json, part, name, strlen(name));
            part = check_value(json, part + 1, member);
        }
        MUST(part == cemm_node_end(node));
        break;
    }
    }
    return cemm_node_next(node);
}

/* It takes more than we do; so what we take, it takes as well, and finds the same in it. */
static void check_reading(const char *bytes, size_t length)
{
    struct json_tokener *tokener = json_tokener_new_ex(CEMM_DEPTH_MAX + 1);
    struct json_object *object = json_tokener_parse_ex(tokener, bytes, (int)length + 1);
    const char *problem;
    struct cemm_json json;

    if (cemm_json_read(bytes, length, &json, &problem) == 0) {
        MUST(json_tokener_get_error(tokener) == json_tokener_success);
        MUST(check_value(&json, json.nodes, object) == json.nodes + json.count);
        cemm_json_free(&json);
    }
    json_object_put(object);
    json_tokener_free(tokener);
}

/* ---- what is made of it -------------------------------------------------- */

/* What is written as JSON says the same as what came. */
static void check_json(const struct cemm_document *document, const char *json, size_t length)
{
    struct cemm_words words;
    struct cemm_document *again;
    char *copy = fuzz_text((const uint8_t *)json, length);

    MUST(cemm_parse(&document->query, copy, length, NOW, &again, &words) == 0);
    MUST(again->series_count == document->series_count && again->newest == document->newest &&
         again->io_count == document->io_count && again->uid_count == document->uid_count);
    cemm_document_unref(again);
}

static void check_texts(const struct cemm_document *document, const struct cemm_zone *zone)
{
    for (int form = CEMM_FORM_JSON; form <= CEMM_FORM_JSON_ROWS; form++) {
        char *text;
        size_t length;
        int r = cemm_render(document, (enum cemm_form)form, zone, &text, &length);
        MUST(r == 0 || r == -E2BIG);
        if (r < 0)
            continue;
        MUST(strlen(text) == length);
        MUST(length == 0 || text[length - 1] == '\n');
        if (form == CEMM_FORM_JSON)
            check_json(document, text, length);
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct cemm_zone *zone;
    struct cemm_query query = {.uid = {"00-1E-C0-85-96-CC"},
                               .period = {.year = 2017, .month = 1, .day = 1}};
    struct cemm_document *document;
    struct cemm_words words = {.text = ""};

    if (!zone)
        zone = cemm_zone_new("Europe/Amsterdam");
    if (size == 0 || size > CEMM_ANSWER_MAX)
        return 0;
    size_t question = bytes[0] % QUESTIONS;
    query.endpoint = questions[question].endpoint;
    query.period.span = questions[question].span;
    strcpy(query.alias, questions[question].alias);
    char *text = fuzz_text(bytes + 1, size - 1);
    check_reading(text, size - 1);
    int r = cemm_parse(&query, text, size - 1, NOW, &document, &words);
    if (r < 0) {
        MUST(r == -EIO && words.text[0]);
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
