/*
 * Extended attributes: where a file's bytes come from, and what went wrong
 * below a directory. None of them ever fetches anything.
 */
#ifndef FS_XATTRS_H
#define FS_XATTRS_H

#include "fs/fs.h"

void xattr_get(struct fs *fs, fuse_req_t request, const struct node *node, const char *name,
               size_t size);
void xattr_list(struct fs *fs, fuse_req_t request, const struct node *node, size_t size);

#endif
