/*
 * How old a file's document may be, and for how long its name leads there.
 */
#ifndef FS_FRESH_H
#define FS_FRESH_H

#include "fs/fs.h"

/* How old a document may be (ms), so that what has been fetched after a period was closed stays
 * good for ever. `snapshot` is what there is of it, or NULL. */
int64_t fresh_max_age(const struct fs *fs, const struct path *path,
                      const struct snapshot *snapshot);

/* For how many more milliseconds a node's snapshot is good; < 0: it is not. */
int64_t fresh_left(const struct fs *fs, const struct node *node);

/* For how many seconds the kernel may take the name for the node. */
double fresh_timeout(const struct fs *fs, const struct node *node);

/* What is said of devices and meters. */
bool fresh_is_description(const struct path *path);

/* A file whose node may follow its data. */
bool fresh_may_run(const struct path *path);

/* A node that may be handed out although its snapshot is too old: its readers are waiting for the
 * next one, or follow it as it grows. */
bool fresh_is_followed(const struct node *node);

#endif
