/*
 * Read-ahead: after two neighbouring days in turn the next ones are fetched.
 * Nothing else is fetched unasked.
 */
#ifndef FS_READAHEAD_H
#define FS_READAHEAD_H

#include "fs/tree.h"

#define READAHEAD_STREAMS 8 /* histories that are told apart */
#define READAHEAD_MAX     8 /* days */

struct readahead_stream {
    struct path last; /* PATH_ROOT: the stream is free */
    int run;          /* days in turn */
    uint64_t used;    /* step of the last read */
};

struct readahead {
    struct readahead_stream streams[READAHEAD_STREAMS];
    uint64_t step;
};

/* A file is read that the kernel had not cached. Fetches the next ones if it is of a closed day and
 * not the first in turn. */
void readahead_after(struct readahead *readahead, struct cemm *cemm, struct tree_clock clock,
                     const struct path *path);

#endif
