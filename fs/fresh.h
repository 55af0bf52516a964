/*
 * How long a document and a name are valid.
 */
#ifndef FS_FRESH_H
#define FS_FRESH_H

#include "fs/fs.h"

/* Whether the period is closed. The document says it; as long as there is none, our clock does. */
bool fresh_is_closed(const struct fs *fs, const struct path *path, const struct snapshot *snapshot);

/* How old a document may be (ms). A document that was fetched after its period was closed is always
 * young enough. `snapshot` is the current one, or NULL. */
int64_t fresh_max_age(const struct fs *fs, const struct path *path,
                      const struct snapshot *snapshot);

/* How much longer a snapshot is valid (ms); < 0: it is not. */
int64_t fresh_left(const struct fs *fs, const struct node *node);

/* How long the kernel may keep the name (seconds). */
double fresh_timeout(const struct fs *fs, const struct node *node);

/* info.json, of which a device or a meter may need more than one document. */
bool fresh_is_info(const struct path *path);

/* info.json and io. */
bool fresh_is_description(const struct path *path);

/* Whether the node may follow its data while it grows. */
bool fresh_may_run(const struct path *path);

/* Whether the node is used although its snapshot is too old, because readers wait for the next one
 * or follow it. */
bool fresh_is_followed(const struct node *node);

#endif
