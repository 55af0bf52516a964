/*
 * Parked requests: the kernel has asked, and the answer is on its way from a
 * meter. A pending request is this struct and a ticket, never a thread, so any
 * number of readers may wait while all others are served. A reader who is
 * interrupted is let go at once; the fetch goes on for the others.
 */
#ifndef FS_PENDING_H
#define FS_PENDING_H

#include "fs/fs.h"

struct pending;
struct listing;

/* The answer is there, and so is the reader. Ends with one of pending_reply_…(), or leaves the
 * request pending for another reason by pending_wait(). */
typedef void pending_fn(struct pending *pending, const struct cemm_answer *answer);

typedef void pending_take_fn(struct pending *pending, struct snapshot *snapshot);

struct pending {
    struct fs *fs;
    fuse_req_t request;
    struct node *node;
    struct cemm_ticket *ticket; /* NULL: it does not wait for the library */
    pending_fn *resume;
    void (*let_go)(void *data); /* called when the reader is gone and there is no ticket */
    void *data;
    bool absence_passes;     /* that something is absent is no failure yet */
    int found;               /* kept by those who wait twice: how the first wait ended */
    struct listing *listing; /* OPENDIR only; freed with the request unless handed on */
    struct fuse_file_info info;
    pending_fn *answer;    /* a file's last step: a document or a failure has come, */
    pending_take_fn *take; /* or a snapshot, whose reference it takes over */
    bool open;             /* GETATTR of a reader, who may go on with what he was shown */
    bool reading;          /* READ, of these bytes */
    size_t size;
    off_t offset;
};

/* Parks a request, which then waits for one of those below. NULL: no memory, and answered so. */
struct pending *pending_new(struct fs *fs, fuse_req_t request, struct node *node);

/* Each waits for one thing; `resume` may wait for another. */
void pending_get(struct pending *pending, const struct cemm_query *query, int64_t max_age,
                 pending_fn *resume);
void pending_locate(struct pending *pending,
                    pending_fn *resume); /* that some source names the device */
void pending_find(struct pending *pending, const struct cemm_uid *uid, int64_t max_age,
                  pending_fn *resume); /* for devices (`uid` NULL) or the meters of one */
void pending_find_first(struct pending *pending,
                        pending_fn *resume); /* where a meter's data begin */

/* Keeps it pending, for something else than the library. */
void pending_wait(struct pending *pending, void (*let_go)(void *data), void *data);

/* Each answers the request and frees it. */
void pending_reply_error(struct pending *pending, int error);
void pending_reply_attributes(struct pending *pending);
void pending_free(struct pending *pending); /* for what has been answered otherwise */

#endif
