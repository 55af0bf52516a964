/*
 * Extended attributes: where a file comes from, and what failed below a
 * directory. They never fetch.
 */
#ifndef FS_XATTRS_H
#define FS_XATTRS_H

#include "fs/fs.h"

void xattr_get(fuse_req_t request, fuse_ino_t number, const char *name, size_t size);
void xattr_list(fuse_req_t request, fuse_ino_t number, size_t size);

#endif
