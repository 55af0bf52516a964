#include "common/protocol/parse.h"

#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/model/channel.h"
#include "common/protocol/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
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

static bool is_number(struct json_object *object)
{
    return json_object_is_type(object, json_type_int) ||
           json_object_is_type(object, json_type_double);
}

/*
 * Reads [time, value] (cloud §MeasurementArray). 1: a sample; 0: none, as
 * [0, 0] (never read) and null; -EIO: not of that form.
 */
static int read_sample(struct json_object *pair, struct cemm_sample *ret_sample)
{
    if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
        return -EIO;
    struct json_object *time = json_object_array_get_idx(pair, 0);
    struct json_object *value = json_object_array_get_idx(pair, 1);
    if (!json_object_is_type(time, json_type_int) || (value && !is_number(value)))
        return -EIO;
    int64_t milliseconds = json_object_get_int64(time);
    double number = value ? json_object_get_double(value) : 0;
    if (milliseconds == 0 && (number < 0 || number > 0))
        return -EIO;
    if (milliseconds != 0 && (milliseconds < CEMM_TIME_MIN || milliseconds > CEMM_TIME_MAX))
        return -EIO;
    if (milliseconds == 0 || !value)
        return 0;
    const char *text = json_object_get_userdata(value);
    *ret_sample = (struct cemm_sample){
        .time = milliseconds,
        .value = *text == '-' ? -fabs(number) : number, /* json-c's integers know no -0 */
        .text = text,
        .text_length = strspn(text, "0123456789+-.eE"),
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

static int read_rows(struct json_object *rows, int64_t now, struct cemm_series *series)
{
    size_t length = json_object_array_length(rows);

    series->samples = calloc(length ? length : 1, sizeof(*series->samples));
    if (!series->samples)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        struct cemm_sample *sample = &series->samples[series->count];
        int r = read_sample(json_object_array_get_idx(rows, i), sample);
        if (r < 0)
            return r;
        series->count += r > 0 && sample->time <= now;
    }
    sort_samples(series);
    return 0;
}

/* Realtime: a meter's clock may run a little fast, but not more than that. */
static int read_single(struct json_object *pair, int64_t now, struct cemm_series *series,
                       size_t *early)
{
    series->samples = calloc(1, sizeof(*series->samples));
    if (!series->samples)
        return -ENOMEM;
    int r = read_sample(pair, series->samples);
    bool ahead = r > 0 && series->samples->time > now + CEMM_AHEAD_MAX;
    *early += ahead;
    series->count = r > 0 && !ahead;
    return r < 0 ? r : 0;
}

/* ---- the endpoints' forms --------------------------------------------------- */

static int read_channel(struct cemm_document *document, const char *channel,
                        struct json_object *content, int64_t now, struct cemm_words *words)
{
    const struct cemm_query *query = &document->query;
    bool history = query->endpoint == CEMM_DATA;

    if (!cemm_name_valid(channel)) {
        document->refused_names++;
        return 0;
    }
    if (document->series_count >= CEMM_CHANNELS_MAX)
        return refuse(query, words, "it has too many channels");
    struct cemm_series *series = cemm_document_add_series(document);
    if (!series)
        return -ENOMEM;
    strcpy(series->channel, channel);
    int r = -EIO;
    if (json_object_is_type(content, json_type_array))
        r = history ? read_rows(content, now, series)
                    : read_single(content, now, series, &document->early);
    if (r == -EIO)
        cemm_words_set(words, "the answer of %s does not fit the API's document: %s is not %s",
                       endpoint_name(query), channel,
                       history ? "a list of [milliseconds, value]" : "[milliseconds, value]");
    if (r < 0)
        return r;
    bool by_minute =
        series->count >= 2 && series->samples[1].time - series->samples[0].time < MINUTES_APART_MAX;
    series->unit = cemm_channel_unit(channel, query, by_minute);
    if (series->count && series->samples[series->count - 1].time > document->newest)
        document->newest = series->samples[series->count - 1].time;
    return r;
}

/* `totals` is optional, seen on the LAN only; it adds the channels that `data` lacks. */
static int read_channels(struct cemm_document *document, struct json_object *root, int64_t now,
                         struct cemm_words *words)
{
    static const char *const groups[] = {"data", "totals"};

    for (size_t i = 0; i < 2; i++) {
        struct json_object *group = NULL;
        if (!json_object_object_get_ex(root, groups[i], &group) && i > 0)
            continue;
        if (!json_object_is_type(group, json_type_object))
            return refuse(&document->query, words,
                          i == 0 ? "it has no object \"data\"" : "\"totals\" is no object");
        json_object_object_foreach (group, channel, content) {
            if (i > 0 && cemm_document_channel(document, channel))
                continue;
            int r = read_channel(document, channel, content, now, words);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* cloud §Request linked CEMMs */
static int read_devices(struct cemm_document *document, struct json_object *data,
                        struct cemm_words *words)
{
    size_t length = json_object_array_length(data);

    if (length > CEMM_DEVICES_MAX)
        return refuse(&document->query, words, "it has too many devices");
    document->uids = calloc(length ? length : 1, sizeof(*document->uids));
    if (!document->uids)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        struct json_object *uid = NULL;
        json_object_object_get_ex(json_object_array_get_idx(data, i), "uid", &uid);
        if (!json_object_is_type(uid, json_type_string))
            return refuse(&document->query, words, "a device in it has no text \"uid\"");
        const char *name = cemm_json_text(uid);
        if (name && cemm_uid_parse(name, &document->uids[document->uid_count]))
            document->uid_count++;
        else
            document->refused_names++;
    }
    return 0;
}

/* LAN §CEMM information */
static int read_root(struct cemm_document *document, struct json_object *data,
                     struct cemm_words *words)
{
    struct json_object *mac = NULL;

    document->uids = calloc(1, sizeof(*document->uids));
    if (!document->uids)
        return -ENOMEM;
    json_object_object_get_ex(data, "mac", &mac);
    const char *name = cemm_json_text(mac);
    if (!name || !cemm_uid_parse(name, document->uids))
        return refuse(&document->query, words, "\"mac\" is no MAC address");
    document->uid_count = 1;
    return 0;
}

/* cloud §Request an I/O; on the LAN with aliases (field notes). io_id: number, text or absent. */
static int read_io(struct cemm_document *document, struct json_object *data,
                   struct cemm_words *words)
{
    size_t length = json_object_array_length(data);

    if (length > CEMM_METERS_MAX)
        return refuse(&document->query, words, "it has too many meters");
    document->io = calloc(length ? length : 1, sizeof(*document->io));
    if (!document->io)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        struct json_object *entry = json_object_array_get_idx(data, i);
        struct json_object *alias = NULL;
        if (!json_object_is_type(entry, json_type_object))
            return refuse(&document->query, words, "a meter in it is no object");
        json_object_object_get_ex(entry, "alias", &alias);
        if (alias && !json_object_is_type(alias, json_type_string))
            return refuse(&document->query, words, "an \"alias\" in it is no text");
        const char *name = alias ? cemm_json_text(alias) : "";
        if (!name || (alias && !cemm_name_valid(name))) {
            document->refused_names++;
            continue;
        }
        strcpy(document->io[document->io_count++].alias, name);
    }
    return 0;
}

static int read_document(struct cemm_document *document, struct json_object *root, int64_t now,
                         struct cemm_words *words)
{
    struct json_object *data = NULL;

    json_object_object_get_ex(root, "data", &data);
    switch (document->query.endpoint) {
    case CEMM_ROOT:
        if (!json_object_is_type(data, json_type_object))
            return refuse(&document->query, words, "it has no object \"data\"");
        return read_root(document, data, words);
    case CEMM_DEVICES:
    case CEMM_IO:
    case CEMM_INFO:
        if (!json_object_is_type(data, json_type_array))
            return refuse(&document->query, words, "it has no list \"data\"");
        return document->query.endpoint == CEMM_DEVICES ? read_devices(document, data, words)
                                                        : read_io(document, data, words);
    case CEMM_REALTIME:
    case CEMM_DATA:
    case CEMM_TOTALS:
        return read_channels(document, root, now, words);
    }
    return -EINVAL;
}

int cemm_parse(const struct cemm_query *query, char *bytes, size_t length, int64_t now,
               struct cemm_document **ret_document, struct cemm_words *words)
{
    const char *problem = NULL;
    struct json_object *root;
    char *exact = realloc(bytes, length + 1); /* it was read into a buffer that doubles */
    bytes = exact ? exact : bytes;
    int r = cemm_json_read(bytes, length, &root, &problem);

    if (r < 0) {
        free(bytes);
        return r == -EIO ? refuse(query, words, problem) : r;
    }
    struct cemm_document *document = cemm_document_new(query, bytes, length);
    r = document ? read_document(document, root, now, words) : -ENOMEM;
    json_object_put(root);
    if (r < 0) {
        cemm_document_unref(document);
        return r;
    }
    document->fetched = now;
    *ret_document = document;
    return 0;
}
