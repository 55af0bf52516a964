/*
 * Parked requests: the kernel has asked, and the answer is on its way from a
 * meter. A parked request is this struct and a ticket, never a thread, so any
 * number of readers may wait while all others are served. A reader who is
 * interrupted is let go at once; the fetch goes on for the others.
 */
#ifndef FS_PARK_H
#define FS_PARK_H

#include "fs/fs.h"

struct parked;
struct listing;

/* The answer is there, and so is the reader. Ends with one of park_reply_…(), or leaves the request
 * parked for another reason by park_wait(). */
typedef void parked_fn(struct parked *parked, const struct cemm_answer *answer);

typedef void parked_take_fn(struct parked *parked, struct snapshot *snapshot);

struct parked {
    struct fs *fs;
    fuse_req_t request;
    struct node *node;
    struct cemm_ticket *ticket; /* NULL: it does not wait for the library */
    parked_fn *resume;
    void (*let_go)(void *data); /* called when the reader is gone and there is no ticket */
    void *data;
    bool absence_passes;     /* that something is absent is no failure yet */
    int found;               /* kept by those who wait twice: how the first wait ended */
    struct listing *listing; /* OPENDIR only; freed with the request unless handed on */
    struct fuse_file_info info;
    parked_fn *answer;    /* a file's last step: a document or a failure has come, */
    parked_take_fn *take; /* or a snapshot, whose reference it takes over */
    bool open;            /* GETATTR of a reader, who may go on with what he was shown */
    bool reading;         /* READ, of these bytes */
    size_t size;
    off_t offset;
};

/* Parks a request, which then waits for one of those below. NULL: no memory, and answered so. */
struct parked *park(struct fs *fs, fuse_req_t request, struct node *node);

/* Each waits for one thing; `resume` may wait for another. */
void park_get(struct parked *parked, const struct cemm_query *query, int64_t max_age,
              parked_fn *resume);
void park_locate(struct parked *parked, parked_fn *resume); /* that some source names the device */
void park_find(struct parked *parked, const struct cemm_uid *uid, int64_t max_age,
               parked_fn *resume); /* for devices (`uid` NULL) or the meters of one */
void park_find_first(struct parked *parked, parked_fn *resume); /* where a meter's data begin */

/* Keeps it parked, for something else than the library. */
void park_wait(struct parked *parked, void (*let_go)(void *data), void *data);

/* Each answers the request and frees it. */
void park_reply_error(struct parked *parked, int error);
void park_reply_attributes(struct parked *parked);
void park_free(struct parked *parked); /* for what has been answered otherwise */

#endif
