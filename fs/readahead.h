/*
 * Read-ahead: who has read two neighbouring days in turn will read the next
 * one, too. The only thing that this mount asks for without being asked.
 */
#ifndef FS_READAHEAD_H
#define FS_READAHEAD_H

#include "fs/tree.h"

#define READAHEAD_STREAMS 8 /* readers of different meters that are told apart */
#define READAHEAD_MAX     8 /* days */

/* One meter's history that somebody reads. */
struct readahead_stream {
    struct path last; /* read last; PATH_ROOT: the stream is free */
    int run;          /* neighbours in turn */
    uint64_t used;    /* when, in steps */
};

struct readahead {
    struct readahead_stream streams[READAHEAD_STREAMS];
    uint64_t step;
};

/* A file is read that was not at hand in the kernel. Asks for those behind it, if it is of a closed
 * day and not the first in turn. */
void readahead_after(struct readahead *readahead, struct cemm *cemm, struct tree_clock clock,
                     const struct path *path);

#endif
