#include "fs/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LISTING_MAX 65536 /* names */
#define REPLY_MAX   65536 /* bytes of one answer to READDIR */
#define UNKNOWN_INO 0xffffffffu

struct listing_entry {
    char name[TREE_NAME_SIZE];
    enum tree_type type;
};

void listing_free(struct listing *listing)
{
    if (!listing)
        return;
    free(listing->entries);
    free(listing);
}

int listing_add(void *data, const char *name, enum tree_type type)
{
    struct listing *listing = data;
    size_t length = strlen(name);
    if (length >= TREE_NAME_SIZE || listing->count >= LISTING_MAX)
        return -E2BIG;
    if (listing->count == listing->room) {
        size_t room = listing->room ? listing->room * 2 : 64;
        struct listing_entry *entries = reallocarray(listing->entries, room, sizeof(*entries));
        if (!entries)
            return -ENOMEM;
        listing->entries = entries;
        listing->room = room;
    }
    struct listing_entry *entry = &listing->entries[listing->count++];
    memcpy(entry->name, name, length + 1);
    entry->type = type;
    return 0;
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
