/*
 * Files: which snapshot a name leads to, how long it is valid, and how the CSV
 * of the current period grows while it is read.
 */
#ifndef FS_FILES_H
#define FS_FILES_H

#include "fs/fs.h"

/* Finds the current node of a file and how long its name is valid, in seconds. Never waits: the
 * node may have no snapshot yet. Returns 0 or a negative errno. */
int file_lookup(struct fs *fs, const struct path *path, struct node **ret_node,
                double *ret_timeout);

/* Answers GETATTR, now or when the document has come. `open`: the caller has the file open and gets
 * the old attributes if no newer document can be had. */
void file_getattr(struct fs *fs, fuse_req_t request, struct node *node, bool open);

/* Answers READ. It waits if the file was never fetched, or if its bytes were dropped here and in
 * the kernel. */
void file_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
               struct fuse_file_info *info);

/* How old a document may be that can still change (ms). The library never fetches others again. */
int64_t file_max_age(const struct fs *fs, const struct path *path);

/* Whether the period is closed. The document says it; as long as there is none, our clock does. */
bool file_closed(const struct fs *fs, const struct node *node);

/* Whether the node is used although its snapshot is too old, because readers wait for the next one
 * or follow it. */
bool file_followed(const struct node *node);

#endif
