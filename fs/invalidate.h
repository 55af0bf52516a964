/*
 * A thread that tells the kernel to forget names and pages. Such a notice can
 * wait for a page or a directory that the kernel has locked until a request is
 * answered: the thread that answers requests would wait for itself.
 */
#ifndef FS_INVALIDATE_H
#define FS_INVALIDATE_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/tree.h"

/* What the kernel is to forget: a name in the directory `number`, and the inode unless it is open;
 * or, if `name` is "", the pages of `number` from `offset` on. A notice has numbers and names,
 * never a node, so that nodes belong to one thread. */
struct notice {
    uint64_t number;
    int64_t offset;
    char name[TREE_PATH_SIZE];
    void (*done)(void *data); /* called in the thread that asked; may be NULL */
    void *data;
};

struct invalidate {
    struct fuse_session *session;
    pthread_t thread;
    int ours;         /* our end of a socket pair; readable when a notice has come back */
    int thread_end;   /* the thread's end */
    size_t under_way; /* notices sent but not collected */
};

/* Returns 0, or a negative errno: then there is nothing to end. */
int invalidate_start(struct invalidate *ret_invalidate, struct fuse_session *session);

/* Ends the thread. `done` is not called for notices that are still under way. */
void invalidate_end(struct invalidate *invalidate);

/* False: too many notices are under way. */
bool invalidate_send(struct invalidate *invalidate, const struct notice *notice);

/* Calls `done` for the notices that have come back. */
void invalidate_collect(struct invalidate *invalidate);

#endif
