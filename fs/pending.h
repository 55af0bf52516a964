/*
 * Pending requests: the kernel has asked, and the answer is on its way. A
 * pending request is this struct and a ticket, never a thread, so any number
 * of readers may wait while all others are served. An interrupted reader is
 * answered at once; the fetch goes on for the others.
 */
#ifndef FS_PENDING_H
#define FS_PENDING_H

#include "fs/fs.h"

struct pending;

/* Called with the answer. Ends with one of pending_reply_…() or with another wait. */
typedef void pending_fn(struct pending *pending, const struct cemm_answer *answer);

struct pending {
    struct fs *fs;
    fuse_req_t request; /* NULL: it was interrupted while it waited for the kernel */
    struct node *node;
    struct cemm_ticket *ticket; /* NULL: it waits for the kernel */
    pending_fn *resume;
    bool absence_is_fine; /* absence is not a failure yet */
    int found;            /* result of the first wait */
    bool open;            /* GETATTR of an open file */
    bool reading;         /* READ */
    size_t size;
    off_t offset;
};

/* Makes a request pending. Returns NULL and answers it if there is no memory. */
struct pending *pending_new(fuse_req_t request, struct node *node);

/* Each starts a wait; `resume` is called at its end and may start the next. */
void pending_get(struct pending *pending, const struct path *path, int64_t max_age,
                 pending_fn *resume); /* for the document of a file or a meter */
void pending_locate(struct pending *pending,
                    pending_fn *resume); /* for a source that knows the device */
void pending_find(struct pending *pending, const struct cemm_uid *uid, int64_t max_age,
                  pending_fn *resume); /* for devices (`uid` NULL) or the meters of one */
void pending_find_first(struct pending *pending, pending_fn *resume); /* for a meter's first day */

/* Each answers the request and frees it. */
void pending_reply_error(struct pending *pending, int error);
void pending_reply_attributes(struct pending *pending);
void pending_free(struct pending *pending); /* it has been answered */

#endif
