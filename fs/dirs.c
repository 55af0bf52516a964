/*
 * A device or meter exists if a source says so, and then stays, whatever the
 * sources say later: a backup must not take a silent meter for one that was
 * removed. So an unknown directory whose source fails gives that error, never
 * ENOENT and never an empty listing.
 *
 * OPENDIR waits, not READDIR: during READDIR the kernel keeps the directory
 * locked, and lookups of all other names in it would wait, uninterruptible.
 */
#include "fs/dirs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/listing.h"
#include "fs/pending.h"

/* ---- names that are data -------------------------------------------------- */

static int add_devices(struct fs *fs, struct listing *listing)
{
    const struct cemm_device *device;
    int r = 0;
    for (size_t i = 0; r == 0 && (device = cemm_device_at(fs->cemm, i)); i++)
        r = listing_add(listing, cemm_device_uid(device)->text, TREE_DIRECTORY);
    return r;
}

/* An alias may be the name of something else here. */
static int add_meters(struct fs *fs, struct listing *listing, const struct path *parent)
{
    const struct cemm_device *device = cemm_device_named(fs->cemm, &parent->uid);
    struct tree_clock clock = fs_clock(fs);
    struct tree_meter meter = fs_meter(fs, parent);
    struct path path;
    const char *alias;
    int r = 0;
    for (size_t i = 0; device && r == 0 && (alias = cemm_device_alias(device, i)); i++) {
        if (tree_child(parent, alias, &clock, &meter, &path) && path.kind == PATH_METER)
            r = listing_add(listing, alias, TREE_DIRECTORY);
    }
    return r;
}

static int list_channels(struct listing *listing, const struct cemm_document *document)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        if (cemm_name_valid(series[i].channel))
            r = listing_add(listing, series[i].channel, TREE_FILE);
    }
    return r;
}

/* The channels of the newest answer, however old it is. */
static int add_channels(struct fs *fs, struct listing *listing, const struct path *path)
{
    struct cemm_document *document = NULL;
    struct cemm_query query;
    int r = 0;
    if (tree_query(path, &query))
        document = cemm_peek(fs->cemm, &query, INT64_MAX);
    if (document)
        r = list_channels(listing, document);
    cemm_document_unref(document);
    return r;
}

/* ---- periods whose first is not known ------------------------------------- */

/* Then the periods are listed that the archive has. */
struct archive_lister {
    struct fs *fs;
    struct listing *listing;
    const struct path *parent;
    struct tree_clock clock;
    struct tree_meter meter;
    bool looking; /* ends at the first */
};

static int list_archived(const struct archive_lister *lister, const struct path *parent,
                         bool looking);

static int on_period(void *data, const char *name, enum tree_type type)
{
    const struct archive_lister *lister = data;
    struct cemm_query query;
    struct path path;
    bool there = false;
    if (type == TREE_LINK ||
        !tree_child(lister->parent, name, &lister->clock, &lister->meter, &path))
        return 0;
    if (type == TREE_DIRECTORY)
        there = list_archived(lister, &path, true) > 0;
    else if (tree_query(&path, &query))
        there = cemm_archived(lister->fs->cemm, &query);
    if (there && lister->looking)
        return 1;
    return there ? listing_add(lister->listing, name, type) : 0;
}

/* `looking`: returns 1 if there is any. */
static int list_archived(const struct archive_lister *lister, const struct path *parent,
                         bool looking)
{
    struct archive_lister below = *lister;
    below.parent = parent;
    below.looking = looking;
    return tree_list(parent, &below.clock, &below.meter, on_period, &below);
}

static int add_archived(struct fs *fs, struct listing *listing, const struct path *path)
{
    struct archive_lister lister = {
        .fs = fs, .listing = listing, .clock = fs_clock(fs), .meter = fs_meter(fs, path)};
    lister.meter.found = true;
    lister.meter.known = false;
    lister.meter.first = (struct cemm_period){CEMM_DAY, CEMM_YEAR_FIRST, 1, 1};
    return list_archived(&lister, path, false);
}

/* ---- OPENDIR ------------------------------------------------------------ */

static int add_found(struct pending *pending)
{
    const struct path *path = &pending->node->path;
    switch (path->kind) {
    case PATH_ROOT:
        return add_devices(pending->fs, pending->listing);
    case PATH_DEVICE:
        return add_meters(pending->fs, pending->listing, path);
    case PATH_CHANNELS:
        return add_channels(pending->fs, pending->listing, path);
    default:
        return 0;
    }
}

static void reply_listing(struct pending *pending)
{
    pending->info.fh = (uintptr_t)pending->listing;
    if (fuse_reply_open(pending->request, &pending->info) == 0)
        pending->listing = NULL; /* RELEASEDIR frees it */
    pending_free(pending);
}

/* Whether the sources have said that there is no such file. What was read once stays. */
static bool is_denied(const struct fs *fs, const struct path *path, const struct node *node)
{
    const struct cemm_uid *uid = &path->uid;
    if (node && (node->absent != 0 || node->snapshot))
        return node->absent != 0;
    if (path->kind != PATH_IO && path->kind != PATH_INFO)
        return false;
    return !cemm_offers(fs->cemm, uid, path->alias, CEMM_IO) &&
           !(path->kind == PATH_INFO && cemm_offers(fs->cemm, uid, path->alias, CEMM_INFO));
}

/* Lists the fixed names, except those that the sources do not have. */
static int on_fixed(void *data, const char *name, enum tree_type type)
{
    struct pending *pending = data;
    const struct path *parent = &pending->node->path;
    struct tree_clock clock = fs_clock(pending->fs);
    struct tree_meter meter = {.totals = true};
    struct path path;
    if (!tree_holds_periods(parent) && tree_child(parent, name, &clock, &meter, &path) &&
        is_denied(pending->fs, &path, nodes_current(&pending->fs->nodes, &path)))
        return 0;
    return listing_add(pending->listing, name, type);
}

/* What has been found now or earlier is listed; a failure shows only if that is nothing. */
static void on_entries(struct pending *pending, const struct cemm_answer *answer)
{
    const struct path *path = &pending->node->path;
    struct tree_clock clock = fs_clock(pending->fs);
    struct tree_meter meter = fs_meter(pending->fs, path);
    struct listing *listing = pending->listing;
    bool periods = tree_holds_periods(path);
    size_t before = listing->count;
    int r = add_found(pending);
    if (r == 0 && periods && !meter.found)
        r = add_archived(pending->fs, listing, path);
    if (r == 0 && answer->result != 0 && listing->count == before && path->kind != PATH_METER &&
        !(periods && meter.found))
        r = -fs_errno(answer->result);
    if (r == 0)
        r = tree_list(path, &clock, &meter, on_fixed, pending);
    if (r < 0)
        pending_reply_error(pending, -r);
    else
        reply_listing(pending);
}

static struct listing *listing_new(void)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    if (!listing || listing_add(listing, ".", TREE_DIRECTORY) < 0 ||
        listing_add(listing, "..", TREE_DIRECTORY) < 0) {
        listing_free(listing);
        return NULL;
    }
    return listing;
}

/* Starts the wait for the names. False: nothing has to be asked. */
static bool ask(struct pending *pending)
{
    const struct path *path = &pending->node->path;
    struct tree_meter meter = fs_meter(pending->fs, path);
    struct cemm_query query;
    switch (path->kind) {
    case PATH_ROOT:
        pending_find(pending, NULL, FS_FIND_MAX_AGE, on_entries);
        return true;
    case PATH_DEVICE:
        pending_find(pending, &path->uid, FS_FIND_MAX_AGE, on_entries);
        return true;
    case PATH_METER:
        /* Only the accounts know whether it has totals; once is enough. */
        pending_find(pending, &path->uid, INT64_MAX, on_entries);
        return true;
    case PATH_CHANNELS:
        if (!tree_query(path, &query))
            return false;
        pending_get(pending, &query, pending->fs->realtime_ttl, on_entries);
        return true;
    default:
        if (!tree_holds_periods(path) || meter.known)
            return false;
        pending_find_first(pending, on_entries);
        return true;
    }
}

void dir_open(struct fs *fs, fuse_req_t request, struct node *node,
              const struct fuse_file_info *info)
{
    struct pending *pending = pending_new(fs, request, node);
    if (!pending)
        return;
    pending->info = *info;
    pending->listing = listing_new();
    if (!pending->listing) {
        pending_reply_error(pending, ENOMEM);
    } else if (!ask(pending)) {
        fs_succeeded(fs, &node->path);
        on_entries(pending, &(const struct cemm_answer){.result = 0});
    }
}

/* ---- LOOKUP and GETATTR ------------------------------------------------- */

static bool is_known(const struct fs *fs, const struct path *path)
{
    const struct cemm_device *device = cemm_device_named(fs->cemm, &path->uid);
    const char *alias;
    switch (path->kind) {
    case PATH_DEVICE:
        return device != NULL;
    case PATH_METER:
        for (size_t i = 0; device && (alias = cemm_device_alias(device, i)); i++) {
            if (strcmp(alias, path->alias) == 0)
                return true;
        }
        return false;
    default:
        return true; /* if the directory above is */
    }
}

/* Devices and meters stay when the kernel forgets them. */
static void set_exists(struct node *node)
{
    if (node->exists)
        return;
    node->exists = true;
    if (node->path.kind == PATH_DEVICE || node->path.kind == PATH_METER)
        node_keep(node, true);
}

int dir_lookup(struct fs *fs, const struct path *path, struct node **ret_node)
{
    struct node *node = nodes_current(&fs->nodes, path);
    if (!node)
        node = node_new(&fs->nodes, path);
    if (!node)
        return -ENOMEM;
    if (is_known(fs, path))
        set_exists(node);
    *ret_node = node;
    return 0;
}

/* A meter that was not found by a search exists if it can be read. */
static void on_looked_for(struct pending *pending, const struct cemm_answer *answer)
{
    const struct path *path = &pending->node->path;
    bool found = is_known(pending->fs, path) || (path->kind == PATH_METER && answer->result == 0);
    if (found) {
        set_exists(pending->node);
        pending_reply_attributes(pending);
        return;
    }
    pending_reply_error(pending, answer->result != 0 ? fs_errno(answer->result) : ENOENT);
}

void dir_getattr(struct fs *fs, fuse_req_t request, struct node *node)
{
    struct cemm_query query;
    if (is_known(fs, &node->path))
        set_exists(node);
    if (node->exists) {
        fs_reply_attributes(fs, request, node);
        return;
    }
    struct pending *pending = pending_new(fs, request, node);
    if (!pending)
        return;
    if (node->path.kind == PATH_DEVICE)
        pending_locate(pending, on_looked_for);
    else if (tree_query(&node->path, &query))
        pending_get(pending, &query, fs->realtime_ttl, on_looked_for);
    else
        pending_reply_error(pending, EIO);
}
