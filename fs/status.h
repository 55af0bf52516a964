/*
 * The files `status`, text for people, and `status.json`. They never fetch,
 * and no key is in them.
 */
#ifndef FS_STATUS_H
#define FS_STATUS_H

#include "fs/fs.h"

/* Returns 0 or -ENOMEM. */
int status_render(const struct fs *fs, bool json, struct snapshot **ret_snapshot);

#endif
