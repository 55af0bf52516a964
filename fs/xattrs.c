#include "fs/xattrs.h"

#include <errno.h>
#include <string.h>

#define LIST_MAX 256 /* bytes: all names together */

static const char *const names[] = {
    FS_XATTR_SOURCE, FS_XATTR_FETCHED, FS_XATTR_UNIT, FS_XATTR_CLOSED, FS_XATTR_ERROR,
};

#define COUNT (sizeof(names) / sizeof(names[0]))

/* NULL: not a file that is fetched. */
static const char *closed(const struct fs *fs, const struct node *node)
{
    struct cemm_query query;
    if (tree_type(&node->path) != TREE_FILE || !tree_query(&node->path, &query))
        return NULL;
    if (node->snapshot)
        return node->snapshot->closed ? "yes" : "no";
    return fs_clock(fs).now < tree_closed_at(&node->path, cemm_zone(fs->cemm)) ? "no" : "yes";
}

/* NULL: no such attribute. `room` holds a value that is made here. */
static const char *value_of(const struct fs *fs, const struct node *node, const char *name,
                            char room[CEMM_TIME_SIZE])
{
    const struct snapshot *snapshot = node->snapshot;
    if (strcmp(name, FS_XATTR_ERROR) == 0)
        return node->words;
    if (strcmp(name, FS_XATTR_CLOSED) == 0)
        return closed(fs, node);
    if (!snapshot)
        return NULL;
    if (strcmp(name, FS_XATTR_SOURCE) == 0)
        return snapshot->source;
    if (strcmp(name, FS_XATTR_UNIT) == 0)
        return snapshot->units;
    if (strcmp(name, FS_XATTR_FETCHED) != 0 || !snapshot->source)
        return NULL;
    cemm_time_format(cemm_zone(fs->cemm), snapshot->fetched, room);
    return room;
}

/* With size 0 the kernel asks for the length. */
static void reply(fuse_req_t request, const char *bytes, size_t length, size_t size)
{
    if (size == 0)
        (void)fuse_reply_xattr(request, length);
    else if (size < length)
        (void)fuse_reply_err(request, ERANGE);
    else
        (void)fuse_reply_buf(request, bytes, length);
}

void xattr_get(fuse_req_t request, fuse_ino_t number, const char *name, size_t size)
{
    const struct node *node = fs_node(request, number);
    char room[CEMM_TIME_SIZE];
    if (!node)
        return;
    const char *value = value_of(fs_of(request), node, name, room);
    if (value)
        reply(request, value, strlen(value), size);
    else
        (void)fuse_reply_err(request, ENODATA);
}

void xattr_list(fuse_req_t request, fuse_ino_t number, size_t size)
{
    const struct node *node = fs_node(request, number);
    char list[LIST_MAX];
    char room[CEMM_TIME_SIZE];
    size_t used = 0;
    for (size_t i = 0; node && i < COUNT; i++) {
        size_t length = strlen(names[i]) + 1;
        if (length > sizeof(list) - used || !value_of(fs_of(request), node, names[i], room))
            continue;
        memcpy(list + used, names[i], length);
        used += length;
    }
    if (node)
        reply(request, list, used, size);
}
