/*
 * Mounting: the options that the kernel gets, and what a crash has left.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "fs/fs.h"
#include "fs/options.h"

/*
 * Looks at the place to mount, takes a dead mount off it, and gives its full
 * path, which the caller frees: the process may change its directory later.
 * A place where cemmfs is mounted, or that lies in such a mount, is refused,
 * and so is one that would hide the archive (NULL: there is none). Returns 0,
 * or a negative errno and the reason in words.
 */
int mount_prepare(const char *mountpoint, const char *archive, char **ret_path,
                  struct cemm_words *words);

/* The session for that mount; not mounted yet. NULL: no memory, or libfuse has said why. */
struct fuse_session *mount_session(const struct options *options, struct fs *fs);

/* Mounts it. 0, or -1: libfuse has said why. */
int mount_on(struct fuse_session *session, const char *path);

#endif
