/*
 * A table of names; an attribute is there if its function finds a value.
 */
#include "fs/xattrs.h"

#include <errno.h>
#include <string.h>

#define LIST_MAX 256 /* bytes: all names together */

/* Room for the values that are made here; the others are pointed to. */
typedef const char *xattr_fn(const struct fs *fs, const struct node *node,
                             char room[CEMM_TIME_SIZE]);

static const char *source(const struct fs *fs, const struct node *node, char room[CEMM_TIME_SIZE])
{
    (void)fs;
    (void)room;
    return node->snapshot ? node->snapshot->source : NULL;
}

static const char *fetched(const struct fs *fs, const struct node *node, char room[CEMM_TIME_SIZE])
{
    if (!node->snapshot || !node->snapshot->source)
        return NULL;
    cemm_time_format(cemm_zone(fs->cemm), node->snapshot->fetched, room);
    return room;
}

static const char *unit(const struct fs *fs, const struct node *node, char room[CEMM_TIME_SIZE])
{
    (void)fs;
    (void)room;
    return node->snapshot ? node->snapshot->units : NULL;
}

/* Of files that are made of an answer. */
static const char *is_closed(const struct fs *fs, const struct node *node,
                             char room[CEMM_TIME_SIZE])
{
    struct cemm_query query;
    (void)room;
    if (tree_type(&node->place) != TREE_FILE || !tree_query(&node->place, &query))
        return NULL;
    return fs_clock(fs).now < tree_closed_at(&node->place, cemm_zone(fs->cemm)) ? "no" : "yes";
}

static const char *error(const struct fs *fs, const struct node *node, char room[CEMM_TIME_SIZE])
{
    (void)fs;
    (void)room;
    return node->words;
}

static const struct {
    const char *name;
    xattr_fn *value;
} xattrs[] = {
    {FS_XATTR_SOURCE, source},    {FS_XATTR_FETCHED, fetched}, {FS_XATTR_UNIT, unit},
    {FS_XATTR_CLOSED, is_closed}, {FS_XATTR_ERROR, error},
};

#define COUNT (sizeof(xattrs) / sizeof(xattrs[0]))

/* The kernel asks for the size first, with no room at all. */
static void reply(fuse_req_t request, const char *bytes, size_t length, size_t size)
{
    if (size == 0)
        (void)fuse_reply_xattr(request, length);
    else if (size < length)
        (void)fuse_reply_err(request, ERANGE);
    else
        (void)fuse_reply_buf(request, bytes, length);
}

void xattr_get(struct fs *fs, fuse_req_t request, const struct node *node, const char *name,
               size_t size)
{
    char room[CEMM_TIME_SIZE];
    for (size_t i = 0; i < COUNT; i++) {
        const char *value =
            strcmp(xattrs[i].name, name) == 0 ? xattrs[i].value(fs, node, room) : NULL;

        if (value) {
            reply(request, value, strlen(value), size);
            return;
        }
    }
    (void)fuse_reply_err(request, ENODATA);
}

void xattr_list(struct fs *fs, fuse_req_t request, const struct node *node, size_t size)
{
    char names[LIST_MAX];
    char room[CEMM_TIME_SIZE];
    size_t used = 0;
    for (size_t i = 0; i < COUNT; i++) {
        size_t length = strlen(xattrs[i].name) + 1;
        if (length > sizeof(names) - used || !xattrs[i].value(fs, node, room))
            continue;
        memcpy(names + used, xattrs[i].name, length);
        used += length;
    }
    reply(request, names, used, size);
}
