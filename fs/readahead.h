/*
 * Read-ahead: after two consecutive days were read in order, the next ones are
 * fetched.
 */
#ifndef FS_READAHEAD_H
#define FS_READAHEAD_H

#include "fs/tree.h"

#define READAHEAD_STREAMS 8 /* histories that are read at the same time */
#define READAHEAD_MAX     8 /* days */

struct readahead_stream {
    struct path last; /* PATH_ROOT: the stream is free */
    int run;          /* consecutive days */
    uint64_t used;    /* step of the last read */
};

struct readahead {
    struct readahead_stream streams[READAHEAD_STREAMS];
    uint64_t step;
};

/* Called for a file that the kernel had not cached. If it is a closed day and follows the one
 * that was read before, fetches the next days. */
void readahead_after(struct readahead *readahead, struct cemm *cemm, struct tree_clock clock,
                     const struct path *path);

#endif
