/*
 * OPEN is answered with ENOSYS: then the kernel does not send it again, and
 * opening a known file costs no request. Directories are opened, because
 * otherwise the kernel would cache their listings for ever.
 */
#include "fs/fs.h"

#include <errno.h>
#include <string.h>

#define TURN_S     (3 * 3600) /* seconds for which the first row of a day is waited for */
#define XATTRS_MAX 256        /* bytes of all names together */

static void on_init(void *data, struct fuse_conn_info *connection)
{
    struct fs *fs = data;
    /* The kernel asks for expired attributes before it reads. */
    connection->want |= FUSE_CAP_AUTO_INVAL_DATA;
    /* A READ is synchronous: it can be interrupted, and does not use up the background requests. */
    connection->want &= ~(unsigned)FUSE_CAP_ASYNC_READ;
    fs->initialized = true;
}

/* ---- names -------------------------------------------------------------- */

static int lookup(struct fs *fs, const struct node *parent, const char *name,
                  struct node **ret_node, double *ret_timeout)
{
    struct tree_clock clock = fs_clock(fs);
    struct tree_meter meter = fs_meter(fs, &parent->path);
    struct path path;
    if (!tree_child(&parent->path, name, &clock, &meter, &path))
        return -ENOENT;
    if (path.kind == PATH_METER && !cemm_alias_allowed(fs->cemm, &path.query.uid, path.query.alias))
        return -ENOENT;
    *ret_timeout = FS_FOR_EVER;
    if (tree_type(&path) == TREE_FILE)
        return file_lookup(fs, &path, ret_node, ret_timeout);
    return dir_lookup(fs, &path, ret_node);
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
    /* If the reply fails, the kernel does not know the node, and will not forget it. */
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
 * Where `today` points in the first hours of a day. The new day's first row is
 * a minute late, and so is the last row of the day before, which a reader that
 * follows `today` by name (tail -F) must get first. So `today` points to the
 * day before until the new day has a row, and until the day before, if it is
 * followed, has been fetched after that. It moves once, and never back.
 *
 * Later in the day it always points to the new day, because a meter may be
 * silent.
 */

/* Whether the link, which leads to `day`, is `today` and may have to wait for the new day. Data
 * must lie before it. */
static bool is_turning(const struct fs *fs, const struct node *link, const struct path *day)
{
    struct tree_clock clock = fs_clock(fs);
    struct tree_meter meter = fs_meter(fs, &link->path);
    int64_t begun = cemm_period_start(clock.zone, &day->query.period);
    return link->path.kind == PATH_NEAR_LINK && link->path.ago == 0 &&
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

static void on_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    struct pending *pending = pending_new(request, number);
    if (!pending)
        return;
    if (tree_type(&pending->node->path) == TREE_FILE)
        file_getattr(pending, info != NULL);
    else
        dir_getattr(pending);
}

static void on_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    (void)number;
    (void)info;
    (void)fuse_reply_err(request, ENOSYS);
}

/* ---- extended attributes -------------------------------------------------- */

#define XATTRS 5

struct xattr {
    const char *name;
    const char *value;
};

/* Where a file comes from, and what failed below a directory. Nothing is fetched. Returns their
 * number; `fetched` holds a value that is made here. */
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

/* With size 0 the kernel asks for the length. */
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

/* Without create and copy_file_range the kernel uses mknod and write. */
#define REFUSE(name, ...)                             \
    static void name(fuse_req_t request, __VA_ARGS__) \
    {                                                 \
        (void)fuse_reply_err(request, EROFS);         \
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
REFUSE(on_setattr, fuse_ino_t number, struct stat *attributes, int which,
       struct fuse_file_info *info)
REFUSE(on_mknod, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
REFUSE(on_mkdir, fuse_ino_t parent, const char *name, mode_t mode)
REFUSE(on_remove, fuse_ino_t parent, const char *name)
REFUSE(on_symlink, const char *target, fuse_ino_t parent, const char *name)
REFUSE(on_rename, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
       unsigned flags)
REFUSE(on_link, fuse_ino_t number, fuse_ino_t new_parent, const char *new_name)
REFUSE(on_write, fuse_ino_t number, const char *bytes, size_t size, off_t offset,
       struct fuse_file_info *info)
REFUSE(on_fallocate, fuse_ino_t number, int mode, off_t offset, off_t length,
       struct fuse_file_info *info)
REFUSE(on_setxattr, fuse_ino_t number, const char *name, const char *value, size_t size, int flags)
REFUSE(on_removexattr, fuse_ino_t number, const char *name)
#pragma GCC diagnostic pop

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
    .opendir = dir_open,
    .readdir = dir_read,
    .releasedir = dir_release,
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
    .removexattr = on_removexattr,
};
