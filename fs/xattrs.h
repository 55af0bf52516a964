/*
 * Extended attributes: where a file comes from, and what failed below a
 * directory. They never fetch.
 */
#ifndef FS_XATTRS_H
#define FS_XATTRS_H

#include "fs/fs.h"

void xattr_get(struct fs *fs, fuse_req_t request, const struct node *node, const char *name,
               size_t size);
void xattr_list(struct fs *fs, fuse_req_t request, const struct node *node, size_t size);

#endif
