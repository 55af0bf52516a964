#include "common/protocol/parse.h"

#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/model/channel.h"
#include "common/protocol/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MINUTES_APART_MAX (30 * 60 * 1000) /* rows closer than this are minutes, not hours */

static const char *endpoint_name(const struct cemm_query *query)
{
    static const char *const names[] = {
        [CEMM_DEVICES] = "cemm/",  [CEMM_ROOT] = "the root",      [CEMM_IO] = "io/",
        [CEMM_INFO] = "<alias>/",  [CEMM_REALTIME] = "realtime/", [CEMM_DATA] = "data/",
        [CEMM_TOTALS] = "totals/",
    };
    return names[query->endpoint];
}

static int refuse(const struct cemm_query *query, struct cemm_words *words, const char *wanted)
{
    cemm_words_set(words, "the answer of %s does not fit the API's document: %s",
                   endpoint_name(query), wanted);
    return -EIO;
}

/* ---- samples -------------------------------------------------------------- */

/*
 * Reads [time, value] (cloud §MeasurementArray). 1: a sample; 0: none, as
 * [0, 0] (never read) and null; -EIO: not of that form.
 */
static int read_sample(const struct cemm_json *json, const struct cemm_node *pair,
                       struct cemm_sample *ret_sample)
{
    if (pair->kind != CEMM_JSON_LIST || pair->size != 3)
        return -EIO;
    const struct cemm_node *time = cemm_node_first(pair);
    const struct cemm_node *value = time + 1;
    if (time->kind != CEMM_JSON_INTEGER ||
        (value->kind != CEMM_JSON_INTEGER && value->kind != CEMM_JSON_REAL &&
         value->kind != CEMM_JSON_NULL))
        return -EIO;
    int64_t milliseconds = time->integer;
    bool null = value->kind == CEMM_JSON_NULL;
    double number = null ? 0 : cemm_node_number(json, value);
    if (milliseconds == 0 && (number < 0 || number > 0))
        return -EIO;
    if (milliseconds != 0 && (milliseconds < CEMM_TIME_MIN || milliseconds > CEMM_TIME_MAX))
        return -EIO;
    if (milliseconds == 0 || null)
        return 0;
    *ret_sample = (struct cemm_sample){
        .time = milliseconds,
        .value = number,
        .text = cemm_node_text(json, value),
        .text_length = value->length,
    };
    return 1;
}

/* By time; of two at the same time the one that was written first. */
static int compare_samples(const void *left, const void *right)
{
    const struct cemm_sample *a = left;
    const struct cemm_sample *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->text < b->text ? -1 : a->text > b->text;
}

/* Puts the oldest first. The API writes the newest first, so turning round mostly does it. */
static void sort_samples(struct cemm_series *series)
{
    struct cemm_sample *samples = series->samples;
    size_t kept = 0;
    bool sorted = true;

    for (size_t i = 0; i < series->count / 2; i++) {
        struct cemm_sample swap = samples[i];
        samples[i] = samples[series->count - 1 - i];
        samples[series->count - 1 - i] = swap;
    }
    for (size_t i = 1; i < series->count && sorted; i++)
        sorted = samples[i - 1].time < samples[i].time;
    if (sorted)
        return;
    qsort(samples, series->count, sizeof(*samples), compare_samples);
    for (size_t i = 0; i < series->count; i++)
        if (kept == 0 || samples[kept - 1].time != samples[i].time)
            samples[kept++] = samples[i];
    series->count = kept;
}

static int read_rows(const struct cemm_json *json, const struct cemm_node *rows, int64_t now,
                     struct cemm_series *series)
{
    for (const struct cemm_node *row = cemm_node_first(rows); row < cemm_node_end(rows);
         row = cemm_node_next(row)) {
        struct cemm_sample *sample = &series->samples[series->count];
        int r = read_sample(json, row, sample);
        if (r < 0)
            return r;
        series->count += r > 0 && sample->time <= now;
    }
    sort_samples(series);
    return 0;
}

/* Realtime: a meter's clock may run a little fast, but not more than that. */
static int read_single(const struct cemm_json *json, const struct cemm_node *pair, int64_t now,
                       struct cemm_series *series, size_t *early)
{
    int r = read_sample(json, pair, series->samples);
    bool ahead = r > 0 && series->samples->time > now + CEMM_AHEAD_MAX;
    *early += ahead;
    series->count = r > 0 && !ahead;
    return r < 0 ? r : 0;
}

/* ---- the endpoints' forms --------------------------------------------------- */

/* `adds`: what there is already is left as it is. */
static int read_channel(struct cemm_document *document, const struct cemm_json *json,
                        const struct cemm_node *name, bool adds, int64_t now,
                        struct cemm_words *words)
{
    const struct cemm_query *query = &document->query;
    const struct cemm_node *content = cemm_node_next(name);
    bool history = query->endpoint == CEMM_DATA;
    char channel[CEMM_NAME_SIZE];

    if (!cemm_json_string(json, name, channel, sizeof(channel)) || !cemm_name_valid(channel)) {
        document->refused_names++;
        return 0;
    }
    if (adds && cemm_document_channel(document, channel))
        return 0;
    if (document->series_count >= CEMM_CHANNELS_MAX)
        return refuse(query, words, "it has too many channels");
    struct cemm_series *series = cemm_document_add_series(document);
    strcpy(series->channel, channel);
    int r = -EIO;
    if (content->kind == CEMM_JSON_LIST)
        r = history ? read_rows(json, content, now, series)
                    : read_single(json, content, now, series, &document->early);
    if (r < 0) {
        cemm_words_set(words, "the answer of %s does not fit the API's document: %s is not %s",
                       endpoint_name(query), channel,
                       history ? "a list of [milliseconds, value]" : "[milliseconds, value]");
        return r;
    }
    bool by_minute =
        series->count >= 2 && series->samples[1].time - series->samples[0].time < MINUTES_APART_MAX;
    series->unit = cemm_channel_unit(channel, query, by_minute);
    if (series->count && series->samples[series->count - 1].time > document->newest)
        document->newest = series->samples[series->count - 1].time;
    return 0;
}

/* Those of a list; an object has a name and a value for each member. */
static size_t count_items(const struct cemm_node *list)
{
    size_t count = 0;

    for (const struct cemm_node *item = cemm_node_first(list); item < cemm_node_end(list);
         item = cemm_node_next(item))
        count++;
    return count;
}

/* `totals` is optional, seen on the LAN only; it adds the channels that `data` lacks. */
static int read_channels(struct cemm_document *document, const struct cemm_json *json, int64_t now,
                         struct cemm_words *words)
{
    const struct cemm_node *groups[] = {cemm_json_member(json, json->nodes, "data"),
                                        cemm_json_member(json, json->nodes, "totals")};
    size_t members = 0;

    if (!cemm_node_is(groups[0], CEMM_JSON_OBJECT))
        return refuse(&document->query, words, "it has no object \"data\"");
    if (groups[1] && groups[1]->kind != CEMM_JSON_OBJECT)
        return refuse(&document->query, words, "\"totals\" is no object");
    for (size_t i = 0; i < 2; i++)
        members += groups[i] ? count_items(groups[i]) / 2 : 0;
    /* A sample takes three nodes. */
    int r = cemm_document_reserve(
        document, members < CEMM_CHANNELS_MAX ? members : CEMM_CHANNELS_MAX, json->count / 3);
    for (size_t i = 0; i < 2 && groups[i]; i++)
        for (const struct cemm_node *name = cemm_node_first(groups[i]);
             r == 0 && name < cemm_node_end(groups[i]); name = cemm_node_next(name + 1))
            r = read_channel(document, json, name, i > 0, now, words);
    return r;
}

static bool read_uid(const struct cemm_json *json, const struct cemm_node *node,
                     struct cemm_uid *ret_uid)
{
    char text[CEMM_UID_SIZE];

    return cemm_json_string(json, node, text, sizeof(text)) && cemm_uid_parse(text, ret_uid);
}

/* cloud §Request linked CEMMs */
static int read_devices(struct cemm_document *document, const struct cemm_json *json,
                        const struct cemm_node *data, struct cemm_words *words)
{
    size_t length = count_items(data);

    if (length > CEMM_DEVICES_MAX)
        return refuse(&document->query, words, "it has too many devices");
    document->uids = calloc(length ? length : 1, sizeof(*document->uids));
    if (!document->uids)
        return -ENOMEM;
    for (const struct cemm_node *item = cemm_node_first(data); item < cemm_node_end(data);
         item = cemm_node_next(item)) {
        const struct cemm_node *uid = cemm_json_member(json, item, "uid");
        if (!cemm_node_is(uid, CEMM_JSON_STRING))
            return refuse(&document->query, words, "a device in it has no text \"uid\"");
        if (read_uid(json, uid, &document->uids[document->uid_count]))
            document->uid_count++;
        else
            document->refused_names++;
    }
    return 0;
}

/* LAN §CEMM information */
static int read_root(struct cemm_document *document, const struct cemm_json *json,
                     const struct cemm_node *data, struct cemm_words *words)
{
    document->uids = calloc(1, sizeof(*document->uids));
    if (!document->uids)
        return -ENOMEM;
    if (!read_uid(json, cemm_json_member(json, data, "mac"), document->uids))
        return refuse(&document->query, words, "\"mac\" is no MAC address");
    document->uid_count = 1;
    return 0;
}

/* cloud §Request an I/O; on the LAN with aliases (field notes). io_id: number, text or absent. */
static int read_io(struct cemm_document *document, const struct cemm_json *json,
                   const struct cemm_node *data, struct cemm_words *words)
{
    size_t length = count_items(data);

    if (length > CEMM_METERS_MAX)
        return refuse(&document->query, words, "it has too many meters");
    document->io = calloc(length ? length : 1, sizeof(*document->io));
    if (!document->io)
        return -ENOMEM;
    for (const struct cemm_node *item = cemm_node_first(data); item < cemm_node_end(data);
         item = cemm_node_next(item)) {
        const struct cemm_node *alias = cemm_json_member(json, item, "alias");
        char *name = document->io[document->io_count].alias;
        if (item->kind != CEMM_JSON_OBJECT)
            return refuse(&document->query, words, "a meter in it is no object");
        bool named = alias && alias->kind != CEMM_JSON_NULL;
        if (named && alias->kind != CEMM_JSON_STRING)
            return refuse(&document->query, words, "an \"alias\" in it is no text");
        if (named &&
            (!cemm_json_string(json, alias, name, CEMM_NAME_SIZE) || !cemm_name_valid(name))) {
            name[0] = '\0';
            document->refused_names++;
            continue;
        }
        document->io_count++;
    }
    return 0;
}

static int read_document(struct cemm_document *document, const struct cemm_json *json, int64_t now,
                         struct cemm_words *words)
{
    const struct cemm_node *data = cemm_json_member(json, json->nodes, "data");

    switch (document->query.endpoint) {
    case CEMM_ROOT:
        if (!cemm_node_is(data, CEMM_JSON_OBJECT))
            return refuse(&document->query, words, "it has no object \"data\"");
        return read_root(document, json, data, words);
    case CEMM_DEVICES:
    case CEMM_IO:
    case CEMM_INFO:
        if (!cemm_node_is(data, CEMM_JSON_LIST))
            return refuse(&document->query, words, "it has no list \"data\"");
        return document->query.endpoint == CEMM_DEVICES ? read_devices(document, json, data, words)
                                                        : read_io(document, json, data, words);
    case CEMM_REALTIME:
    case CEMM_DATA:
    case CEMM_TOTALS:
        return read_channels(document, json, now, words);
    }
    return -EINVAL;
}

int cemm_parse(const struct cemm_query *query, char *bytes, size_t length, int64_t now,
               struct cemm_document **ret_document, struct cemm_words *words)
{
    const char *problem = NULL;
    struct cemm_json json;
    char *exact = realloc(bytes, length + 1); /* it was read into a buffer that doubles */
    bytes = exact ? exact : bytes;
    int r = cemm_json_read(bytes, length, &json, &problem);

    if (r < 0) {
        free(bytes);
        return r == -EIO ? refuse(query, words, problem) : r;
    }
    struct cemm_document *document = cemm_document_new(query, bytes, length);
    r = document ? read_document(document, &json, now, words) : -ENOMEM;
    cemm_json_free(&json);
    if (r < 0) {
        cemm_document_unref(document);
        return r;
    }
    document->fetched = now;
    *ret_document = document;
    return 0;
}
