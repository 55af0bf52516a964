/*
 * Files: which snapshot a name leads to, how long it is good for, and how a
 * running CSV grows under the eyes of its readers.
 */
#ifndef FS_FILES_H
#define FS_FILES_H

#include "fs/fs.h"

/* The node to which a file's name leads now, and for how many seconds. Never waits: the node may
 * have no snapshot yet. Returns 0 or a negative errno. */
int file_lookup(struct fs *fs, const struct path *path, struct node **ret_node,
                double *ret_timeout);

/* Answers GETATTR, now or when the document has come. `open`: it is asked by someone who has the
 * file open, and who may go on with the bytes that he was shown if no newer ones can be had. */
void file_getattr(struct fs *fs, fuse_req_t request, struct node *node, bool open);

/* Answers READ. It waits if nobody has asked for the size before, or if the bytes have been given
 * up and the kernel has lost them, too. */
void file_read(struct fs *fs, fuse_req_t request, struct node *node, size_t size, off_t offset);

#endif
