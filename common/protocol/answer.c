/*
 * An answer is parsed by json-c, read into a document, and json-c's objects are
 * freed before the next one comes: they take many times the memory of its text.
 */
#include "common/protocol/answer.h"

#include "common/base/json.h"
#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/model/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MINUTES_APART_MAX (30 * 60 * 1000) /* rows closer than this are minutes, not hours */
#define VALUE_MAX         0x1p63

struct reader {
    struct cemm_document *document;
    int64_t now;
    struct cemm_buffer texts; /* of the samples, one behind the other, while it is being read */
    struct cemm_words *words;
};

/* The objects of a realtime answer, which are two accounts of one meter: `data` is what it said
 * itself, `totals` (LAN only, may be NULL) what the CEMM has added up. */
struct groups {
    struct json_object *data;
    struct json_object *totals;
};

size_t cemm_answer_max(enum cemm_endpoint endpoint)
{
    return endpoint == CEMM_DEVICES ? CEMM_DEVLIST_MAX : CEMM_ANSWER_MAX;
}

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

static int refuse_it(const struct reader *reader, const char *wanted)
{
    return refuse(&reader->document->query, reader->words, wanted);
}

/* ---- samples -------------------------------------------------------------- */

/* Whether the number is one that a value may be. An integer beyond 64 bits has become the largest
 * or smallest of them. */
static bool in_range(struct json_object *number)
{
    if (json_object_is_type(number, json_type_int)) {
        int64_t integer = json_object_get_int64(number);
        return integer > INT64_MIN && integer < INT64_MAX;
    }
    double value = json_object_get_double(number);
    return value > -VALUE_MAX && value < VALUE_MAX;
}

/* Keeps the text of a number. json-c has that of a double as it was written, as its userdata; an
 * integer can only be written in one way. */
static void keep_text(struct cemm_buffer *texts, struct json_object *number,
                      struct cemm_sample *ret_sample)
{
    size_t begin = texts->length;

    if (json_object_is_type(number, json_type_double))
        cemm_buffer_text(texts, json_object_get_userdata(number));
    else
        cemm_buffer_integer(texts, json_object_get_int64(number));
    ret_sample->text = texts->data + begin;
    ret_sample->text_length = texts->length - begin;
    cemm_buffer_char(texts, '\0');
}

/*
 * Reads [time, value] (cloud §MeasurementArray). 1: a sample; 0: none, as
 * [0, 0] (never read), null, and what is out of range; -EIO: not of that form.
 */
static int read_sample(struct reader *reader, struct json_object *pair,
                       struct cemm_sample *ret_sample)
{
    if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
        return -EIO;
    struct json_object *time = json_object_array_get_idx(pair, 0);
    struct json_object *value = json_object_array_get_idx(pair, 1);
    if (!json_object_is_type(time, json_type_int) ||
        (value && !json_object_is_type(value, json_type_int) &&
         !json_object_is_type(value, json_type_double)))
        return -EIO;
    int64_t milliseconds = json_object_get_int64(time);
    if (milliseconds < CEMM_TIME_MIN || milliseconds > CEMM_TIME_MAX || !value || !in_range(value))
        return 0;
    ret_sample->time = milliseconds;
    ret_sample->value = json_object_get_double(value);
    keep_text(&reader->texts, value, ret_sample);
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

static int read_rows(struct reader *reader, struct json_object *rows, struct cemm_series *series)
{
    size_t length = json_object_array_length(rows);

    for (size_t i = 0; i < length; i++) {
        struct cemm_sample *sample = &series->samples[series->count];
        int r = read_sample(reader, json_object_array_get_idx(rows, i), sample);
        if (r < 0)
            return r;
        series->count += r > 0 && sample->time <= reader->now;
    }
    sort_samples(series);
    return 0;
}

/* Realtime: a meter's clock may run a little fast, but not more than that. */
static int read_single(struct reader *reader, struct json_object *pair, struct cemm_series *series)
{
    int r = read_sample(reader, pair, series->samples);
    bool ahead = r > 0 && series->samples->time > reader->now + CEMM_AHEAD_MAX;

    reader->document->early += ahead;
    series->count = r > 0 && !ahead;
    return r < 0 ? r : 0;
}

/* ---- channels ------------------------------------------------------------- */

static int read_channel(struct reader *reader, const char *channel, struct json_object *content)
{
    struct cemm_document *document = reader->document;
    const struct cemm_query *query = &document->query;
    bool history = query->endpoint == CEMM_DATA;
    int r = -EIO;

    if (!cemm_name_valid(channel)) {
        document->refused_names++;
        return 0;
    }
    if (document->series_count >= CEMM_CHANNELS_MAX)
        return refuse_it(reader, "it has too many channels");
    struct cemm_series *series = cemm_document_add_series(document);
    strcpy(series->channel, channel);
    if (json_object_is_type(content, json_type_array))
        r = history ? read_rows(reader, content, series) : read_single(reader, content, series);
    if (r < 0) {
        cemm_words_set(reader->words,
                       "the answer of %s does not fit the API's document: %s is not %s",
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

/* Which group a channel is read from, of those that may have it. */
static const struct json_object *group_of(const struct groups *groups, const char *channel)
{
    return json_object_object_get_ex(groups->data, channel, NULL) ? groups->data : groups->totals;
}

static int read_group(struct reader *reader, const struct groups *groups, struct json_object *group)
{
    int r = 0;

    json_object_object_foreach (group, channel, content) {
        if (group_of(groups, channel) == group)
            r = read_channel(reader, channel, content);
        if (r < 0)
            break;
    }
    return r;
}

/* Rows of history, or one sample for each channel. */
static size_t count_samples(struct json_object *group, bool history)
{
    size_t count = 0;

    json_object_object_foreach (group, channel, content) {
        (void)channel;
        if (!history)
            count++;
        else if (json_object_is_type(content, json_type_array))
            count += json_object_array_length(content);
    }
    return count;
}

static int read_channels(struct reader *reader, struct json_object *root)
{
    struct cemm_document *document = reader->document;
    bool history = document->query.endpoint == CEMM_DATA;
    const struct groups groups = {cemm_json_member(root, "data", json_type_object),
                                  cemm_json_member(root, "totals", json_type_object)};
    size_t series, samples;

    if (!groups.data)
        return refuse_it(reader, "it has no object \"data\"");
    if (!groups.totals && json_object_object_get_ex(root, "totals", NULL))
        return refuse_it(reader, "\"totals\" is no object");
    series = (size_t)json_object_object_length(groups.data);
    samples = count_samples(groups.data, history);
    if (groups.totals) {
        series += (size_t)json_object_object_length(groups.totals);
        samples += count_samples(groups.totals, history);
    }
    int r = cemm_document_reserve(document, series < CEMM_CHANNELS_MAX ? series : CEMM_CHANNELS_MAX,
                                  samples);
    /* A text with its NUL is shorter than the pair that it stands in, so that all of them have room
     * at once, and stay where they are. */
    if (r == 0)
        r = cemm_buffer_reserve(&reader->texts, document->length);
    if (r == 0)
        r = read_group(reader, &groups, groups.data);
    if (r == 0 && groups.totals)
        r = read_group(reader, &groups, groups.totals);
    if (r == 0)
        r = cemm_document_own_texts(document);
    cemm_buffer_clear(&reader->texts);
    return r;
}

/* ---- lists ------------------------------------------------------------------ */

static bool read_uid(struct json_object *object, struct cemm_uid *ret_uid)
{
    const char *text = cemm_json_string(object);

    return text && cemm_uid_parse(text, ret_uid);
}

/* cloud §Request linked CEMMs */
static int read_devices(struct reader *reader, struct json_object *data)
{
    struct cemm_document *document = reader->document;
    size_t length = json_object_array_length(data);

    if (length > CEMM_DEVICES_MAX)
        return refuse_it(reader, "it has too many devices");
    document->uids = calloc(length ? length : 1, sizeof(*document->uids));
    if (!document->uids)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        struct json_object *uid =
            cemm_json_member(json_object_array_get_idx(data, i), "uid", json_type_string);
        if (!uid)
            return refuse_it(reader, "a device in it has no text \"uid\"");
        if (read_uid(uid, &document->uids[document->uid_count]))
            document->uid_count++;
        else
            document->refused_names++;
    }
    return 0;
}

/* LAN §CEMM information */
static int read_root(struct reader *reader, struct json_object *data)
{
    struct cemm_document *document = reader->document;

    document->uids = calloc(1, sizeof(*document->uids));
    if (!document->uids)
        return -ENOMEM;
    if (!read_uid(cemm_json_member(data, "mac", json_type_string), document->uids))
        return refuse_it(reader, "\"mac\" is no MAC address");
    document->uid_count = 1;
    return 0;
}

/* cloud §Request an I/O; on the LAN with aliases (field notes). io_id: number, text or absent. */
static int read_io(struct reader *reader, struct json_object *data)
{
    struct cemm_document *document = reader->document;
    size_t length = json_object_array_length(data);

    if (length > CEMM_METERS_MAX)
        return refuse_it(reader, "it has too many meters");
    document->io = calloc(length ? length : 1, sizeof(*document->io));
    if (!document->io)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        struct json_object *item = json_object_array_get_idx(data, i);
        struct json_object *alias = NULL;
        if (!json_object_is_type(item, json_type_object))
            return refuse_it(reader, "a meter in it is no object");
        (void)json_object_object_get_ex(item, "alias", &alias);
        if (alias && !json_object_is_type(alias, json_type_string))
            return refuse_it(reader, "an \"alias\" in it is no text");
        const char *name = alias ? cemm_json_string(alias) : "";
        if (!name || (alias && !cemm_name_valid(name))) {
            document->refused_names++;
            continue;
        }
        strcpy(document->io[document->io_count++].alias, name);
    }
    return 0;
}

/* ---- the whole -------------------------------------------------------------- */

static int read_document(struct reader *reader, struct json_object *root)
{
    enum cemm_endpoint endpoint = reader->document->query.endpoint;
    struct json_object *data = NULL;

    switch (endpoint) {
    case CEMM_ROOT:
        data = cemm_json_member(root, "data", json_type_object);
        return data ? read_root(reader, data) : refuse_it(reader, "it has no object \"data\"");
    case CEMM_DEVICES:
    case CEMM_IO:
    case CEMM_INFO:
        data = cemm_json_member(root, "data", json_type_array);
        if (!data)
            return refuse_it(reader, "it has no list \"data\"");
        return endpoint == CEMM_DEVICES ? read_devices(reader, data) : read_io(reader, data);
    case CEMM_REALTIME:
    case CEMM_DATA:
    case CEMM_TOTALS:
        return read_channels(reader, root);
    }
    return -EINVAL;
}

int cemm_answer_read(const struct cemm_query *query, char *bytes, size_t length, int64_t now,
                     struct cemm_document **ret_document, struct cemm_words *words)
{
    struct json_object *root = NULL;
    struct cemm_words problem = {"it is too long"};
    int r = length > cemm_answer_max(query->endpoint)
                ? -EIO
                : cemm_json_parse(bytes, length, &root, &problem);

    if (r < 0) {
        free(bytes);
        return r == -EIO ? refuse(query, words, problem.text) : r;
    }
    struct reader reader = {.document = cemm_document_new(query, bytes, length),
                            .now = now,
                            .texts = CEMM_BUFFER_INIT(length),
                            .words = words};
    r = reader.document ? read_document(&reader, root) : -ENOMEM;
    cemm_json_put(root, length);
    if (r < 0) {
        cemm_document_unref(reader.document);
        return r;
    }
    reader.document->fetched = now;
    *ret_document = reader.document;
    return 0;
}
