/*
 * Each callback finds the node and calls the file that handles it.
 *
 * OPEN is answered with ENOSYS: then the kernel does not send it again, and
 * opening a known file costs no request. Directories are opened, because
 * otherwise the kernel would cache their listings for ever.
 */
#include "fs/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/dirs.h"
#include "fs/files.h"
#include "fs/links.h"
#include "fs/listing.h"
#include "fs/xattrs.h"

#define NAME_MAX_LENGTH 255

static struct fs *fs_of(fuse_req_t request)
{
    return fuse_req_userdata(request);
}

/* Returns NULL and answers the request if the kernel uses a number that it was never given. */
static struct node *node_of(fuse_req_t request, fuse_ino_t number)
{
    struct node *node = nodes_numbered(&fs_of(request)->nodes, number);
    if (!node)
        (void)fuse_reply_err(request, ESTALE);
    return node;
}

static void on_init(void *data, struct fuse_conn_info *connection)
{
    struct fs *fs = data;
    /* The kernel asks for expired attributes before it reads. */
    connection->want |= FUSE_CAP_AUTO_INVAL_DATA;
    /* A READ is synchronous: it can be interrupted, and does not use up the background requests. */
    connection->want &= ~(unsigned)FUSE_CAP_ASYNC_READ;
    fs->greeted = true;
    fs->kernel_opens = (connection->capable & FUSE_CAP_NO_OPEN_SUPPORT) != 0;
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
    if (path.kind == PATH_METER && !cemm_alias_allowed(fs->cemm, &path.uid, path.alias))
        return -ENOENT;
    *ret_timeout = FS_FOR_EVER;
    if (tree_type(&path) == TREE_FILE)
        return file_lookup(fs, &path, ret_node, ret_timeout);
    return dir_lookup(fs, &path, ret_node);
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(request);
    struct node *directory = node_of(request, parent);
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
    entry.attr_timeout = fs_attributes_timeout(node);
    fs_attributes(fs, node, &entry.attr);
    /* The kernel will not forget what it was not told. */
    node->lookups++;
    if (fuse_reply_entry(request, &entry) != 0) {
        node->lookups--;
        node_release(&fs->nodes, node);
    }
}

static void forget(struct fs *fs, fuse_ino_t number, uint64_t lookups)
{
    struct node *node = nodes_numbered(&fs->nodes, number);
    if (!node)
        return;
    node->lookups -= lookups < node->lookups ? lookups : node->lookups;
    node_release(&fs->nodes, node);
}

static void on_forget(fuse_req_t request, fuse_ino_t number, uint64_t lookups)
{
    forget(fs_of(request), number, lookups);
    fuse_reply_none(request);
}

static void on_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        forget(fs_of(request), forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(request);
}

static void on_readlink(fuse_req_t request, fuse_ino_t number)
{
    struct node *node = node_of(request, number);
    if (!node)
        return;
    if (tree_type(&node->path) == TREE_LINK)
        link_read(fs_of(request), request, node);
    else
        (void)fuse_reply_err(request, EINVAL);
}

/* ---- attributes and bytes ----------------------------------------------- */

static void on_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    struct fs *fs = fs_of(request);
    struct node *node = node_of(request, number);
    if (!node)
        return;
    switch (tree_type(&node->path)) {
    case TREE_DIRECTORY:
        dir_getattr(fs, request, node);
        break;
    case TREE_FILE:
        file_getattr(fs, request, node, info != NULL);
        break;
    case TREE_LINK:
        fs_reply_attributes(fs, request, node);
        break;
    }
}

static void on_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    (void)number;
    if ((info->flags & O_ACCMODE) != O_RDONLY) {
        (void)fuse_reply_err(request, EROFS);
    } else if (fs_of(request)->kernel_opens) {
        (void)fuse_reply_err(request, ENOSYS);
    } else {
        info->keep_cache = 1;
        (void)fuse_reply_open(request, info);
    }
}

static void on_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                    struct fuse_file_info *info)
{
    struct node *node = node_of(request, number);
    (void)info;
    if (node)
        file_read(fs_of(request), request, node, size, offset);
}

/* The file system is full, as read-only ones are; its whole size is not known. */
static void on_statfs(fuse_req_t request, fuse_ino_t number)
{
    const struct nodes *nodes = &fs_of(request)->nodes;
    struct statvfs about = {
        .f_bsize = FS_BLOCK_SIZE,
        .f_frsize = FS_BLOCK_SIZE,
        .f_blocks = nodes->bytes / FS_BLOCK_SIZE + 1,
        .f_files = nodes->count,
        .f_namemax = NAME_MAX_LENGTH,
        .f_flag = ST_RDONLY,
    };
    (void)number;
    (void)fuse_reply_statfs(request, &about);
}

static void on_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size)
{
    struct node *node = node_of(request, number);
    if (node)
        xattr_get(fs_of(request), request, node, name, size);
}

static void on_listxattr(fuse_req_t request, fuse_ino_t number, size_t size)
{
    struct node *node = node_of(request, number);
    if (node)
        xattr_list(fs_of(request), request, node, size);
}

/* ---- directories -------------------------------------------------------- */

static struct listing *listing_of(const struct fuse_file_info *info)
{
    return (struct listing *)(uintptr_t)info->fh; // NOLINT(performance-no-int-to-ptr)
}

static void on_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    struct node *node = node_of(request, number);
    if (node)
        dir_open(fs_of(request), request, node, info);
}

static void on_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    (void)number;
    listing_reply(request, listing_of(info), size, offset);
}

static void on_releasedir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    (void)number;
    listing_free(listing_of(info));
    (void)fuse_reply_err(request, 0);
}

/* ---- changes: the mount is read-only, and stays so if it is remounted ----- */

/* Without create and copy_file_range the kernel uses mknod and write. */

static void on_setattr(fuse_req_t request, fuse_ino_t number, struct stat *attributes, int which,
                       struct fuse_file_info *info)
{
    (void)number, (void)attributes, (void)which, (void)info;
    (void)fuse_reply_err(request, EROFS);
}

static void on_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                     dev_t device)
{
    (void)parent, (void)name, (void)mode, (void)device;
    (void)fuse_reply_err(request, EROFS);
}

static void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)parent, (void)name, (void)mode;
    (void)fuse_reply_err(request, EROFS);
}

static void on_remove(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    (void)parent, (void)name;
    (void)fuse_reply_err(request, EROFS);
}

static void on_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
    (void)target, (void)parent, (void)name;
    (void)fuse_reply_err(request, EROFS);
}

static void on_rename(fuse_req_t request, fuse_ino_t parent, const char *name,
                      fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
    (void)parent, (void)name, (void)new_parent, (void)new_name, (void)flags;
    (void)fuse_reply_err(request, EROFS);
}

static void on_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent,
                    const char *new_name)
{
    (void)number, (void)new_parent, (void)new_name;
    (void)fuse_reply_err(request, EROFS);
}

static void on_write(fuse_req_t request, fuse_ino_t number, const char *bytes, size_t size,
                     off_t offset, struct fuse_file_info *info)
{
    (void)number, (void)bytes, (void)size, (void)offset, (void)info;
    (void)fuse_reply_err(request, EROFS);
}

static void on_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset,
                         off_t length, struct fuse_file_info *info)
{
    (void)number, (void)mode, (void)offset, (void)length, (void)info;
    (void)fuse_reply_err(request, EROFS);
}

static void on_setxattr(fuse_req_t request, fuse_ino_t number, const char *name, const char *value,
                        size_t size, int flags)
{
    (void)number, (void)name, (void)value, (void)size, (void)flags;
    (void)fuse_reply_err(request, EROFS);
}

static void on_removexattr(fuse_req_t request, fuse_ino_t number, const char *name)
{
    (void)number, (void)name;
    (void)fuse_reply_err(request, EROFS);
}

const struct fuse_lowlevel_ops fs_ops = {
    .init = on_init,
    .lookup = on_lookup,
    .forget = on_forget,
    .forget_multi = on_forget_multi,
    .getattr = on_getattr,
    .readlink = on_readlink,
    .open = on_open,
    .read = on_read,
    .statfs = on_statfs,
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
    .removexattr = on_removexattr,
};
