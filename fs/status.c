/*
 * Times are given as times, not as ages: so the text, and with it the file,
 * changes only when something has happened, and tools that look at it twice
 * see one and the same file.
 */
#include "fs/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/text.h"

#define STATUS_MAX (64u << 20) /* bytes: 600 for each of 100,000 devices */

static const char *when(const struct fs *fs, int64_t time, char text[CEMM_TIME_SIZE])
{
    if (time == 0)
        return "never";
    cemm_time_format(cemm_zone(fs->cemm), time / 1000 * 1000, text);
    return text;
}

static void print_success_and_failure(const struct fs *fs, FILE *out, int64_t success,
                                      int64_t failure, const char *words)
{
    char text[CEMM_TIME_SIZE];

    fprintf(out, "  last success  %s\n", when(fs, success, text));
    fprintf(out, "  last failure  %s", when(fs, failure, text));
    if (failure != 0)
        fprintf(out, ": %s", words);
    fputc('\n', out);
}

static void print_sources(const struct fs *fs, FILE *out)
{
    struct cemm_source_state source;

    for (size_t i = 0; cemm_source_at(fs->cemm, i, &source); i++) {
        fprintf(out, "\nsource %s\n", source.name);
        fprintf(out, "  address       %s\n", source.address);
        fprintf(out, "  devices       %zu\n", source.devices);
        print_success_and_failure(fs, out, source.last_success, source.last_failure,
                                  source.last_words);
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
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++)
            fprintf(out, " %s", alias);
        fputs(cemm_device_alias(device, 0) ? "\n" : " not looked for yet\n", out);
        cemm_device_state(device, &state);
        print_success_and_failure(fs, out, state.last_success, state.last_failure,
                                  state.last_words);
    }
}

/* Of all requests, those included that no source is to blame for. */
static void print_last_error(const struct fs *fs, FILE *out)
{
    char text[CEMM_TIME_SIZE];

    if (fs->words)
        fprintf(out, "last error      %s: %s\n", when(fs, fs->failed, text), fs->words);
    else
        fprintf(out, "last error      none\n");
}

static void print_archive(const struct fs *fs, FILE *out)
{
    struct cemm_archive_state archive;
    char text[CEMM_TIME_SIZE];

    if (!cemm_archive_at(fs->cemm, &archive)) {
        fprintf(out, "\nno archive\n");
        return;
    }
    fprintf(out, "\narchive %s\n", archive.directory);
    fprintf(out, "  read          %zu\n  written       %zu\n  damaged       %zu\n", archive.read,
            archive.written, archive.damaged);
    fprintf(out, "  last failure  %s", when(fs, archive.failed, text));
    if (archive.failed != 0)
        fprintf(out, ": %s", archive.words);
    fputc('\n', out);
}

static void print_all(const struct fs *fs, FILE *out)
{
    const char *file = cemm_config_file(fs->config);
    char text[CEMM_TIME_SIZE];

    fprintf(out, "cemmfs %s\n", cemm_version());
    fprintf(out, "mounted         %s\n", when(fs, fs->mounted, text));
    fprintf(out, "configuration   %s\n", file ? file : "none found, defaults");
    print_last_error(fs, out);
    print_sources(fs, out);
    print_devices(fs, out);
    print_archive(fs, out);
    fprintf(out, "\nfiles in memory %zu, %zu bytes\n", fs->nodes.snapshots, fs->nodes.bytes);
}

/* ---- for programs ------------------------------------------------------- */

static void print_member(FILE *out, const char *name, const char *text)
{
    fprintf(out, "\"%s\":", name);
    print_json_text(out, text);
}

static void print_time(const struct fs *fs, FILE *out, const char *name, int64_t time)
{
    char text[CEMM_TIME_SIZE];

    print_member(out, name, time != 0 ? when(fs, time, text) : NULL);
}

static void print_json_error(const struct fs *fs, FILE *out)
{
    fputs(",\"last_error\":", out);
    if (!fs->words) {
        fputs("null", out);
        return;
    }
    fputc('{', out);
    print_time(fs, out, "time", fs->failed);
    fputc(',', out);
    print_member(out, "words", fs->words);
    fputc('}', out);
}

static void print_json_success_and_failure(const struct fs *fs, FILE *out, int64_t success,
                                           int64_t failure, const char *words)
{
    print_time(fs, out, "last_success", success);
    fputc(',', out);
    print_time(fs, out, "last_failure", failure);
    fputc(',', out);
    print_member(out, "last_words", failure != 0 ? words : NULL);
}

static void print_json_sources(const struct fs *fs, FILE *out)
{
    struct cemm_source_state source;

    fputs(",\"sources\":[", out);
    for (size_t i = 0; cemm_source_at(fs->cemm, i, &source); i++) {
        fputs(i > 0 ? ",{" : "{", out);
        print_member(out, "name", source.name);
        fputc(',', out);
        print_member(out, "address", source.address);
        fprintf(out, ",\"devices\":%zu,", source.devices);
        print_json_success_and_failure(fs, out, source.last_success, source.last_failure,
                                       source.last_words);
        fputc('}', out);
    }
    fputc(']', out);
}

static void print_json_devices(const struct fs *fs, FILE *out)
{
    const struct cemm_device *device;

    fputs(",\"devices\":[", out);
    for (size_t i = 0; (device = cemm_device_at(fs->cemm, i)); i++) {
        struct cemm_device_state state;
        const char *alias;

        fputs(i > 0 ? ",{" : "{", out);
        print_member(out, "uid", cemm_device_uid(device)->text);
        fputc(',', out);
        print_member(out, "account", cemm_device_account(device));
        fputs(",\"meters\":[", out);
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++) {
            if (j > 0)
                fputc(',', out);
            print_json_text(out, alias);
        }
        fputs("],", out);
        cemm_device_state(device, &state);
        print_json_success_and_failure(fs, out, state.last_success, state.last_failure,
                                       state.last_words);
        fputc('}', out);
    }
    fputc(']', out);
}

static void print_json_archive(const struct fs *fs, FILE *out)
{
    struct cemm_archive_state archive;

    fputs(",\"archive\":", out);
    if (!cemm_archive_at(fs->cemm, &archive)) {
        fputs("null", out);
        return;
    }
    fputc('{', out);
    print_member(out, "directory", archive.directory);
    fprintf(out, ",\"read\":%zu,\"written\":%zu,\"damaged\":%zu,", archive.read, archive.written,
            archive.damaged);
    print_time(fs, out, "last_failure", archive.failed);
    fputc(',', out);
    print_member(out, "last_words", archive.failed != 0 ? archive.words : NULL);
    fputc('}', out);
}

static void print_json(const struct fs *fs, FILE *out)
{
    fputc('{', out);
    print_member(out, "version", cemm_version());
    fputc(',', out);
    print_time(fs, out, "mounted", fs->mounted);
    fputc(',', out);
    print_member(out, "configuration", cemm_config_file(fs->config));
    print_json_error(fs, out);
    print_json_sources(fs, out);
    print_json_devices(fs, out);
    print_json_archive(fs, out);
    fprintf(out, ",\"files\":{\"count\":%zu,\"bytes\":%zu}}", fs->nodes.snapshots, fs->nodes.bytes);
}

/* As all JSON here looks. */
static int indent(char **text, size_t *size)
{
    char *compact = *text;
    int result = cemm_indent(compact, *size, text, size);

    free(compact);
    return result;
}

int status_render(const struct fs *fs, bool json, struct snapshot **ret_snapshot)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = cemm_text_open(&text, &size);

    if (!out)
        return -ENOMEM;
    if (json)
        print_json(fs, out);
    else
        print_all(fs, out);
    if (fclose(out) != 0)
        return -ENOMEM;
    if (size > STATUS_MAX) {
        free(text);
        return -EFBIG;
    }
    if (json && indent(&text, &size) < 0)
        return -ENOMEM;
    *ret_snapshot = snapshot_of_text(text, size, cemm_clock_wall());
    return *ret_snapshot ? 0 : -ENOMEM;
}
