/*
 * The loop: one thread for the requests of the kernel and the answers of the
 * meters.
 */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#include "fs/fs.h"

/* Serves until it is unmounted or a signal of `signal_fd` (a signalfd) ends it. */
void loop_run(struct fs *fs, int signal_fd);

#endif
