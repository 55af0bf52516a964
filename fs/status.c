/*
 * Times are given as times, not as ages: so the text, and with it the file,
 * changes only when something has happened, and tools that look at it twice
 * see one and the same file.
 */
#include "fs/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define STATUS_MAX (1u << 20) /* bytes: far more than 256 devices need */

static const char *when(const struct fs *fs, int64_t time, char text[CEMM_TIME_SIZE])
{
    if (time == 0)
        return "never";
    cemm_time_format(cemm_zone(fs->cemm), time / 1000 * 1000, text);
    return text;
}

static void print_sources(const struct fs *fs, FILE *out)
{
    struct cemm_source_state source;
    char text[CEMM_TIME_SIZE];

    for (size_t i = 0; cemm_source_at(fs->cemm, i, &source); i++) {
        fprintf(out, "\nsource %s\n", source.name);
        fprintf(out, "  address       %s\n", source.address);
        fprintf(out, "  devices       %zu\n", source.devices);
        fprintf(out, "  last success  %s\n", when(fs, source.last_success, text));
        fprintf(out, "  last failure  %s", when(fs, source.last_failure, text));
        if (source.last_failure != 0)
            fprintf(out, ": %s", source.last_words);
        fputc('\n', out);
    }
    if (!cemm_source_at(fs->cemm, 0, &source))
        fprintf(out, "\nno source is configured\n");
}

static void print_devices(const struct fs *fs, FILE *out)
{
    const struct cemm_device *device;

    for (size_t i = 0; (device = cemm_device_at(fs->cemm, i)); i++) {
        const char *alias;

        fprintf(out, "\ndevice %s\n  meters       ", cemm_device_uid(device)->text);
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++)
            fprintf(out, " %s", alias);
        fputs(cemm_device_alias(device, 0) ? "\n" : " not looked for yet\n", out);
    }
}

/* Of all requests, those included that no source is to blame for. */
static void print_last_error(const struct fs *fs, FILE *out)
{
    const struct node *root = nodes_current(&fs->nodes, &tree_root);
    char text[CEMM_TIME_SIZE];

    if (root && root->words)
        fprintf(out, "last error      %s: %s\n", when(fs, root->failed, text), root->words);
    else
        fprintf(out, "last error      none\n");
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
    fprintf(out, "\nfiles in memory %zu, %zu bytes\n", fs->nodes.snapshots, fs->nodes.bytes);
}

int status_render(const struct fs *fs, struct snapshot **ret_snapshot)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool bad;

    if (!out)
        return -ENOMEM;
    print_all(fs, out);
    bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad || size > STATUS_MAX) {
        free(text);
        return -ENOMEM;
    }
    *ret_snapshot = snapshot_of_text(text, size, fs_now());
    return *ret_snapshot ? 0 : -ENOMEM;
}
