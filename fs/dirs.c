/*
 * What exists is what the sources say; what they have said once stays so,
 * however they fare later: a backup must not take a silent meter for one that
 * was removed. So an unknown directory whose source fails gives that error,
 * never "no such file", and never an empty listing.
 *
 * It is OPENDIR that waits, not READDIR: during that the kernel keeps the
 * directory locked, and every other name in it would wait, too, in a state that
 * no signal ends.
 */
#include "fs/dirs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/listing.h"
#include "fs/park.h"

/* ---- names that are data -------------------------------------------------- */

static int add_devices(struct fs *fs, struct listing *listing)
{
    const struct cemm_device *device;
    int r = 0;
    for (size_t i = 0; r == 0 && (device = cemm_device_at(fs->cemm, i)); i++)
        r = listing_add(listing, cemm_device_uid(device)->text, TREE_DIRECTORY);
    return r;
}

/* A meter may have been given a name that means something else here. */
static int add_meters(struct fs *fs, struct listing *listing, const struct place *parent)
{
    const struct cemm_device *device = cemm_device_named(fs->cemm, &parent->uid);
    struct tree_clock clock = fs_clock(fs);
    struct tree_meter meter = fs_meter(fs, parent);
    struct place place;
    const char *alias;
    int r = 0;
    for (size_t i = 0; device && r == 0 && (alias = cemm_device_alias(device, i)); i++) {
        if (tree_child(parent, alias, &clock, &meter, &place) && place.kind == PLACE_METER)
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

/* Those of the newest answer, however old that is. */
static int add_channels(struct fs *fs, struct listing *listing, const struct place *place)
{
    struct cemm_document *document = NULL;
    struct cemm_query query;
    int r = 0;
    if (tree_query(place, &query))
        document = cemm_peek(fs->cemm, &query, INT64_MAX);
    if (document)
        r = list_channels(listing, document);
    cemm_document_unref(document);
    return r;
}

/* ---- periods whose first is not known ------------------------------------- */

/* What is listed of them: those that the archive has. */
struct archive_lister {
    struct fs *fs;
    struct listing *listing;
    const struct place *parent;
    struct tree_clock clock;
    struct tree_meter meter;
    bool looking; /* for one is enough */
};

static int list_archived(const struct archive_lister *lister, const struct place *parent,
                         bool looking);

static int on_period(void *data, const char *name, enum tree_type type)
{
    const struct archive_lister *lister = data;
    struct cemm_query query;
    struct place place;
    bool there = false;
    if (type == TREE_LINK ||
        !tree_child(lister->parent, name, &lister->clock, &lister->meter, &place))
        return 0;
    if (type == TREE_DIRECTORY)
        there = list_archived(lister, &place, true) > 0;
    else if (tree_query(&place, &query))
        there = cemm_archived(lister->fs->cemm, &query);
    if (there && lister->looking)
        return 1;
    return there ? listing_add(lister->listing, name, type) : 0;
}

/* `looking`: returns 1 if there is any. */
static int list_archived(const struct archive_lister *lister, const struct place *parent,
                         bool looking)
{
    struct archive_lister below = *lister;
    below.parent = parent;
    below.looking = looking;
    return tree_list(parent, &below.clock, &below.meter, on_period, &below);
}

static int add_archived(struct fs *fs, struct listing *listing, const struct place *place)
{
    struct archive_lister lister = {
        .fs = fs, .listing = listing, .clock = fs_clock(fs), .meter = fs_meter(fs, place)};
    lister.meter.found = true;
    lister.meter.known = false;
    lister.meter.first = (struct cemm_period){CEMM_DAY, CEMM_YEAR_FIRST, 1, 1};
    return list_archived(&lister, place, false);
}

/* ---- OPENDIR ------------------------------------------------------------ */

/* The names that are data, but for periods. */
static int add_found(struct parked *parked)
{
    const struct place *place = &parked->node->place;
    switch (place->kind) {
    case PLACE_ROOT:
        return add_devices(parked->fs, parked->listing);
    case PLACE_DEVICE:
        return add_meters(parked->fs, parked->listing, place);
    case PLACE_CHANNELS:
        return add_channels(parked->fs, parked->listing, place);
    default:
        return 0;
    }
}

static void reply_listing(struct parked *parked)
{
    parked->info.fh = (uintptr_t)parked->listing;
    if (fuse_reply_open(parked->request, &parked->info) == 0)
        parked->listing = NULL; /* RELEASEDIR frees it */
    park_free(parked);
}

/* Whether nobody has what a file would be made of. What was read once stays. */
static bool is_denied(const struct fs *fs, const struct place *place, const struct node *node)
{
    const struct cemm_uid *uid = &place->uid;
    if (node && (node->absent != 0 || node->snapshot))
        return node->absent != 0;
    if (place->kind != PLACE_IO && place->kind != PLACE_INFO)
        return false;
    return !cemm_offers(fs->cemm, uid, place->alias, CEMM_IO) &&
           !(place->kind == PLACE_INFO && cemm_offers(fs->cemm, uid, place->alias, CEMM_INFO));
}

/* The names that the tree knows by itself; those of which the sources have said that they are not
 * there are left out. */
static int on_fixed(void *data, const char *name, enum tree_type type)
{
    struct parked *parked = data;
    const struct place *parent = &parked->node->place;
    struct tree_clock clock = fs_clock(parked->fs);
    struct tree_meter meter = {.totals = true};
    struct place place;
    if (!tree_holds_periods(parent) && tree_child(parent, name, &clock, &meter, &place) &&
        is_denied(parked->fs, &place, nodes_current(&parked->fs->nodes, &place)))
        return 0;
    return listing_add(parked->listing, name, type);
}

/* Whatever has been found is listed, now or earlier; a failure shows only where that is nothing. */
static void on_entries(struct parked *parked, const struct cemm_answer *answer)
{
    const struct place *place = &parked->node->place;
    struct tree_clock clock = fs_clock(parked->fs);
    struct tree_meter meter = fs_meter(parked->fs, place);
    struct listing *listing = parked->listing;
    bool periods = tree_holds_periods(place);
    size_t before = listing->count;
    int r = add_found(parked);
    if (r == 0 && periods && !meter.found)
        r = add_archived(parked->fs, listing, place);
    if (r == 0 && answer->result != 0 && listing->count == before && place->kind != PLACE_METER &&
        !(periods && meter.found))
        r = -fs_errno(answer->result);
    if (r == 0)
        r = tree_list(place, &clock, &meter, on_fixed, parked);
    if (r < 0)
        park_reply_error(parked, -r);
    else
        reply_listing(parked);
}

/* A listing of its own, with what every directory has. */
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

/* Asks for what a directory's names depend on. False: nothing needs to be asked. */
static bool ask(struct parked *parked)
{
    const struct place *place = &parked->node->place;
    struct tree_meter meter = fs_meter(parked->fs, place);
    struct cemm_query query;
    switch (place->kind) {
    case PLACE_ROOT:
        park_find(parked, NULL, FS_FIND_MAX_AGE, on_entries);
        return true;
    case PLACE_DEVICE:
        park_find(parked, &place->uid, FS_FIND_MAX_AGE, on_entries);
        return true;
    case PLACE_METER:
        /* Whether it has totals is for the accounts to say; once is enough. */
        park_find(parked, &place->uid, INT64_MAX, on_entries);
        return true;
    case PLACE_CHANNELS:
        if (!tree_query(place, &query))
            return false;
        park_get(parked, &query, parked->fs->realtime_ttl, on_entries);
        return true;
    default:
        if (!tree_holds_periods(place) || meter.known)
            return false;
        park_find_first(parked, on_entries);
        return true;
    }
}

void dir_open(struct fs *fs, fuse_req_t request, struct node *node,
              const struct fuse_file_info *info)
{
    struct parked *parked = park(fs, request, node);
    if (!parked)
        return;
    parked->info = *info;
    parked->listing = listing_new();
    if (!parked->listing) {
        park_reply_error(parked, ENOMEM);
    } else if (!ask(parked)) {
        fs_succeeded(fs, &node->place);
        on_entries(parked, &(const struct cemm_answer){.result = 0});
    }
}

/* ---- LOOKUP and GETATTR ------------------------------------------------- */

static bool is_known(const struct fs *fs, const struct place *place)
{
    const struct cemm_device *device = cemm_device_named(fs->cemm, &place->uid);
    const char *alias;
    switch (place->kind) {
    case PLACE_DEVICE:
        return device != NULL;
    case PLACE_METER:
        for (size_t i = 0; device && (alias = cemm_device_alias(device, i)); i++) {
            if (strcmp(alias, place->alias) == 0)
                return true;
        }
        return false;
    default:
        return true; /* as soon as the directory above is */
    }
}

/* What once was there stays: the node is kept when the kernel forgets it. */
static void set_exists(struct node *node)
{
    if (node->exists)
        return;
    node->exists = true;
    if (node->place.kind == PLACE_DEVICE || node->place.kind == PLACE_METER)
        node_keep(node, true);
}

int dir_lookup(struct fs *fs, const struct place *place, struct node **ret_node)
{
    struct node *node = nodes_current(&fs->nodes, place);
    if (!node)
        node = node_new(&fs->nodes, place);
    if (!node)
        return -ENOMEM;
    if (is_known(fs, place))
        set_exists(node);
    *ret_node = node;
    return 0;
}

/* A meter that no search has found is there if it can be read. */
static void on_looked_for(struct parked *parked, const struct cemm_answer *answer)
{
    const struct place *place = &parked->node->place;
    bool found = is_known(parked->fs, place) || (place->kind == PLACE_METER && answer->result == 0);
    if (found) {
        set_exists(parked->node);
        park_reply_attributes(parked);
        return;
    }
    park_reply_error(parked, answer->result != 0 ? fs_errno(answer->result) : ENOENT);
}

void dir_getattr(struct fs *fs, fuse_req_t request, struct node *node)
{
    struct cemm_query query;
    if (is_known(fs, &node->place))
        set_exists(node);
    if (node->exists) {
        fs_reply_attributes(fs, request, node);
        return;
    }
    struct parked *parked = park(fs, request, node);
    if (!parked)
        return;
    if (node->place.kind == PLACE_DEVICE)
        park_locate(parked, on_looked_for);
    else if (tree_query(&node->place, &query))
        park_get(parked, &query, fs->realtime_ttl, on_looked_for);
    else
        park_reply_error(parked, EIO);
}
