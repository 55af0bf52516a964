/*
 * Mounting, and what a crash has left behind.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "fs/fs.h"

/*
 * Checks the mount point, removes a dead mount from it and returns its full
 * path, since the process may change its directory later; the caller frees it,
 * also on failure. A mount point where or below which cemmfs is mounted is
 * refused, and one that would hide the archive (NULL: none). Returns 0, or a
 * negative errno and a message, which is empty if strerror() says it.
 */
int mount_prepare(const char *mountpoint, const char *archive, char **ret_path,
                  struct cemm_message *message);

/* NULL: no memory, or libfuse has printed the reason. */
struct fuse_session *mount_session(struct fs *fs);

/* Returns 0, or -1: libfuse has printed the reason. */
int mount_on(struct fuse_session *session, const char *path);

#endif
