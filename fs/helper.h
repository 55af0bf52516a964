/*
 * The helper: one small thread that tells the kernel to forget things. Such a
 * notice can wait for a page or for a directory that the kernel has locked
 * until we answer a request; sent by the thread that answers requests, it
 * would wait for itself.
 */
#ifndef FS_HELPER_H
#define FS_HELPER_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdint.h>

struct helper {
    struct fuse_session *session;
    pthread_t thread;
    int ours; /* the two ends of a socket pair; ours can be read when something has been done */
    int its;
    size_t under_way;
};

/* What has been done, back in the thread that asked. */
typedef void helper_done_fn(void *data);

/* Starts the thread. Returns 0 or a negative errno; then there is nothing to end. */
int helper_start(struct helper *ret_helper, struct fuse_session *session);

/* Ends the thread. What was not done is forgotten, and not called back. */
void helper_end(struct helper *helper);

/* Makes the kernel forget the pages of an inode from `offset` on, then calls `done` by way of
 * helper_collect(). Returns 0, or -EAGAIN if too much is under way. */
int helper_forget_pages(struct helper *helper, uint64_t number, int64_t offset,
                        helper_done_fn *done, void *data);

/* Makes the kernel forget a name, and the inode if nobody has it open. Returns likewise. */
int helper_forget_name(struct helper *helper, uint64_t directory, const char *name);

/* Calls back for what has been done. */
void helper_collect(struct helper *helper);

#endif
