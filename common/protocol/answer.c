/*
 * json-c parses an answer. Its objects are freed as soon as a document has been made from them,
 * because they take many times the memory of the text.
 */
#include "common/protocol/answer.h"

#include "common/base/buffer.h"
#include "common/base/json.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/model/channel.h"
#include "common/model/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 0x1p63

struct reader {
    struct cemm_document *document;
    struct json_object *root;
    struct json_object *data;   /* the member `data`; in realtime, what the meter itself reports */
    struct json_object *totals; /* in realtime on the LAN, what the CEMM adds up; else NULL */
    enum cemm_alias_kind kind;  /* of the meter */
    int64_t now;
    struct cemm_buffer texts; /* the samples' texts during the reading, one after the other */
    struct cemm_message *message;
};

size_t cemm_answer_max(enum cemm_endpoint endpoint)
{
    return endpoint == CEMM_DEVICES ? CEMM_DEVLIST_MAX : CEMM_ANSWER_MAX;
}

static int refuse(const struct reader *reader, const char *why)
{
    return cemm_message_fail(reader->message, -EIO,
                             "the answer does not have the documented form: %s", why);
}

/* Counts a part without the documented form, and keeps the message about the first one. */
#define skip(reader, ...) cemm_message_set(count_skipped((reader)->document), __VA_ARGS__)

static struct cemm_message *count_skipped(struct cemm_document *document)
{
    if (document->skipped++ > 0)
        return NULL;
    return document->skipped_message = malloc(sizeof(*document->skipped_message));
}

/* ---- samples -------------------------------------------------------------- */

/* Whether a number can be a value. json-c turns an integer beyond 64 bits into INT64_MIN or
 * INT64_MAX, so these two are not accepted. */
static bool in_range(struct json_object *number)
{
    if (json_object_is_type(number, json_type_int)) {
        int64_t integer = json_object_get_int64(number);
        return integer > INT64_MIN && integer < INT64_MAX;
    }
    double value = json_object_get_double(number);
    return value > -VALUE_MAX && value < VALUE_MAX;
}

/* Copies a number's text to `texts`. json-c keeps the texts of doubles only (as userdata). */
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

/* Reads [time, value] (cloud §MeasurementArray). Returns 1 for a sample; 0 if there is none: [0, 0]
 * (never measured), a value of null, or a time or value out of range; -EIO for any other form. */
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

/* Compares by time; of two samples of the same time, the one that was read later comes first. */
static int compare_samples(const void *left, const void *right)
{
    const struct cemm_sample *a = left;
    const struct cemm_sample *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->text > b->text ? -1 : a->text < b->text;
}

/* Sorts samples, oldest first, and keeps only the first of those that have the same time. */
static void sort_samples(struct cemm_series *series)
{
    struct cemm_sample *samples = series->samples;
    size_t kept = 0;
    bool sorted = true;

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

/* ---- channels ------------------------------------------------------------- */

/* Returns NULL if there are too many channels. */
static struct cemm_series *add_series(struct reader *reader, const char *channel)
{
    if (reader->document->series_count >= CEMM_CHANNELS_MAX) {
        skip(reader, "a channel beyond the first %d", CEMM_CHANNELS_MAX);
        return NULL;
    }
    struct cemm_series *series = cemm_document_add_series(reader->document);
    strcpy(series->channel, channel);
    return series;
}

static void update_newest(struct cemm_document *document, const struct cemm_sample *sample)
{
    if (sample->time > document->newest)
        document->newest = sample->time;
}

/* Reads the history of a channel. The API writes the newest row first, so the rows are read from
 * the last to the first, which puts the samples in order. */
static void read_history(struct reader *reader, const char *channel, struct json_object *rows)
{
    struct cemm_document *document = reader->document;

    if (!json_object_is_type(rows, json_type_array)) {
        skip(reader, "%s is not a list of [milliseconds, number]", channel);
        return;
    }
    struct cemm_series *series = add_series(reader, channel);
    if (!series)
        return;
    for (size_t i = json_object_array_length(rows); i-- > 0;) {
        struct cemm_sample *sample = &series->samples[series->count];
        int r = read_sample(reader, json_object_array_get_idx(rows, i), sample);
        if (r < 0)
            skip(reader, "a row of %s is not [milliseconds, number]", channel);
        series->count += r > 0 && sample->time <= reader->now;
    }
    sort_samples(series);
    series->unit = cemm_series_unit(&document->query, series);
    if (series->count)
        update_newest(document, &series->samples[series->count - 1]);
}

/* Reads one sample of a channel, from `totals` if `total`, else from `data`. It gets into the
 * document only if `shown`, but any sample of `data` tells how old the meter's data is. */
static void read_current(struct reader *reader, const char *channel, struct json_object *pair,
                         bool total, bool shown)
{
    struct cemm_sample sample = {0};

    if (total && !shown)
        return;
    int r = read_sample(reader, pair, &sample);
    if (r < 0) {
        skip(reader, "%s is not [milliseconds, number]", channel);
        return;
    }
    bool ahead = sample.time > reader->now + CEMM_AHEAD_MAX; /* the meter's clock may be fast */
    bool usable = r > 0 && !ahead;
    reader->document->ahead += ahead;
    if (usable && !total)
        update_newest(reader->document, &sample);
    struct cemm_series *series = shown ? add_series(reader, channel) : NULL;
    if (!series)
        return;
    series->samples[0] = sample;
    series->count = usable;
    series->total = total;
    series->unit = cemm_series_unit(&reader->document->query, series);
}

/* Whether a meter of this kind has its readings in `totals`. */
static bool has_totals(enum cemm_alias_kind kind)
{
    return kind == CEMM_ALIAS_PULSE || kind == CEMM_ALIAS_MODBUS;
}

/*
 * Whether a channel is taken from `totals`, not from `data`. The readings in `totals` do not match
 * those in `data`: `totals` splits an inverter's single register by tariff, and differences such as
 * electric_energy = t1 - t3 are right only in `totals`. So all readings of a meter come from the
 * same member. For an alias or channel that is not documented, `data` takes precedence.
 */
static bool from_totals(const struct reader *reader, const char *channel)
{
    enum cemm_channel_kind kind = cemm_channel_kind(channel);

    if (!reader->totals)
        return false;
    if (reader->kind == CEMM_ALIAS_OTHER || kind == CEMM_CHANNEL_OTHER)
        return !json_object_object_get_ex(reader->data, channel, NULL);
    return kind == CEMM_CHANNEL_ENERGY ||
           (kind == CEMM_CHANNEL_READING && has_totals(reader->kind));
}

static void read_group(struct reader *reader, struct json_object *group)
{
    bool history = reader->document->query.endpoint == CEMM_DATA;
    bool total = group == reader->totals;

    json_object_object_foreach (group, channel, content) {
        if (!cemm_name_valid(channel))
            skip(reader, "a channel has a name that is not allowed");
        else if (history)
            read_history(reader, channel, content);
        else
            read_current(reader, channel, content, total, from_totals(reader, channel) == total);
    }
}

void cemm_answer_drop_readings(struct cemm_document *document)
{
    size_t kept = 0;

    if (!has_totals(cemm_alias_find(document->query.alias)->kind))
        return;
    for (size_t i = 0; i < document->series_count; i++) {
        enum cemm_channel_kind channel = cemm_channel_kind(document->series[i].channel);
        if (channel != CEMM_CHANNEL_READING && channel != CEMM_CHANNEL_ENERGY)
            document->series[kept++] = document->series[i];
    }
    document->series_count = kept;
}

void cemm_answer_bound(struct cemm_document *document, int64_t start, int64_t end)
{
    int64_t last = document->query.endpoint == CEMM_TOTALS ? end : end - 1;

    document->newest = 0;
    for (size_t i = 0; i < document->series_count; i++) {
        struct cemm_series *series = &document->series[i];
        if (series->count == 0)
            continue;
        document->stray |=
            series->samples[0].time < start || series->samples[series->count - 1].time > end;
        for (; series->count > 0 && series->samples[0].time < start; series->count--)
            series->samples++;
        while (series->count > 0 && series->samples[series->count - 1].time > last)
            series->count--;
        if (series->count > 0)
            update_newest(document, &series->samples[series->count - 1]);
    }
}

static size_t count_rows(struct json_object *data)
{
    size_t rows = 0;

    json_object_object_foreach (data, channel, content) {
        (void)channel;
        if (json_object_is_type(content, json_type_array))
            rows += json_object_array_length(content);
    }
    return rows;
}

static int read_channels(struct reader *reader, struct json_object *data)
{
    struct cemm_document *document = reader->document;
    bool history = document->query.endpoint == CEMM_DATA;
    size_t series = (size_t)json_object_object_length(data);

    reader->data = data;
    if (document->query.endpoint == CEMM_REALTIME &&
        json_object_object_get_ex(reader->root, "totals", NULL)) {
        reader->totals = cemm_json_member(reader->root, "totals", json_type_object);
        if (!reader->totals)
            skip(reader, "\"totals\" is not an object");
    }
    document->totals = reader->totals;
    if (reader->totals)
        series += (size_t)json_object_object_length(reader->totals);
    int r = cemm_document_reserve(document, series < CEMM_CHANNELS_MAX ? series : CEMM_CHANNELS_MAX,
                                  history ? count_rows(data) : series);
    /* Each text with its NUL is shorter than its pair in the answer, so all texts fit into as many
     * bytes as the answer has. So the buffer never grows, and the texts are never moved. */
    if (r == 0)
        r = cemm_buffer_reserve(&reader->texts, document->length);
    if (r == 0)
        read_group(reader, data);
    if (r == 0 && reader->totals)
        read_group(reader, reader->totals);
    if (r == 0)
        r = cemm_document_own_texts(document);
    cemm_buffer_clear(&reader->texts);
    return r;
}

/* ---- lists ------------------------------------------------------------------ */

/* Returns how many entries of a list are used; counts those beyond `max` as skipped. */
static size_t at_most(struct reader *reader, size_t length, size_t max, const char *what)
{
    if (length <= max)
        return length;
    skip(reader, "%s beyond the first %zu", what, max);
    reader->document->skipped += length - max - 1;
    return max;
}

static bool read_uid(struct json_object *object, struct cemm_uid *ret_uid)
{
    const char *text = cemm_json_string(object);

    return text && cemm_uid_parse(text, ret_uid);
}

/* cloud §Request linked CEMMs */
static int read_devices(struct reader *reader, struct json_object *data)
{
    struct cemm_document *document = reader->document;
    size_t length = at_most(reader, json_object_array_length(data), CEMM_LIST_MAX, "a device");

    document->uids = calloc(length ? length : 1, sizeof(*document->uids));
    if (!document->uids)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        struct json_object *uid =
            cemm_json_member(json_object_array_get_idx(data, i), "uid", json_type_string);
        if (!uid)
            skip(reader, "a device has no string \"uid\"");
        else if (read_uid(uid, &document->uids[document->uid_count]))
            document->uid_count++;
        else
            skip(reader, "the uid of a device is not valid");
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
        return refuse(reader, "\"mac\" is not a MAC address");
    document->uid_count = 1;
    return 0;
}

/* Reads a member that must be a name ("" if it is absent or null). False: it is something else. */
static bool read_name(struct json_object *item, const char *member, char ret_name[CEMM_NAME_SIZE])
{
    struct json_object *object = NULL;

    ret_name[0] = '\0';
    if (!json_object_object_get_ex(item, member, &object) || !object)
        return true;
    const char *name = cemm_json_string(object);
    if (!name || !cemm_name_valid(name))
        return false;
    strcpy(ret_name, name);
    return true;
}

/* Returns false if an item is not a meter. If only its type is invalid, the rest is used. */
static bool read_entry(struct reader *reader, struct json_object *item, struct cemm_io *ret_io)
{
    if (!json_object_is_type(item, json_type_object)) {
        skip(reader, "a meter is not an object");
        return false;
    }
    if (!read_name(item, "alias", ret_io->alias)) {
        skip(reader, "the alias of a meter is not allowed");
        return false;
    }
    if (!read_name(item, "type", ret_io->type))
        skip(reader, "the type of %s is not allowed", ret_io->alias[0] ? ret_io->alias : "a meter");
    return true;
}

/* cloud §Request an I/O. Devices also offer it on the LAN, with aliases, which is not documented.
 * An entry's io_id (a number, a text or absent) is not used. */
static int read_io(struct reader *reader, struct json_object *data)
{
    struct cemm_document *document = reader->document;
    size_t length = at_most(reader, json_object_array_length(data), CEMM_METERS_MAX, "a meter");

    document->io = calloc(length ? length : 1, sizeof(*document->io));
    if (!document->io)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++)
        document->io_count += read_entry(reader, json_object_array_get_idx(data, i),
                                         &document->io[document->io_count]);
    return 0;
}

/* ---- the whole -------------------------------------------------------------- */

static int read_document(struct reader *reader)
{
    const struct cemm_document *document = reader->document;
    enum cemm_endpoint endpoint = document->query.endpoint;
    bool io = endpoint == CEMM_IO || endpoint == CEMM_INFO;
    bool list = io || endpoint == CEMM_DEVICES;
    struct json_object *data =
        cemm_json_member(reader->root, "data", list ? json_type_array : json_type_object);

    if (!data)
        return refuse(reader, list ? "it has no list \"data\"" : "it has no object \"data\"");
    int r = io                         ? read_io(reader, data)
            : endpoint == CEMM_DEVICES ? read_devices(reader, data)
            : endpoint == CEMM_ROOT    ? read_root(reader, data)
                                       : read_channels(reader, data);
    bool any = document->uid_count > 0 || document->io_count > 0 || !cemm_document_empty(document);
    if (r == 0 && !any && document->skipped > 0) /* nothing of it can be used */
        r = refuse(reader, cemm_message_kept(&document->skipped_message));
    return r;
}

int cemm_answer_read(const struct cemm_query *query, char *bytes, size_t length, int64_t now,
                     struct cemm_document **ret_document, struct cemm_message *message)
{
    struct reader reader = {.document = cemm_document_new(query, bytes, length),
                            .kind = cemm_alias_find(query->alias)->kind,
                            .now = now,
                            .texts = CEMM_BUFFER_INIT(length),
                            .message = message};
    struct cemm_message problem = {"it is too long"};

    if (!reader.document)
        return -ENOMEM;
    int r = length > cemm_answer_max(query->endpoint)
                ? -EIO
                : cemm_json_parse(bytes, length, &reader.root, &problem);
    if (r == -EIO)
        refuse(&reader, problem.text);
    if (r == 0)
        r = read_document(&reader);
    cemm_json_put(reader.root, length);
    if (r < 0) {
        cemm_document_unref(reader.document);
        return r;
    }
    reader.document->fetched = now;
    *ret_document = reader.document;
    return 0;
}
