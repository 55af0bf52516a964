/*
 * A thread that tells the kernel to forget names and pages. Such a notice can
 * wait for a page or a directory that the kernel has locked until a request is
 * answered: the thread that answers requests would wait for itself.
 */
#ifndef FS_INVALIDATE_H
#define FS_INVALIDATE_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdint.h>

struct invalidate {
    struct fuse_session *session;
    pthread_t thread;
    int ours;       /* our end of a socket pair; readable when a notice has been sent */
    int thread_end; /* the thread's end */
    size_t under_way;
};

/* Called in the thread that asked. */
typedef void invalidate_done_fn(void *data);

/* Returns 0, or a negative errno: then there is nothing to end. */
int invalidate_start(struct invalidate *ret_invalidate, struct fuse_session *session);

/* Ends the thread. Notices that were not sent are dropped without calling `done`. */
void invalidate_end(struct invalidate *invalidate);

/* Makes the kernel forget the pages of an inode from `offset` on; then invalidate_collect() calls
 * `done`. Returns 0, or -EAGAIN if too many notices are under way. */
int invalidate_pages(struct invalidate *invalidate, uint64_t number, int64_t offset,
                     invalidate_done_fn *done, void *data);

/* Makes the kernel forget a name, and the inode unless it is open. Returns 0 or -EAGAIN. */
int invalidate_name(struct invalidate *invalidate, uint64_t directory, const char *name);

/* Calls `done` for the notices that have been sent. */
void invalidate_collect(struct invalidate *invalidate);

#endif
