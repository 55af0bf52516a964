/*
 * Directories: whether they exist, and what is listed in them.
 */
#ifndef FS_DIRS_H
#define FS_DIRS_H

#include "fs/fs.h"

/* Finds the node of a directory or a link. Never waits. Returns 0 or a negative errno. */
int dir_lookup(struct fs *fs, const struct path *path, struct node **ret_node);

/* Answers GETATTR of a directory or a link, now or when it is known whether the directory exists.
 */
void dir_getattr(struct fs *fs, fuse_req_t request, struct node *node);

/* Answers OPENDIR, now or when the names are known. They do not change until RELEASEDIR, so that
 * offsets stay valid. */
void dir_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info);
void dir_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
              struct fuse_file_info *info);
void dir_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info);

#endif
