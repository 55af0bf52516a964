/*
 * The loop: one thread for the kernel's requests and the meters' answers.
 */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#include "fs/fs.h"

/* Serves until the mount is taken away or a signal of `signal_fd` (a signalfd) ends it. */
void loop_run(struct fs *fs, int signal_fd);

#endif
