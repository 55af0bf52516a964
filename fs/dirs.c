/*
 * A device or meter exists if a source says so, and then stays, whatever the
 * sources say later: a backup must not mistake a meter that is silent for one that
 * was removed. So an unknown directory whose source fails gives that error,
 * never ENOENT and never an empty listing.
 *
 * OPENDIR waits, not READDIR: during READDIR the kernel keeps the directory
 * locked, and lookups of all other names in it would wait and could not be
 * interrupted.
 */
#include "fs/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_MAX   128 /* bytes of an entry with the longest name */
#define UNKNOWN_INO 0xffffffffu

/* ---- the names ---------------------------------------------------------- */

/* A directory that is being listed. */
struct lister {
    struct fs *fs;
    fuse_req_t request;
    const struct path *directory;
    struct tree_clock clock;
    struct tree_meter meter;
    FILE *out; /* remembers a lack of memory */
    size_t size;
};

static void add_name(struct lister *lister, const char *name, mode_t type)
{
    const struct stat about = {.st_ino = UNKNOWN_INO, .st_mode = type};
    char entry[ENTRY_MAX];
    size_t length = fuse_add_direntry(lister->request, NULL, 0, name, NULL, 0);
    lister->size += length;
    (void)fuse_add_direntry(lister->request, entry, sizeof(entry), name, &about,
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
    for (size_t i = 0; (device = cemm_device_at(lister->fs->cemm, i)); i++)
        add_name(lister, cemm_device_uid(device)->text, S_IFDIR);
}

/* An alias may be the name of something else here. */
static void add_meters(struct lister *lister)
{
    const struct path *parent = lister->directory;
    const struct cemm_device *device = cemm_device_named(lister->fs->cemm, &parent->query.uid);
    struct path path;
    const char *alias;
    for (size_t i = 0; device && (alias = cemm_device_alias(device, i)); i++) {
        if (tree_child(parent, alias, &lister->clock, &lister->meter, &path) &&
            path.kind == PATH_METER)
            add(lister, &path);
    }
}

/* The channels of the newest answer, however old it is. */
static void add_channels(struct lister *lister)
{
    struct cemm_document *document =
        cemm_peek(lister->fs->cemm, &lister->directory->query, INT64_MAX);
    size_t count = 0;
    const struct cemm_series *series = document ? cemm_document_series(document, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        add_name(lister, series[i].channel, S_IFREG);
    cemm_document_unref(document);
}

/* A meter whose data may begin at any time. */
static const struct tree_meter since_the_beginning = {.found = true,
                                                      .first = {CEMM_DAY, CEMM_YEAR_FIRST, 1, 1}};

/* Whether the archive has a period, or any that lies in the directory. */
static int is_archived(void *data, const struct path *path)
{
    const struct lister *lister = data;
    if (tree_type(path) == TREE_FILE)
        return cemm_archived(lister->fs->cemm, &path->query);
    return tree_type(path) == TREE_DIRECTORY &&
           tree_list(path, &lister->clock, &since_the_beginning, is_archived, data) != 0;
}

static int on_archived(void *data, const struct path *path)
{
    return is_archived(data, path) ? add(data, path) : 0;
}

/* Adds the names that the tree does not have by itself. */
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
        /* Until the first period is known, only the archived ones are listed. */
        (void)tree_list(directory, &lister->clock, &since_the_beginning, on_archived, lister);
}

/* Whether the sources have reported that there is no such file. A file that was read once stays. */
static bool is_absent(const struct fs *fs, const struct path *path)
{
    const struct node *node = nodes_current(&fs->nodes, path->text);
    if (node && (node->absent != 0 || node->snapshot))
        return node->absent != 0;
    if (path->kind != PATH_IO && path->kind != PATH_METER_INFO)
        return false;
    return !cemm_offers(fs->cemm, &path->query.uid, path->query.alias, CEMM_IO) &&
           !cemm_offers(fs->cemm, &path->query.uid, path->query.alias, path->query.endpoint);
}

static int on_known(void *data, const struct path *path)
{
    const struct lister *lister = data;
    return path->kind != PATH_PERIOD && is_absent(lister->fs, path) ? 0 : add(data, path);
}

/* Lists what was found now or earlier. A failure is returned only if nothing was found. */
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
    return tree_list(directory, &lister->clock, &lister->meter, on_known, lister);
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
    struct lister lister = {.fs = pending->fs,
                            .request = pending->request,
                            .directory = path,
                            .clock = fs_clock(pending->fs),
                            .meter = fs_meter(pending->fs, path),
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

void dir_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    struct fs *fs = fuse_req_userdata(request);
    struct pending *pending = pending_new(request, number);
    (void)info;
    if (!pending)
        return;
    const struct path *path = &pending->node->path;
    const struct cemm_uid *uid = &path->query.uid;
    if (path->kind == PATH_ROOT) {
        pending_find(pending, NULL, FS_MAX_AGE, on_entries);
    } else if (path->kind == PATH_DEVICE) {
        pending_find(pending, uid, FS_MAX_AGE, on_entries);
    } else if (path->kind == PATH_METER) {
        /* Only the accounts know whether it has totals; once is enough. */
        pending_find(pending, uid, INT64_MAX, on_entries);
    } else if (path->kind == PATH_CHANNELS) {
        pending_get(pending, &path->query, fs->options->realtime_ttl * 1000, on_entries);
    } else if (tree_holds_periods(path) && !fs_meter(fs, path).known) {
        pending_find_first(pending, on_entries);
    } else {
        fs_record(fs, path, NULL);
        on_entries(pending, &(const struct cemm_answer){.result = 0});
    }
}

/* The kernel ignores an entry that is cut off at the end of a slice. */
void dir_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
              struct fuse_file_info *info)
{
    (void)number;
    fs_reply_bytes(request, listing_of(info), size, offset);
}

void dir_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    (void)number;
    snapshot_free(listing_of(info));
    (void)fuse_reply_err(request, 0);
}

/* ---- LOOKUP and GETATTR ------------------------------------------------- */

static bool is_known(const struct fs *fs, const struct path *path)
{
    const struct cemm_device *device = cemm_device_named(fs->cemm, &path->query.uid);
    if (path->kind == PATH_METER)
        return cemm_device_has(device, path->query.alias);
    return device || path->kind != PATH_DEVICE; /* any other is known if its parent is */
}

int dir_lookup(struct fs *fs, const struct path *path, struct node **ret_node)
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

/* A meter that was not found by a search exists if it can be read. */
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

void dir_getattr(struct pending *pending)
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
