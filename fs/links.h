/*
 * Symbolic links.
 */
#ifndef FS_LINKS_H
#define FS_LINKS_H

#include "fs/fs.h"

/* Answers READLINK, now or when it is known whether the new day has data. */
void link_read(fuse_req_t request, fuse_ino_t number);

#endif
