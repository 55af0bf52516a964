/*
 * The helper: one small thread that tells the kernel to forget things. Such a
 * notice can wait for a page or for a directory that the kernel has locked
 * until we answer a request; sent by the thread that answers requests, it
 * would wait for itself. So it is sent from here, and nothing else happens
 * here.
 */
#ifndef FS_HELPER_H
#define FS_HELPER_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/cemm.h"
#include "fs/tree.h"

struct helper;

/* What has been done, back in the thread that asked. */
typedef void helper_done_fn(void *data);

/* Starts the thread. `cemm` is woken when something has been done. NULL: no memory, no thread. */
struct helper *helper_new(struct fuse_session *session, struct cemm *cemm);

/* Ends the thread. What was not done is forgotten, and not called back. NULL is allowed. */
void helper_free(struct helper *helper);

/* Makes the kernel forget the pages of an inode from `offset` on, then calls `done` by way of
 * helper_collect(). Returns 0 or -ENOMEM. */
int helper_forget_pages(struct helper *helper, uint64_t number, int64_t offset,
                        helper_done_fn *done, void *data);

/* Makes the kernel forget a name, and the inode if nobody has it open. Returns 0 or -ENOMEM. */
int helper_forget_name(struct helper *helper, uint64_t directory, const char *name);

/* Calls back for what has been done. */
void helper_collect(struct helper *helper);

/* Whether something is under way or waits for helper_collect(). */
bool helper_busy(struct helper *helper);

#endif
