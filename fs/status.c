/*
 * Times are absolute, not ages: so the text changes only when something has
 * happened, and two reads see the same file.
 */
#include "fs/fs.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define STATUS_MAX (128u << 20) /* 600 bytes for each of 200,000 devices */

static const char *when(const struct fs *fs, int64_t time, char text[CEMM_TIME_SIZE])
{
    if (time == 0)
        return "never";
    cemm_time_format(cemm_zone(fs->cemm), time / 1000 * 1000, text);
    return text;
}

static void print_success(const struct fs *fs, FILE *out, int64_t success)
{
    char text[CEMM_TIME_SIZE];
    fprintf(out, "  last success  %s\n", when(fs, success, text));
}

static void print_failure(const struct fs *fs, FILE *out, int64_t failure, const char *message)
{
    char text[CEMM_TIME_SIZE];
    fprintf(out, "  last failure  %s%s%s\n", when(fs, failure, text), failure != 0 ? ": " : "",
            failure != 0 ? message : "");
}

static void print_sources(const struct fs *fs, FILE *out)
{
    struct cemm_source_state source;
    for (size_t i = 0; cemm_source_at(fs->cemm, i, &source); i++) {
        fprintf(out, "\nsource %s\n", source.name);
        fprintf(out, "  address       %s\n", source.address);
        fprintf(out, "  devices       %zu\n", source.devices);
        fprintf(out, "  left out      %zu\n", source.left_out);
        fprintf(out, "  other shards  %zu\n", source.elsewhere);
        print_success(fs, out, source.last_success);
        print_failure(fs, out, source.last_failure, source.last_message);
    }
    if (!cemm_source_at(fs->cemm, 0, &source))
        fprintf(out, "\nno source is configured\n");
}

static void print_devices(const struct fs *fs, FILE *out)
{
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(fs->cemm, i)); i++) {
        const char *account = cemm_device_account(device);
        struct cemm_device_state state;
        const char *alias;
        fprintf(out, "\ndevice %s\n", cemm_device_uid(device)->text);
        if (account)
            fprintf(out, "  account       %s\n", account);
        fprintf(out, "  meters       ");
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++) {
            const char *type = cemm_device_type(device, alias);
            fprintf(out, *type ? " %s (%s)" : " %s%s", alias, type);
        }
        fputs(cemm_device_alias(device, 0) ? "\n" : " not looked for yet\n", out);
        cemm_device_state(device, &state);
        print_success(fs, out, state.last_success);
        print_failure(fs, out, state.last_failure, state.last_message);
    }
}

static void print_archive(const struct fs *fs, FILE *out)
{
    struct cemm_archive_state archive;
    if (!cemm_archive_at(fs->cemm, &archive)) {
        fprintf(out, "\nno archive\n");
        return;
    }
    fprintf(out, "\narchive %s\n", archive.directory);
    fprintf(out, "  read          %zu\n  written       %zu\n  damaged       %zu\n", archive.read,
            archive.written, archive.damaged);
    print_failure(fs, out, archive.failed, archive.message);
}

static void print_all(const struct fs *fs, FILE *out)
{
    const char *file = cemm_config_file(fs->config);
    char text[CEMM_TIME_SIZE];
    fprintf(out, "cemmfs %s\n", cemm_version());
    fprintf(out, "mounted         %s\n", when(fs, fs->mounted, text));
    fprintf(out, "configuration   %s\n", file ? file : "none found, defaults");
    if (fs->failure) /* of any request, even if no source failed */
        fprintf(out, "last error      %s: %s\n", when(fs, fs->failed, text), fs->failure);
    else
        fprintf(out, "last error      none\n");
    print_sources(fs, out);
    print_devices(fs, out);
    print_archive(fs, out);
    fprintf(out, "\nfiles in memory %zu, %zu bytes\n",
            fs->nodes.closed.count + fs->nodes.open.count,
            fs->nodes.closed.bytes + fs->nodes.open.bytes);
}

/* ---- for programs ------------------------------------------------------- */

static void add_time(const struct fs *fs, bool *failed, struct json_object *object,
                     const char *name, int64_t time)
{
    char text[CEMM_TIME_SIZE];
    cemm_json_add_text(failed, object, name, time != 0 ? when(fs, time, text) : NULL);
}

static void add_failure(const struct fs *fs, bool *failed, struct json_object *object,
                        int64_t failure, const char *message)
{
    add_time(fs, failed, object, "last_failure", failure);
    cemm_json_add_text(failed, object, "last_words", failure != 0 ? message : NULL);
}

static void add_last_error(const struct fs *fs, bool *failed, struct json_object *root)
{
    if (!fs->failure) {
        cemm_json_add_text(failed, root, "last_error", NULL);
        return;
    }
    struct json_object *error = cemm_json_add(failed, root, "last_error", json_object_new_object());
    add_time(fs, failed, error, "time", fs->failed);
    cemm_json_add_text(failed, error, "words", fs->failure);
}

static void add_sources(const struct fs *fs, bool *failed, struct json_object *root)
{
    struct json_object *sources = cemm_json_add(failed, root, "sources", json_object_new_array());
    struct cemm_source_state state;
    for (size_t i = 0; cemm_source_at(fs->cemm, i, &state); i++) {
        struct json_object *source = cemm_json_add(failed, sources, NULL, json_object_new_object());
        cemm_json_add_text(failed, source, "name", state.name);
        cemm_json_add_text(failed, source, "address", state.address);
        cemm_json_add(failed, source, "devices", json_object_new_uint64(state.devices));
        cemm_json_add(failed, source, "left_out", json_object_new_uint64(state.left_out));
        cemm_json_add(failed, source, "other_shards", json_object_new_uint64(state.elsewhere));
        add_time(fs, failed, source, "last_success", state.last_success);
        add_failure(fs, failed, source, state.last_failure, state.last_message);
    }
}

static void add_meters(const struct cemm_device *known, bool *failed, struct json_object *device)
{
    struct json_object *meters = cemm_json_add(failed, device, "meters", json_object_new_array());
    const char *alias;
    for (size_t i = 0; (alias = cemm_device_alias(known, i)); i++) {
        struct json_object *meter = cemm_json_add(failed, meters, NULL, json_object_new_object());
        cemm_json_add_text(failed, meter, "alias", alias);
        cemm_json_add_text(failed, meter, "type", cemm_device_type(known, alias));
    }
}

static void add_devices(const struct fs *fs, bool *failed, struct json_object *root)
{
    struct json_object *devices = cemm_json_add(failed, root, "devices", json_object_new_array());
    const struct cemm_device *known;
    for (size_t i = 0; (known = cemm_device_at(fs->cemm, i)); i++) {
        struct json_object *device = cemm_json_add(failed, devices, NULL, json_object_new_object());
        struct cemm_device_state state;
        cemm_device_state(known, &state);
        cemm_json_add_text(failed, device, "uid", cemm_device_uid(known)->text);
        cemm_json_add_text(failed, device, "account", cemm_device_account(known));
        add_meters(known, failed, device);
        add_time(fs, failed, device, "last_success", state.last_success);
        add_failure(fs, failed, device, state.last_failure, state.last_message);
    }
}

static void add_archive(const struct fs *fs, bool *failed, struct json_object *root)
{
    struct cemm_archive_state state;
    if (!cemm_archive_at(fs->cemm, &state)) {
        cemm_json_add_text(failed, root, "archive", NULL);
        return;
    }
    struct json_object *archive = cemm_json_add(failed, root, "archive", json_object_new_object());
    cemm_json_add_text(failed, archive, "directory", state.directory);
    cemm_json_add(failed, archive, "read", json_object_new_uint64(state.read));
    cemm_json_add(failed, archive, "written", json_object_new_uint64(state.written));
    cemm_json_add(failed, archive, "damaged", json_object_new_uint64(state.damaged));
    add_failure(fs, failed, archive, state.failed, state.message);
}

static int render_json(const struct fs *fs, char **ret_text, size_t *ret_size)
{
    bool failed = false;
    struct json_object *root = json_object_new_object();
    cemm_json_add_text(&failed, root, "version", cemm_version());
    add_time(fs, &failed, root, "mounted", fs->mounted);
    cemm_json_add_text(&failed, root, "configuration", cemm_config_file(fs->config));
    add_last_error(fs, &failed, root);
    add_sources(fs, &failed, root);
    add_devices(fs, &failed, root);
    add_archive(fs, &failed, root);
    struct json_object *files = cemm_json_add(&failed, root, "files", json_object_new_object());
    cemm_json_add(&failed, files, "count",
                  json_object_new_uint64(fs->nodes.closed.count + fs->nodes.open.count));
    cemm_json_add(&failed, files, "bytes",
                  json_object_new_uint64(fs->nodes.closed.bytes + fs->nodes.open.bytes));
    int r = failed ? -ENOMEM : cemm_json_print(root, ret_text, ret_size);
    json_object_put(root);
    return r == -E2BIG ? -EFBIG : r;
}

static int render_text(const struct fs *fs, char **ret_text, size_t *ret_size)
{
    FILE *out = cemm_text_open(ret_text, ret_size);
    if (!out)
        return -ENOMEM;
    print_all(fs, out);
    if (fclose(out) != 0)
        return -ENOMEM;
    if (*ret_size <= STATUS_MAX)
        return 0;
    free(*ret_text);
    return -EFBIG;
}

int status_render(const struct fs *fs, bool json, struct snapshot **ret_snapshot)
{
    char *text = NULL;
    size_t size = 0;
    int r = json ? render_json(fs, &text, &size) : render_text(fs, &text, &size);
    if (r < 0)
        return r;
    *ret_snapshot = snapshot_of_text(text, size, cemm_clock_wall());
    return *ret_snapshot ? 0 : -ENOMEM;
}
