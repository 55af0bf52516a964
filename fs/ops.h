/*
 * The callbacks for libfuse. Its user data is the struct fs.
 */
#ifndef FS_OPS_H
#define FS_OPS_H

#include "fs/fs.h"

extern const struct fuse_lowlevel_ops fs_ops;

#endif
