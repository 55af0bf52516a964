/*
 * The file `status`: what the mount knows, as text for people; and the same as
 * JSON for programs. It never fetches, and no key is in it.
 */
#ifndef FS_STATUS_H
#define FS_STATUS_H

#include "fs/fs.h"

/* Returns 0 or -ENOMEM. */
int status_render(const struct fs *fs, bool json, struct snapshot **ret_snapshot);

#endif
