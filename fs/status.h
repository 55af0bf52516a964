/*
 * The file `status`: what the mount knows, as text for people. It never
 * fetches, and no key is in it.
 */
#ifndef FS_STATUS_H
#define FS_STATUS_H

#include "fs/fs.h"

/* Returns 0 or -ENOMEM. */
int status_render(const struct fs *fs, struct snapshot **ret_snapshot);

#endif
