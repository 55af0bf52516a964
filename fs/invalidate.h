/*
 * A thread that tells the kernel to forget names and pages. It may have to wait
 * for a page or a directory that the kernel locks until a request is answered.
 * If the loop's thread, which answers the requests, told the kernel, it would
 * wait for itself. So it sends a notice to the thread that is started here.
 */
#ifndef FS_INVALIDATE_H
#define FS_INVALIDATE_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/tree.h"

/* What the kernel is to forget: `name` in the directory `number`, and the name's inode unless it
 * is open; or, if `name` is "", the pages of the inode `number` from `offset` on. A notice
 * has a node's number, not a pointer, because only the loop's thread may use nodes. */
struct notice {
    uint64_t number;
    int64_t offset;
    char name[TREE_PATH_SIZE];
    void (*done)(void *data); /* called by invalidate_collect(); may be NULL */
    void *data;
};

struct invalidate {
    struct fuse_session *session;
    pthread_t thread;
    int ours;         /* our end of a socket pair; readable when a notice was sent back */
    int thread_end;   /* the thread's end */
    size_t under_way; /* notices sent but not collected */
};

/* Returns 0 or a negative errno. After a failure, invalidate_end() must not be called. */
int invalidate_start(struct invalidate *ret_invalidate, struct fuse_session *session);

/* Ends the thread. `done` is not called for notices that are still under way. */
void invalidate_end(struct invalidate *invalidate);

/* Passes a notice to the thread. False: too many notices are under way. */
bool invalidate_send(struct invalidate *invalidate, const struct notice *notice);

/* Calls `done` for each notice that the thread has sent back. */
void invalidate_collect(struct invalidate *invalidate);

#endif
