/*
 * The files that say what a device or a meter is: made of more than one
 * document, or of whichever there is.
 */
#ifndef FS_INFO_H
#define FS_INFO_H

#include "fs/fs.h"

bool info_is(const struct place *place);

/* Answers GETATTR of such a file when its documents have come. */
void info_getattr(struct fs *fs, fuse_req_t request, struct node *node);

#endif
