/*
 * Directories: whether they exist, and what is listed in them.
 */
#ifndef FS_DIRS_H
#define FS_DIRS_H

#include "fs/fs.h"

/* Finds the node of a directory or a link. Never waits. Returns 0 or a negative errno. */
int dir_lookup(struct fs *fs, const struct path *path, struct node **ret_node);

/* Answers GETATTR, now or when it is known whether the directory exists. */
void dir_getattr(struct fs *fs, fuse_req_t request, struct node *node);

/* Answers OPENDIR, now or when the entries are known. The listing is the handle. */
void dir_open(struct fs *fs, fuse_req_t request, struct node *node,
              const struct fuse_file_info *info);

#endif
