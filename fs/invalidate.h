/*
 * One small thread that tells the kernel to forget things. Such a
 * notice can wait for a page or for a directory that the kernel has locked
 * until we answer a request; sent by the thread that answers requests, it
 * would wait for itself.
 */
#ifndef FS_INVALIDATE_H
#define FS_INVALIDATE_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdint.h>

struct invalidate {
    struct fuse_session *session;
    pthread_t thread;
    int ours; /* the two ends of a socket pair; ours can be read when something has been done */
    int its;
    size_t under_way;
};

/* What has been done, back in the thread that asked. */
typedef void invalidate_done_fn(void *data);

/* Starts the thread. Returns 0 or a negative errno; then there is nothing to end. */
int invalidate_start(struct invalidate *ret_invalidate, struct fuse_session *session);

/* Ends the thread. What was not done is forgotten, and not called back. */
void invalidate_end(struct invalidate *invalidate);

/* Makes the kernel forget the pages of an inode from `offset` on, then calls `done` by way of
 * invalidate_collect(). Returns 0, or -EAGAIN if too much is under way. */
int invalidate_pages(struct invalidate *invalidate, uint64_t number, int64_t offset,
                     invalidate_done_fn *done, void *data);

/* Makes the kernel forget a name, and the inode if nobody has it open. Returns likewise. */
int invalidate_name(struct invalidate *invalidate, uint64_t directory, const char *name);

/* Calls back for what has been done. */
void invalidate_collect(struct invalidate *invalidate);

#endif
