/*
 * The requests of the kernel. Those for the attributes and bytes of files are
 * in files.c.
 *
 * OPEN is answered with ENOSYS: then the kernel does not send it again, and
 * opening a known file costs no request. If OPENDIR were answered in the same
 * way, the kernel would cache listings for ever.
 *
 * A device or meter exists once a source has said so, whatever the sources say
 * later: a backup must not mistake a silent meter for a meter that was removed.
 * So if a directory is unknown and its source fails, the request gets the errno
 * of that failure, never ENOENT and never an empty listing.
 *
 * OPENDIR waits for the sources, so that READDIR need not: during READDIR the
 * kernel keeps the directory locked, and lookups of all other names in it would
 * wait and could not be interrupted.
 */
#include "fs/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libfuse's callbacks have parameters that are not needed here. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define TURN_S      (3 * 3600)  /* how long `today` waits for a day's first row, in seconds */
#define XATTRS_MAX  256         /* bytes of all names together */
#define ENTRY_MAX   128         /* bytes of an entry with the longest name */
#define UNKNOWN_INO 0xffffffffu /* as in libfuse: READDIR does not know inode numbers */

static void on_init(void *data, struct fuse_conn_info *connection)
{
    struct fs *fs = data;
    /* The kernel requests expired attributes again before it reads. */
    connection->want |= FUSE_CAP_AUTO_INVAL_DATA;
    /* A READ is synchronous: it can be interrupted, and does not use up the background requests. */
    connection->want &= ~(unsigned)FUSE_CAP_ASYNC_READ;
    fs->initialized = true;
}

/* ---- names -------------------------------------------------------------- */

static struct tree_meter meter_of(const struct fs *fs, const struct path *path)
{
    const struct cemm_uid *uid = &path->query.uid;
    const char *alias = path->query.alias;
    struct tree_meter meter = {.totals = true};
    if (alias[0] == '\0')
        return meter;
    /* Archived totals are shown even if no source offers totals any more. */
    meter.totals = cemm_offers(fs->cemm, uid, alias, CEMM_TOTALS) ||
                   cemm_archived_totals(fs->cemm, uid, alias);
    if (cemm_device_named(fs->cemm, uid)) /* else cemm_first_day() would make a record */
        meter.found = cemm_first_day(fs->cemm, uid, alias, &meter.first, &meter.known);
    return meter;
}

static bool is_known(const struct fs *fs, const struct path *path)
{
    const struct cemm_device *device = cemm_device_named(fs->cemm, &path->query.uid);
    if (path->kind == PATH_METER)
        return cemm_device_has(device, path->query.alias);
    return device || path->kind != PATH_DEVICE; /* any other path is known if its parent is */
}

/* Finds or makes the node of a directory or a link. Never waits. Returns 0 or -ENOMEM. */
static int directory_lookup(struct fs *fs, const struct path *path, struct node **ret_node)
{
    struct node *node = nodes_current(&fs->nodes, path->text);
    if (!node)
        node = node_new(&fs->nodes, path);
    if (!node)
        return -ENOMEM;
    node->exists = node->exists || is_known(fs, path);
    *ret_node = node;
    return 0;
}

static int lookup(struct fs *fs, const struct node *parent, const char *name,
                  struct node **ret_node, double *ret_timeout)
{
    struct tree_clock clock = fs_clock(fs);
    struct tree_meter meter = meter_of(fs, &parent->path);
    struct path path;
    if (!tree_child(&parent->path, name, &clock, &meter, &path))
        return -ENOENT;
    if (path.kind == PATH_METER && !cemm_alias_allowed(fs->cemm, &path.query.uid, path.query.alias))
        return -ENOENT;
    *ret_timeout = FS_FOR_EVER;
    if (tree_type(&path) == TREE_FILE)
        return file_lookup(fs, &path, ret_node, ret_timeout);
    return directory_lookup(fs, &path, ret_node);
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fuse_req_userdata(request);
    struct node *directory = fs_node(request, parent);
    struct fuse_entry_param entry = {.generation = 1};
    struct node *node;
    if (!directory)
        return;
    int r = lookup(fs, directory, name, &node, &entry.entry_timeout);
    if (r < 0) {
        (void)fuse_reply_err(request, -r);
        return;
    }
    node->parent = parent;
    entry.ino = node->number;
    entry.attr_timeout = fs_attributes(fs, node, &entry.attr);
    /* If the reply fails, the kernel does not know the node, and sends no FORGET. */
    node->lookups++;
    if (fuse_reply_entry(request, &entry) != 0) {
        node->lookups--;
        node_release(&fs->nodes, node);
    }
}

static void on_forget(fuse_req_t request, fuse_ino_t number, uint64_t lookups)
{
    struct fs *fs = fuse_req_userdata(request);
    struct node *node = nodes_numbered(&fs->nodes, number);
    if (node) {
        node->lookups -= lookups < node->lookups ? lookups : node->lookups;
        node_release(&fs->nodes, node);
    }
    fuse_reply_none(request);
}

/* ---- links ---------------------------------------------------------------- */

/*
 * In the first hours of a day, `today` leads to the previous day until the new
 * day has its first row, which arrives a minute late. If somebody follows the
 * previous day's file (tail -F), `today` also waits until that file has been
 * fetched again, because its last row arrives late, too. `today` moves once,
 * and never back. Later in the day it leads to the new day even without a row,
 * because a meter may be silent.
 */

/* Whether the link is `today` and may have to lead to the previous day until `day` has its first
 * row. If there is no data before `day`, the link leads to `day` at once. */
static bool is_turning(const struct fs *fs, const struct node *link, const struct path *day)
{
    struct tree_clock clock = fs_clock(fs);
    struct tree_meter meter = meter_of(fs, &link->path);
    int64_t begun = cemm_period_start(clock.zone, &day->query.period);
    return link->path.kind == PATH_RECENT_LINK && link->path.ago == 0 &&
           day->query.period.span == CEMM_DAY && link->moved != begun &&
           clock.now - begun < TURN_S &&
           !(meter.known && cemm_period_compare(&meter.first, &day->query.period) >= 0);
}

static void on_day(struct pending *pending, const struct cemm_answer *answer)
{
    struct tree_clock clock = fs_clock(pending->fs);
    struct node *link = pending->node;
    struct path day, before;
    const char *today = tree_target(&link->path, &clock, 0, &day);
    const char *yesterday = tree_target(&link->path, &clock, 1, &before);
    const struct node *last = nodes_current(&pending->fs->nodes, before.text);
    bool followed = last && last->snapshot && file_followed(last);
    if (answer->result == 0 && cemm_document_newest(answer->document) != 0 &&
        (!followed || last->snapshot->fetched >= cemm_document_fetched(answer->document)))
        link->moved = cemm_period_start(clock.zone, &day.query.period);
    (void)fuse_reply_readlink(pending->request,
                              is_turning(pending->fs, link, &day) ? yesterday : today);
    pending_free(pending);
}

static void on_readlink(fuse_req_t request, fuse_ino_t number)
{
    struct pending *pending = pending_new(request, number);
    struct path day;
    if (!pending)
        return;
    struct tree_clock clock = fs_clock(pending->fs);
    const char *target = tree_target(&pending->node->path, &clock, 0, &day);
    if (is_turning(pending->fs, pending->node, &day)) {
        pending_get(pending, &day.query, FS_MAX_AGE, on_day);
        return;
    }
    (void)fuse_reply_readlink(request, target);
    pending_free(pending);
}

/* ---- attributes and bytes ----------------------------------------------- */

/* Even if no search has found a meter, it exists if it can be read. */
static void on_searched(struct pending *pending, const struct cemm_answer *answer)
{
    const struct path *path = &pending->node->path;
    if (is_known(pending->fs, path) || (path->kind == PATH_METER && answer->result == 0)) {
        pending->node->exists = true;
        pending_reply_attributes(pending);
        return;
    }
    pending_reply_error(pending, answer->result != 0 ? fs_errno(answer->result) : ENOENT);
}

static void directory_getattr(struct pending *pending)
{
    const struct fs *fs = pending->fs;
    struct node *node = pending->node;
    node->exists = node->exists || is_known(fs, &node->path);
    if (node->exists)
        pending_reply_attributes(pending);
    else if (node->path.kind == PATH_DEVICE)
        pending_locate(pending, on_searched);
    else
        pending_get(pending, &node->path.query, fs->options->realtime_ttl * 1000, on_searched);
}

static void on_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    struct pending *pending = pending_new(request, number);
    if (!pending)
        return;
    if (tree_type(&pending->node->path) == TREE_FILE)
        file_getattr(pending, info != NULL);
    else
        directory_getattr(pending);
}

static void on_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    (void)fuse_reply_err(request, ENOSYS);
}

/* ---- listings ------------------------------------------------------------- */

struct lister {
    const struct pending *pending;
    const struct path *directory;
    struct tree_clock clock;
    struct tree_meter meter;
    FILE *out;   /* a lack of memory is reported by fclose() */
    size_t size; /* of all entries so far */
};

static void add_name(struct lister *lister, const char *name, mode_t type)
{
    const struct stat about = {.st_ino = UNKNOWN_INO, .st_mode = type};
    char entry[ENTRY_MAX];
    size_t length = fuse_add_direntry(lister->pending->request, NULL, 0, name, NULL, 0);
    lister->size += length;
    (void)fuse_add_direntry(lister->pending->request, entry, sizeof(entry), name, &about,
                            (off_t)lister->size);
    (void)fwrite(entry, length, 1, lister->out);
}

static int add(void *data, const struct path *path)
{
    static const mode_t types[] = {
        [TREE_DIRECTORY] = S_IFDIR, [TREE_FILE] = S_IFREG, [TREE_LINK] = S_IFLNK};
    add_name(data, tree_name(path), types[tree_type(path)]);
    return 0;
}

static void add_devices(struct lister *lister)
{
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(lister->pending->fs->cemm, i)); i++)
        add_name(lister, cemm_device_uid(device)->text, S_IFDIR);
}

/* An alias that is also a fixed name in this directory is left out. */
static void add_meters(struct lister *lister)
{
    const struct path *parent = lister->directory;
    const struct cemm_device *device =
        cemm_device_named(lister->pending->fs->cemm, &parent->query.uid);
    struct path path;
    const char *alias;
    for (size_t i = 0; device && (alias = cemm_device_alias(device, i)); i++) {
        if (tree_child(parent, alias, &lister->clock, &lister->meter, &path) &&
            path.kind == PATH_METER)
            add(lister, &path);
    }
}

/* Adds the channels of the newest cached answer, however old it is. */
static void add_channels(struct lister *lister)
{
    struct cemm_document *document =
        cemm_peek(lister->pending->fs->cemm, &lister->directory->query, INT64_MAX);
    size_t count = 0;
    const struct cemm_series *series = document ? cemm_document_series(document, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        add_name(lister, series[i].channel, S_IFREG);
    cemm_document_unref(document);
}

/* For listings of all periods while the meter's first day is not known. */
static const struct tree_meter since_the_beginning = {.found = true,
                                                      .first = {CEMM_DAY, CEMM_YEAR_FIRST, 1, 1}};

/* Whether the archive has the file's period, or any period in the directory. */
static int is_archived(void *data, const struct path *path)
{
    const struct lister *lister = data;
    if (tree_type(path) == TREE_FILE)
        return cemm_archived(lister->pending->fs->cemm, &path->query);
    return tree_type(path) == TREE_DIRECTORY &&
           tree_list(path, &lister->clock, &since_the_beginning, is_archived, data) != 0;
}

static int add_archived(void *data, const struct path *path)
{
    return is_archived(data, path) ? add(data, path) : 0;
}

/* Adds the names that tree_list() does not know. */
static void add_found(struct lister *lister)
{
    const struct path *directory = lister->directory;
    if (directory->kind == PATH_ROOT)
        add_devices(lister);
    else if (directory->kind == PATH_DEVICE)
        add_meters(lister);
    else if (directory->kind == PATH_CHANNELS)
        add_channels(lister);
    else if (tree_holds_periods(directory) && !lister->meter.found)
        /* Until the first period is known, only archived periods are listed. */
        (void)tree_list(directory, &lister->clock, &since_the_beginning, add_archived, lister);
}

/* Whether no source has the file: all have said so, or none offers it. A file that was read stays
 * until all sources say so. */
static bool is_absent(const struct fs *fs, const struct path *path)
{
    const struct node *node = nodes_current(&fs->nodes, path->text);
    if (node && (node->snapshot || file_absent(node)))
        return node->absent != 0;
    if (path->kind != PATH_IO && path->kind != PATH_METER_INFO)
        return false;
    return !cemm_offers(fs->cemm, &path->query.uid, path->query.alias, CEMM_IO) &&
           !cemm_offers(fs->cemm, &path->query.uid, path->query.alias, path->query.endpoint);
}

static int add_unless_absent(void *data, const struct path *path)
{
    const struct lister *lister = data;
    return path->kind != PATH_PERIOD && is_absent(lister->pending->fs, path) ? 0 : add(data, path);
}

/* Lists what was found now or earlier. Fails if the search failed and nothing was ever found. A
 * meter's directory is listed even then, because its names are fixed. */
static int list(struct lister *lister, const struct cemm_answer *answer)
{
    const struct path *directory = lister->directory;
    add_name(lister, ".", S_IFDIR);
    add_name(lister, "..", S_IFDIR);
    size_t before = lister->size;
    add_found(lister);
    if (answer->result != 0 && lister->size == before && directory->kind != PATH_METER &&
        !(tree_holds_periods(directory) && lister->meter.found))
        return -fs_errno(answer->result);
    return tree_list(directory, &lister->clock, &lister->meter, add_unless_absent, lister);
}

/* ---- OPENDIR, READDIR, RELEASEDIR --------------------------------------- */

static struct snapshot *listing_of(const struct fuse_file_info *info)
{
    return (struct snapshot *)(uintptr_t)info->fh; // NOLINT(performance-no-int-to-ptr)
}

static void on_entries(struct pending *pending, const struct cemm_answer *answer)
{
    const struct path *path = &pending->node->path;
    char *bytes = NULL;
    size_t size;
    struct lister lister = {.pending = pending,
                            .directory = path,
                            .clock = fs_clock(pending->fs),
                            .meter = meter_of(pending->fs, path),
                            .out = cemm_text_open(&bytes, &size)};
    int r = lister.out ? list(&lister, answer) : -ENOMEM;
    if (lister.out && fclose(lister.out) != 0)
        r = -ENOMEM;
    struct snapshot *listing = r == 0 ? snapshot_of_text(bytes, size, 0) : NULL;
    if (!listing) {
        if (r < 0)
            free(bytes);
        pending_reply_error(pending, r < 0 ? -r : ENOMEM);
        return;
    }
    struct fuse_file_info info = {.fh = (uintptr_t)listing};
    if (fuse_reply_open(pending->request, &info) != 0)
        snapshot_free(listing); /* there will be no RELEASEDIR */
    pending_free(pending);
}

static void on_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    struct fs *fs = fuse_req_userdata(request);
    struct pending *pending = pending_new(request, number);
    if (!pending)
        return;
    const struct path *path = &pending->node->path;
    if (path->kind == PATH_ROOT) {
        pending_find(pending, NULL, FS_MAX_AGE, on_entries);
    } else if (path->kind == PATH_DEVICE || path->kind == PATH_METER) {
        /* Only the accounts know whether a meter has totals; asking once is enough. */
        pending_find(pending, &path->query.uid, path->kind == PATH_METER ? INT64_MAX : FS_MAX_AGE,
                     on_entries);
    } else if (path->kind == PATH_CHANNELS) {
        pending_get(pending, &path->query, fs->options->realtime_ttl * 1000, on_entries);
    } else if (tree_holds_periods(path) && !meter_of(fs, path).known) {
        pending_find_first(pending, on_entries);
    } else {
        fs_record(fs, path, NULL);
        on_entries(pending, &(const struct cemm_answer){.result = 0});
    }
}

/* A reply may end anywhere: the kernel ignores an entry that is cut off at its end. */
static void on_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    fs_reply_bytes(request, listing_of(info), size, offset);
}

static void on_releasedir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    snapshot_free(listing_of(info));
    (void)fuse_reply_err(request, 0);
}

/* ---- extended attributes -------------------------------------------------- */

#define XATTRS 5

struct xattr {
    const char *name;
    const char *value;
};

/* Lists a node's attributes: where a file comes from, or what failed below a directory. Fetches
 * nothing. Returns their number. `fetched` is a buffer for one of the values. */
static size_t list_xattrs(const struct fs *fs, const struct node *node,
                          struct xattr ret_xattrs[XATTRS], char fetched[CEMM_TIME_SIZE])
{
    const struct snapshot *snapshot = node->snapshot;
    size_t count = 0;
    if (snapshot && snapshot->source[0]) {
        cemm_time_format(cemm_zone(fs->cemm), snapshot->fetched, fetched);
        ret_xattrs[count++] = (struct xattr){"user.cemm.source", snapshot->source};
        ret_xattrs[count++] = (struct xattr){"user.cemm.fetched", fetched};
    }
    if (snapshot && snapshot->units)
        ret_xattrs[count++] = (struct xattr){"user.cemm.unit", snapshot->units};
    if (tree_type(&node->path) == TREE_FILE && node->path.query.endpoint != CEMM_DEVICES)
        ret_xattrs[count++] =
            (struct xattr){"user.cemm.closed", file_closed(fs, node) ? "yes" : "no"};
    if (node->failure)
        ret_xattrs[count++] = (struct xattr){"user.cemm.error", node->failure};
    return count;
}

/* If `size` is 0, the kernel asks for the length. */
static void reply_xattr(fuse_req_t request, const char *bytes, size_t length, size_t size)
{
    if (size == 0)
        (void)fuse_reply_xattr(request, length);
    else if (size < length)
        (void)fuse_reply_err(request, ERANGE);
    else
        (void)fuse_reply_buf(request, bytes, length);
}

static void on_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size)
{
    const struct node *node = fs_node(request, number);
    struct xattr xattrs[XATTRS];
    char fetched[CEMM_TIME_SIZE];
    if (!node)
        return;
    size_t count = list_xattrs(fuse_req_userdata(request), node, xattrs, fetched);
    size_t i = 0;
    while (i < count && strcmp(xattrs[i].name, name) != 0)
        i++;
    if (i < count)
        reply_xattr(request, xattrs[i].value, strlen(xattrs[i].value), size);
    else
        (void)fuse_reply_err(request, ENODATA);
}

static void on_listxattr(fuse_req_t request, fuse_ino_t number, size_t size)
{
    const struct node *node = fs_node(request, number);
    struct xattr xattrs[XATTRS];
    char fetched[CEMM_TIME_SIZE];
    char list[XATTRS_MAX];
    char *end = list;
    if (!node)
        return;
    size_t count = list_xattrs(fuse_req_userdata(request), node, xattrs, fetched);
    for (size_t i = 0; i < count; i++)
        end = stpcpy(end, xattrs[i].name) + 1;
    reply_xattr(request, list, (size_t)(end - list), size);
}

/* ---- changes: the mount is read-only, and stays so if it is remounted ----- */

/* fs_ops has no create and no copy_file_range, so the kernel uses mknod and write instead. */
#define REFUSE(name, ...)                             \
    static void name(fuse_req_t request, __VA_ARGS__) \
    {                                                 \
        (void)fuse_reply_err(request, EROFS);         \
    }

REFUSE(on_setattr, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
REFUSE(on_mknod, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
REFUSE(on_mkdir, fuse_ino_t parent, const char *name, mode_t mode)
REFUSE(on_remove, fuse_ino_t ino, const char *name) /* a file, a directory or an attribute */
REFUSE(on_symlink, const char *link, fuse_ino_t parent, const char *name)
REFUSE(on_rename, fuse_ino_t parent, const char *name, fuse_ino_t newparent, const char *newname,
       unsigned flags)
REFUSE(on_link, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
REFUSE(on_write, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
REFUSE(on_fallocate, fuse_ino_t ino, int mode, off_t off, off_t length, struct fuse_file_info *fi)
REFUSE(on_setxattr, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)

const struct fuse_lowlevel_ops fs_ops = {
    .init = on_init,
    .lookup = on_lookup,
    .forget = on_forget,
    .getattr = on_getattr,
    .readlink = on_readlink,
    .open = on_open,
    .read = file_read,
    .getxattr = on_getxattr,
    .listxattr = on_listxattr,
    .opendir = on_opendir,
    .readdir = on_readdir,
    .releasedir = on_releasedir,
    .setattr = on_setattr,
    .mknod = on_mknod,
    .mkdir = on_mkdir,
    .unlink = on_remove,
    .rmdir = on_remove,
    .symlink = on_symlink,
    .rename = on_rename,
    .link = on_link,
    .write = on_write,
    .fallocate = on_fallocate,
    .setxattr = on_setxattr,
    .removexattr = on_remove,
};
