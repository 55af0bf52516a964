/*
 * The names in an open directory. They do not change until it is closed, so
 * that offsets stay valid.
 */
#ifndef FS_LISTING_H
#define FS_LISTING_H

#include "fs/fs.h"

struct listing_entry;

struct listing {
    struct listing_entry *entries;
    size_t count;
    size_t room;
};

void listing_free(struct listing *listing); /* NULL is allowed */

/* A tree_list() callback. Returns 0, -ENOMEM, or -E2BIG. */
int listing_add(void *listing, const char *name, enum tree_type type);

void listing_reply(fuse_req_t request, const struct listing *listing, size_t size, off_t offset);

#endif
