/*
 * Renders documents as files. The library formats a document; the code here
 * decides which part of it a file shows, and the file's time.
 */
#include "fs/render.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct snapshot *snapshot_of_text(char *text, size_t size, int64_t modified)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot) {
        free(text);
        return NULL;
    }
    snapshot->bytes = text;
    snapshot->size = size;
    snapshot->hash = cemm_hash(CEMM_HASH, text, size);
    snapshot->modified = modified;
    snapshot->fetched = modified;
    return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    free(snapshot->bytes);
    free(snapshot->units);
    free(snapshot);
}

/* Renders the bare value. A channel that was never measured becomes an empty file. */
static int render_channel(const struct cemm_series *series, char **ret_text, size_t *ret_length)
{
    const struct cemm_sample *newest =
        series->count > 0 ? &series->samples[series->count - 1] : NULL;
    int length = newest ? asprintf(ret_text, "%.*s\n", (int)newest->text_length, newest->text)
                        : asprintf(ret_text, "%s", "");
    *ret_length = (size_t)length;
    return length < 0 ? -ENOMEM : 0;
}

static struct json_object *find_entry(struct json_object *list, const char *alias)
{
    size_t length = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < length; i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        struct json_object *name = json_object_object_get(entry, "alias");
        if (json_object_is_type(name, json_type_string) &&
            strcmp(json_object_get_string(name), alias) == 0)
            return entry;
    }
    return NULL;
}

static int render_entry(const struct path *path, const struct cemm_document *io, char **ret_text,
                        size_t *ret_length)
{
    struct json_object *root = cemm_document_json(io);
    struct json_object *entry = find_entry(json_object_object_get(root, "data"), path->query.alias);
    int r = !root ? -ENOMEM : !entry ? -ENOENT : cemm_json_print(entry, ret_text, ret_length);
    json_object_put(root);
    return r;
}

static int render_text(const struct path *path, const struct cemm_document *document,
                       const struct cemm_series *channel, const struct cemm_zone *zone,
                       char **ret_text, size_t *ret_length)
{
    if (path->kind == PATH_CHANNEL)
        return channel ? render_channel(channel, ret_text, ret_length) : -ENOENT;
    if (path->kind == PATH_METER_INFO && cemm_document_query(document)->endpoint == CEMM_IO)
        return render_entry(path, document, ret_text, ret_length);
    return cemm_render(document, path->format, zone, ret_text, ret_length);
}

/* The time of a file: for a closed period, its end; for a running month or year, the time of the
 * fetch, because its last row changes; for all others, the time of the newest sample. */
static int64_t modified_at(const struct path *path, const struct cemm_document *document,
                           const struct cemm_series *channel, const struct cemm_zone *zone)
{
    int64_t newest = cemm_document_newest(document);
    if (path->kind == PATH_PERIOD && cemm_document_closed(document))
        return cemm_period_end(zone, &path->query.period) * 1000;
    if (path->kind == PATH_PERIOD && path->span != CEMM_DAY)
        return cemm_document_fetched(document);
    if (channel)
        newest = channel->count > 0 ? channel->samples[channel->count - 1].time : 0;
    return newest > 0 ? newest : cemm_document_fetched(document);
}

/* Joins the units: "kWh,kWh". NULL: no memory. */
static char *join_units(const struct cemm_series *series, size_t count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = cemm_text_open(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i > 0 ? "," : "", series[i].unit);
    return fclose(out) == 0 ? text : NULL;
}

int snapshot_render(const struct path *path, const struct cemm_document *document,
                    const struct cemm_zone *zone, struct snapshot **ret_snapshot)
{
    const struct cemm_series *channel =
        path->kind == PATH_CHANNEL ? cemm_document_channel(document, tree_name(path)) : NULL;
    const struct cemm_series *series = channel;
    struct snapshot *snapshot;
    char *text;
    size_t length;
    size_t count = 1;
    int r = render_text(path, document, channel, zone, &text, &length);
    if (r < 0)
        return r == -E2BIG ? -EIO : r;
    snapshot = snapshot_of_text(text, length, modified_at(path, document, channel, zone));
    if (!snapshot)
        return -ENOMEM;
    snapshot->fetched = cemm_document_fetched(document);
    snapshot->empty = cemm_document_empty(document);
    snapshot->closed = cemm_document_closed(document);
    if (path->kind == PATH_PERIOD && path->format == CEMM_FORMAT_CSV)
        series = cemm_document_series(document, &count);
    (void)snprintf(snapshot->source, sizeof(snapshot->source), "%s",
                   cemm_document_source(document));
    if (series && !(snapshot->units = join_units(series, count))) {
        snapshot_free(snapshot);
        return -ENOMEM;
    }
    *ret_snapshot = snapshot;
    return 0;
}

/* Prints {"uid": …, "lan": …, "cloud": …}. */
int snapshot_of_device(const struct cemm_uid *uid, const char *account,
                       const struct cemm_document *document, struct snapshot **ret_snapshot)
{
    int64_t fetched = document ? cemm_document_fetched(document) : cemm_clock_wall();
    struct json_object *root = document ? cemm_document_json(document) : NULL;
    struct json_object *data = json_object_object_get(root, "data");
    struct json_object *device = json_object_new_object();
    bool failed = document && !root;
    char *text;
    size_t length;
    cemm_json_add_text(&failed, device, "uid", uid->text);
    if (data)
        cemm_json_add(&failed, device, "lan", json_object_get(data));
    else
        cemm_json_add_text(&failed, device, "lan", NULL);
    cemm_json_add_text(&failed, device, "cloud", account);
    int r = failed ? -ENOMEM : cemm_json_print(device, &text, &length);
    json_object_put(device);
    json_object_put(root);
    if (r < 0)
        return r;
    struct snapshot *snapshot = snapshot_of_text(text, length, fetched);
    *ret_snapshot = snapshot;
    if (!snapshot)
        return -ENOMEM;
    (void)snprintf(snapshot->source, sizeof(snapshot->source), "%s%s", document ? "" : "cloud ",
                   document ? cemm_document_source(document) : account);
    return 0;
}
