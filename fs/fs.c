/*
 * Attributes, time, errors and read-ahead.
 *
 * The size, times and bytes of a file come from one snapshot, so that read
 * gives what stat says. A directory is as old as the mount.
 */
#include "fs/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define READAHEAD_MAX 8 /* days */

struct node *fs_node(fuse_req_t request, fuse_ino_t number)
{
    const struct fs *fs = fuse_req_userdata(request);
    struct node *node = nodes_numbered(&fs->nodes, number);
    if (!node)
        (void)fuse_reply_err(request, ESTALE);
    return node;
}

struct tree_clock fs_clock(const struct fs *fs)
{
    return (struct tree_clock){.zone = cemm_zone(fs->cemm), .now = cemm_clock_wall() / 1000};
}

int fs_errno(int r)
{
    switch (r) {
    case CEMM_ABSENT:
        return ENOENT;
    case CEMM_DENIED:
        return EACCES;
    default:
        return r < 0 ? -r : EIO;
    }
}

struct cemm_document *fs_peek(const struct fs *fs, const struct path *path, int64_t max_age)
{
    struct cemm_query query;
    return tree_query(path, &query) ? cemm_peek(fs->cemm, &query, max_age) : NULL;
}

bool fs_archived(const struct fs *fs, const struct path *path)
{
    struct cemm_query query;
    return tree_query(path, &query) && cemm_archived(fs->cemm, &query);
}

struct tree_meter fs_meter(const struct fs *fs, const struct path *path)
{
    struct tree_meter meter = {.totals = true};
    if (path->alias[0] == '\0')
        return meter;
    /* Archived totals exist, whatever the sources say today. */
    meter.totals = cemm_offers(fs->cemm, &path->uid, path->alias, CEMM_TOTALS) ||
                   cemm_archived_any(fs->cemm, &path->uid, path->alias, CEMM_TOTALS);
    /* Nothing is remembered of unknown devices. */
    if (!cemm_device_named(fs->cemm, &path->uid))
        return meter;
    meter.found = cemm_first_day(fs->cemm, &path->uid, path->alias, &meter.first);
    meter.known = cemm_first_known(fs->cemm, &path->uid, path->alias);
    return meter;
}

/* NULL, or a lack of memory: there is no message. */
static void set_message(char **message, const char *text)
{
    free(*message);
    *message = text ? strdup(text) : NULL;
}

void fs_note(struct fs *fs, const struct path *path, const char *message)
{
    uint64_t cause = tree_cause(path);
    struct path above = *path;
    if (message) {
        set_message(&fs->failure, message);
        fs->failed = cemm_clock_wall();
    }
    do {
        struct node *node = nodes_current(&fs->nodes, above.text);
        if (!node || tree_type(&node->path) != TREE_DIRECTORY || (!message && node->cause != cause))
            continue;
        set_message(&node->failure, message);
        node->cause = cause;
    } while (tree_cut(above.text));
}

static struct timespec from_milliseconds(int64_t milliseconds)
{
    return (struct timespec){.tv_sec = (time_t)(milliseconds / 1000),
                             .tv_nsec = (long)(milliseconds % 1000 * 1000000)};
}

double fs_attributes(const struct fs *fs, const struct node *node, struct stat *ret_attributes)
{
    const struct options *options = fs->options;
    struct stat attributes = {.st_ino = node->inode,
                              .st_nlink = 1,
                              .st_uid = (uid_t)options->owner,
                              .st_gid = (gid_t)options->group,
                              .st_blksize = FS_BLOCK_SIZE};
    struct tree_clock clock = fs_clock(fs);
    int64_t modified = fs->mounted;
    double timeout = FS_FOR_EVER;
    struct path target;
    switch (tree_type(&node->path)) {
    case TREE_DIRECTORY:
        attributes.st_mode = S_IFDIR | 0555;
        attributes.st_nlink = 2;
        timeout = node->exists ? FS_FOR_EVER : 0;
        break;
    case TREE_LINK:
        attributes.st_mode = S_IFLNK | 0777;
        attributes.st_size = (off_t)strlen(tree_target(&node->path, &clock, 0, &target));
        break;
    case TREE_FILE:
        attributes.st_mode = S_IFREG | 0444;
        attributes.st_size = node->snapshot ? (off_t)node->shown : FS_COLD_SIZE;
        attributes.st_blocks = (blkcnt_t)((node->shown + 511) / 512);
        modified = node->shown_modified;
        timeout = !node->snapshot || node->running || node->growing ? 0 : FS_FOR_EVER;
        break;
    }
    if (!S_ISLNK(attributes.st_mode))
        attributes.st_mode &= ~(mode_t)options->mask;
    attributes.st_mtim = from_milliseconds(modified);
    attributes.st_atim = attributes.st_mtim;
    attributes.st_ctim = attributes.st_mtim;
    *ret_attributes = attributes;
    return timeout;
}

void fs_reply_bytes(fuse_req_t request, const char *bytes, size_t length, size_t size, off_t offset)
{
    size_t begin = (uint64_t)offset < length ? (size_t)offset : length;
    (void)fuse_reply_buf(request, bytes + begin, size < length - begin ? size : length - begin);
}

void fs_reply_attributes(const struct fs *fs, fuse_req_t request, const struct node *node)
{
    struct stat attributes;
    double timeout = fs_attributes(fs, node, &attributes);
    (void)fuse_reply_attr(request, &attributes, timeout);
}

/* ---- read-ahead --------------------------------------------------------- */

/* A failure shows when the day is read. */
static void on_ahead(void *data, const struct cemm_answer *answer)
{
    (void)data;
    (void)answer;
}

static void fetch_ahead(struct fs *fs, const struct path *path, int days)
{
    struct tree_clock clock = fs_clock(fs);
    struct path next = *path;
    struct cemm_query query;
    for (int i = 0; i < days && i < READAHEAD_MAX; i++) {
        next.period = cemm_period_step(&next.period, 1);
        int64_t since = clock.now - tree_closed_at(&next, clock.zone);
        if (next.period.month != path->period.month || since <= 0)
            return;
        if (tree_query(&next, &query) && !cemm_archived(fs->cemm, &query))
            (void)cemm_get_later(fs->cemm, &query, since * 1000, on_ahead, NULL, NULL);
    }
}

void fs_read_ahead(struct fs *fs, const struct path *path)
{
    struct path above = *path;
    if (path->kind != PATH_PERIOD || path->period.span != CEMM_DAY ||
        fs_clock(fs).now < tree_closed_at(path, cemm_zone(fs->cemm)))
        return;
    tree_cut(above.text);
    struct node *month = nodes_current(&fs->nodes, above.text);
    if (!month || month->day_read == path->period.day)
        return; /* the same day, as .csv or .json */
    month->days_run = month->day_read + 1 == path->period.day ? month->days_run + 1 : 1;
    month->day_read = path->period.day;
    if (month->days_run > 1)
        fetch_ahead(fs, path, month->days_run);
}
