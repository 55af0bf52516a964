/*
 * The files `status` and `status.json`: the same functions write both.
 *
 * Times are absolute, not ages, so that the text changes only when something
 * has happened, and two reads see the same file.
 */
#include "fs/fs.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define STATUS_MAX (128u << 20) /* 600 bytes for each of 200,000 devices */

struct status {
    const struct fs *fs;
    FILE *text; /* NULL: status.json */
    struct json_object *root;
    struct json_object *object; /* members are added to it */
    bool failed;                /* there was no memory for the JSON */
};

static const char *when(const struct status *status, int64_t time, char text[CEMM_TIME_SIZE])
{
    if (time == 0)
        return status->text ? "never" : NULL;
    cemm_time_format(cemm_zone(status->fs->cemm), time / 1000 * 1000, text);
    return text;
}

/* ---- a line of the text, or a member -------------------------------------- */

/* Adds a line of `label` and `text` (NULL: no line) to the text, or a member `name` to the JSON. */
static void add_text(struct status *status, const char *label, const char *name, const char *text)
{
    if (!status->text)
        cemm_json_add_text(&status->failed, status->object, name, text);
    else if (text)
        fprintf(status->text, "%s%s\n", label, text);
}

static void add_number(struct status *status, const char *label, const char *name, size_t number)
{
    if (status->text)
        fprintf(status->text, "%s%zu\n", label, number);
    else
        cemm_json_add(&status->failed, status->object, name, json_object_new_uint64(number));
}

static void add_time(struct status *status, const char *label, const char *name, int64_t time)
{
    char text[CEMM_TIME_SIZE];
    add_text(status, label, name, when(status, time, text));
}

static void add_failure(struct status *status, int64_t time, const char *message)
{
    char text[CEMM_TIME_SIZE];
    if (status->text && time != 0) {
        fprintf(status->text, "  last failure  %s: %s\n", when(status, time, text), message);
        return;
    }
    add_time(status, "  last failure  ", "last_failure", time);
    add_text(status, "", "last_message", time != 0 ? message : NULL);
}

static void add_outcomes(struct status *status, const struct cemm_outcomes *outcomes)
{
    const struct cemm_message *message = outcomes->last_message;
    add_time(status, "  last success  ", "last_success", outcomes->last_success);
    add_failure(status, outcomes->last_failure, message ? message->text : "");
}

static struct json_object *add_list(struct status *status, struct json_object *to, const char *name)
{
    return status->text ? NULL : cemm_json_add(&status->failed, to, name, json_object_new_array());
}

/* Begins an object: a member of the object `to`, or (`name` NULL) an element of the list `to`. */
static void add_object(struct status *status, struct json_object *to, const char *name)
{
    if (!status->text)
        status->object = cemm_json_add(&status->failed, to, name, json_object_new_object());
}

/* ---- the parts ------------------------------------------------------------ */

static void add_head(struct status *status)
{
    const struct fs *fs = status->fs;
    const char *file = cemm_config_file(fs->config);
    char text[CEMM_TIME_SIZE];
    add_text(status, "cemmfs ", "version", cemm_version());
    add_time(status, "mounted         ", "mounted", fs->mounted);
    add_text(status, "configuration   ", "configuration",
             file || !status->text ? file : "none found, defaults");
    if (!fs->failure) {
        add_text(status, "last error      ", "last_error", status->text ? "none" : NULL);
    } else if (status->text) { /* the last failed request; the sources may all work */
        fprintf(status->text, "last error      %s: %s\n", when(status, fs->failed, text),
                fs->failure);
    } else {
        add_object(status, status->root, "last_error");
        add_time(status, "", "time", fs->failed);
        add_text(status, "", "message", fs->failure);
    }
}

static void add_sources(struct status *status)
{
    struct json_object *sources = add_list(status, status->root, "sources");
    struct cemm_source_state source;
    for (size_t i = 0; cemm_source_at(status->fs->cemm, i, &source); i++) {
        add_object(status, sources, NULL);
        add_text(status, "\nsource ", "name", source.name);
        add_text(status, "  address       ", "address", source.address);
        add_number(status, "  devices       ", "devices", source.devices);
        add_number(status, "  left out      ", "left_out", source.left_out);
        add_number(status, "  other shards  ", "other_shards", source.elsewhere);
        add_outcomes(status, &source.outcomes);
    }
    if (status->text && !cemm_source_at(status->fs->cemm, 0, &source))
        fprintf(status->text, "\nno source is configured\n");
}

static void add_meters(struct status *status, const struct cemm_device *device)
{
    struct json_object *object = status->object;
    struct json_object *meters = add_list(status, object, "meters");
    const char *alias;
    if (status->text)
        fprintf(status->text, "  meters       ");
    for (size_t i = 0; (alias = cemm_device_alias(device, i)); i++) {
        const char *type = cemm_device_type(device, alias);
        if (status->text) {
            fprintf(status->text, *type ? " %s (%s)" : " %s%s", alias, type);
            continue;
        }
        add_object(status, meters, NULL);
        add_text(status, "", "alias", alias);
        add_text(status, "", "type", type);
    }
    if (status->text)
        fputs(cemm_device_alias(device, 0) ? "\n" : " not looked for yet\n", status->text);
    status->object = object;
}

static void add_devices(struct status *status)
{
    struct json_object *devices = add_list(status, status->root, "devices");
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(status->fs->cemm, i)); i++) {
        add_object(status, devices, NULL);
        add_text(status, "\ndevice ", "uid", cemm_device_uid(device)->text);
        add_text(status, "  account       ", "account", cemm_device_account(device));
        add_meters(status, device);
        add_outcomes(status, cemm_device_outcomes(device));
    }
}

static void add_archive(struct status *status)
{
    struct cemm_archive_state archive;
    status->object = status->root;
    if (!cemm_archive_at(status->fs->cemm, &archive)) {
        add_text(status, "\n", "archive", status->text ? "no archive" : NULL);
        return;
    }
    add_object(status, status->root, "archive");
    add_text(status, "\narchive ", "directory", archive.directory);
    add_number(status, "  read          ", "read", archive.read);
    add_number(status, "  written       ", "written", archive.written);
    add_number(status, "  damaged       ", "damaged", archive.damaged);
    add_failure(status, archive.failed, archive.message);
}

static void add_files(struct status *status)
{
    const struct nodes *nodes = &status->fs->nodes;
    size_t count = nodes->final.count + nodes->changing.count;
    size_t bytes = nodes->final.bytes + nodes->changing.bytes;
    if (status->text) {
        fprintf(status->text, "\nfiles in memory %zu, %zu bytes\n", count, bytes);
        return;
    }
    add_object(status, status->root, "files");
    add_number(status, "", "count", count);
    add_number(status, "", "bytes", bytes);
}

int status_render(const struct fs *fs, bool json, struct snapshot **ret_snapshot)
{
    struct status status = {.fs = fs};
    char *text = NULL;
    size_t size = 0;
    int r = 0;
    if (json)
        status.object = status.root = json_object_new_object();
    else if (!(status.text = cemm_text_open(&text, &size)))
        return -ENOMEM;
    add_head(&status);
    add_sources(&status);
    add_devices(&status);
    add_archive(&status);
    add_files(&status);
    if (status.failed || (status.text && fclose(status.text) != 0))
        r = -ENOMEM;
    else if (json)
        r = cemm_json_print(status.root, &text, &size);
    json_object_put(status.root);
    if (r == 0 && size > STATUS_MAX) {
        free(text);
        r = -EFBIG;
    }
    if (r < 0)
        return r == -E2BIG ? -EFBIG : r;
    *ret_snapshot = snapshot_of_text(text, size, cemm_clock_wall());
    return *ret_snapshot ? 0 : -ENOMEM;
}
