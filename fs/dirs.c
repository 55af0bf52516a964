/*
 * What exists is what the sources say; what they have said once stays so,
 * however they fare later: a backup must not take a silent meter for one that
 * was removed. So an unknown directory whose source fails gives that error,
 * never "no such file", and never an empty listing.
 *
 * A listing is made when a directory is opened, and belongs to the reader who
 * has opened it: offsets stay good although devices come. It is OPENDIR that
 * waits, not READDIR: during that the kernel keeps the directory locked, and
 * every other name in it would wait, too, in a state that no signal ends.
 */
#include "fs/dirs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/park.h"

#define LISTING_MAX 65536 /* names */
#define REPLY_MAX   65536 /* bytes of one answer to READDIR */
#define UNKNOWN_INO 0xffffffffu

/* ---- listings ----------------------------------------------------------- */

struct entry {
    char name[TREE_NAME_SIZE];
    enum tree_type type;
};

struct listing {
    struct entry *entries;
    size_t count;
    size_t room;
};

void listing_free(struct listing *listing)
{
    if (!listing)
        return;
    free(listing->entries);
    free(listing);
}

static int listing_add(void *data, const char *name, enum tree_type type)
{
    struct listing *listing = data;
    size_t length = strlen(name);
    struct entry *entry;

    if (length >= TREE_NAME_SIZE || listing->count >= LISTING_MAX)
        return -E2BIG;
    if (listing->count == listing->room) {
        size_t room = listing->room ? listing->room * 2 : 64;
        struct entry *entries = reallocarray(listing->entries, room, sizeof(*entries));

        if (!entries)
            return -ENOMEM;
        listing->entries = entries;
        listing->room = room;
    }
    entry = &listing->entries[listing->count++];
    memcpy(entry->name, name, length + 1);
    entry->type = type;
    return 0;
}

/* What every directory has, and what the tree knows by itself. */
static int listing_begin(const struct fs *fs, struct listing *listing, const struct place *place)
{
    struct tree_clock clock = fs_clock(fs);
    int result;

    listing->count = 0;
    result = listing_add(listing, ".", TREE_DIRECTORY);
    if (result == 0)
        result = listing_add(listing, "..", TREE_DIRECTORY);
    if (result == 0)
        result = tree_list(place, &clock, listing_add, listing);
    return result;
}

static mode_t mode_of(enum tree_type type)
{
    switch (type) {
    case TREE_DIRECTORY:
        return S_IFDIR;
    case TREE_LINK:
        return S_IFLNK;
    default:
        return S_IFREG;
    }
}

void listing_reply(fuse_req_t request, const struct listing *listing, size_t size, off_t offset)
{
    size_t room = size < REPLY_MAX ? size : REPLY_MAX;
    size_t used = 0;
    char *reply = malloc(room ? room : 1);

    if (!reply) {
        (void)fuse_reply_err(request, ENOMEM);
        return;
    }
    for (size_t i = (size_t)offset; i < listing->count; i++) {
        struct stat about = {.st_ino = UNKNOWN_INO, .st_mode = mode_of(listing->entries[i].type)};
        size_t length = fuse_add_direntry(request, reply + used, room - used,
                                          listing->entries[i].name, &about, (off_t)i + 1);

        if (length > room - used)
            break;
        used += length;
    }
    (void)fuse_reply_buf(request, reply, used);
    free(reply);
}

/* ---- OPENDIR ------------------------------------------------------------ */

static int add_devices(struct fs *fs, struct listing *listing)
{
    const struct cemm_device *device;
    int result = 0;

    for (size_t i = 0; result == 0 && (device = cemm_device_at(fs->cemm, i)); i++)
        result = listing_add(listing, cemm_device_uid(device)->text, TREE_DIRECTORY);
    return result;
}

static int add_meters(struct fs *fs, struct listing *listing, const struct cemm_uid *uid)
{
    const struct cemm_device *device = cemm_device_named(fs->cemm, uid);
    const char *alias;
    int result = 0;

    for (size_t i = 0; device && result == 0 && (alias = cemm_device_alias(device, i)); i++)
        result = listing_add(listing, alias, TREE_DIRECTORY);
    return result;
}

static int add_channels(struct listing *listing, const struct cemm_document *document)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        if (cemm_name_valid(series[i].channel))
            result = listing_add(listing, series[i].channel, TREE_FILE);
    }
    return result;
}

static int add_found(struct parked *parked, const struct cemm_answer *answer)
{
    const struct place *place = &parked->node->place;

    switch (place->kind) {
    case PLACE_ROOT:
        return add_devices(parked->fs, parked->listing);
    case PLACE_DEVICE:
        return add_meters(parked->fs, parked->listing, &place->uid);
    default:
        return answer->document ? add_channels(parked->listing, answer->document) : 0;
    }
}

static void reply_listing(struct parked *parked)
{
    parked->info.fh = (uintptr_t)parked->listing;
    if (fuse_reply_open(parked->request, &parked->info) == 0)
        parked->listing = NULL; /* RELEASEDIR frees it */
    park_free(parked);
}

/* Whatever has been found is listed, now or earlier; a failure shows only where that is nothing. */
static void on_entries(struct parked *parked, const struct cemm_answer *answer)
{
    struct listing *listing = parked->listing;
    size_t before = listing->count;
    int result = add_found(parked, answer);

    if (result == 0 && answer->result != 0 && listing->count == before)
        result = -fs_errno(answer->result);
    if (result < 0)
        park_reply_error(parked, -result);
    else
        reply_listing(parked);
}

static void open_static(const struct parked *draft)
{
    struct fuse_file_info info = draft->info;

    info.fh = (uintptr_t)draft->listing;
    if (fuse_reply_open(draft->request, &info) != 0)
        listing_free(draft->listing); /* the reader is gone: there will be no RELEASEDIR */
}

void dir_open(struct fs *fs, fuse_req_t request, struct node *node,
              const struct fuse_file_info *info)
{
    struct parked draft = {.fs = fs, .request = request, .node = node, .resume = on_entries};
    struct cemm_query query;
    int result = -ENOMEM;

    draft.info = *info;
    draft.listing = calloc(1, sizeof(*draft.listing));
    if (draft.listing)
        result = listing_begin(fs, draft.listing, &node->place);
    if (result < 0) {
        listing_free(draft.listing);
        (void)fuse_reply_err(request, -result);
    } else if (node->place.kind == PLACE_ROOT) {
        park_find(&draft, NULL);
    } else if (node->place.kind == PLACE_DEVICE) {
        park_find(&draft, &node->place.uid);
    } else if (node->place.kind == PLACE_CHANNELS && tree_query(&node->place, &query)) {
        park_get(&draft, &query, fs->realtime_ttl);
    } else {
        open_static(&draft);
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
        node->pins++;
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

/* The devices have been looked for. */
static void on_devices(struct parked *parked, const struct cemm_answer *answer)
{
    if (is_known(parked->fs, &parked->node->place)) {
        set_exists(parked->node);
        park_reply_attributes(parked);
        return;
    }
    park_reply_error(parked, answer->result != 0 ? fs_errno(answer->result) : ENOENT);
}

/* A meter that was not found by a search, but may be there: it is if it can be read. */
static void on_realtime(struct parked *parked, const struct cemm_answer *answer)
{
    if (answer->result == 0 || is_known(parked->fs, &parked->node->place)) {
        set_exists(parked->node);
        park_reply_attributes(parked);
        return;
    }
    park_reply_error(parked, fs_errno(answer->result));
}

void dir_getattr(struct fs *fs, fuse_req_t request, struct node *node)
{
    struct parked draft = {.fs = fs, .request = request, .node = node};
    struct cemm_query query;

    if (is_known(fs, &node->place))
        set_exists(node);
    if (node->exists) {
        fs_reply_attributes(fs, request, node);
    } else if (node->place.kind == PLACE_DEVICE) {
        draft.resume = on_devices;
        park_locate(&draft, &node->place.uid);
    } else if (tree_query(&node->place, &query)) {
        draft.resume = on_realtime;
        park_get(&draft, &query, fs->realtime_ttl);
    } else {
        (void)fuse_reply_err(request, EIO);
    }
}
