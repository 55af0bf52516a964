/*
 * One mount: what all source files of cemmfs share. It belongs to the thread
 * that runs the loop.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include <fuse_lowlevel.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/frontend.h"
#include "fs/invalidate.h"
#include "fs/node.h"
#include "fs/options.h"

#define FS_FOR_EVER (365.0 * 86400) /* seconds: validity of what never changes */
#define FS_MAX_AGE  60000           /* ms: maximum age of what may change, except realtime */

struct fs {
    const struct options *options;
    const struct cemm_config *config;
    struct cemm *cemm;
    struct fuse_session *session;
    struct invalidate invalidate;
    struct nodes nodes;
    char *failure;    /* the last failure; NULL: none */
    int64_t failed;   /* when that was; Unix milliseconds */
    int64_t mounted;  /* Unix milliseconds */
    bool initialized; /* the kernel has sent FUSE_INIT */
};

/* The callbacks for libfuse. Its user data is the struct fs. */
extern const struct fuse_lowlevel_ops fs_ops;

/* The node of a number. NULL: there is none, and the request has been answered with ESTALE. */
struct node *fs_node(fuse_req_t request, fuse_ino_t number);

struct tree_clock fs_clock(const struct fs *fs);

/* A request's result, which is not 0, as a positive errno. */
int fs_errno(int r);

/* Remembers a failure for `status` and in all directories above a path; `message` NULL: the request
 * has succeeded, so its failure is forgotten in these directories. */
void fs_record(struct fs *fs, const struct path *path, const char *message);

/* Returns how long the kernel may keep the attributes, in seconds. */
double fs_attributes(const struct fs *fs, const struct node *node, struct stat *ret_attributes);

/* Answers READ or READDIR: the part of the bytes that was asked for. */
void fs_reply_bytes(fuse_req_t request, const struct snapshot *snapshot, size_t size, off_t offset);

/* ---- pending requests -------------------------------------------------------- */

/* A request that waits for its answer is this struct and a ticket, never a thread, so any number of
 * readers may wait while all others are served. An interrupted reader is answered at once; the
 * fetch goes on for the others. */
struct pending;

/* Called with the answer. Answers the request and frees `pending`, or starts another wait. */
typedef void pending_fn(struct pending *pending, const struct cemm_answer *answer);

struct pending {
    struct fs *fs;
    fuse_req_t request; /* NULL: it was interrupted, and answered, while `ticket` was NULL */
    struct node *node;
    /* NULL: it waits until the kernel has dropped the old pages (struct notice). */
    struct cemm_ticket *ticket;
    pending_fn *resume;
    int found;    /* info.json of a device: result of pending_find() */
    bool open;    /* GETATTR of an open file */
    bool reading; /* READ */
    size_t size;
    off_t offset;
};

/* Makes a request pending. Returns NULL and answers it if there is no such node, or no memory. */
struct pending *pending_new(fuse_req_t request, fuse_ino_t number);

/* Each starts a wait; `resume` is called at its end and may start the next. */
void pending_get(struct pending *pending, const struct cemm_query *query, int64_t max_age,
                 pending_fn *resume); /* for the document of a file or a meter */
void pending_locate(struct pending *pending, pending_fn *resume); /* for a source of the device */
void pending_find(struct pending *pending, const struct cemm_uid *uid, int64_t max_age,
                  pending_fn *resume); /* for devices (`uid` NULL) or the meters of one */
void pending_find_first(struct pending *pending, pending_fn *resume); /* for a meter's first day */

/* The first two answer the request and free `pending`; the last only frees it. */
void pending_reply_error(struct pending *pending, int error);
void pending_reply_attributes(struct pending *pending);
void pending_free(struct pending *pending);

/* ---- files: which snapshot a name leads to, and how long it is valid (files.c) -- */

/* Finds or makes the current node of a file, and tells how long its name is valid, in seconds.
 * Never waits: the node may have no snapshot yet. Returns 0 or a negative errno. */
int file_lookup(struct fs *fs, const struct path *path, struct node **ret_node,
                double *ret_timeout);

/* Answers GETATTR, now or when the document has come. `open`: the caller has the file open and gets
 * the old attributes if no newer document can be had. */
void file_getattr(struct pending *pending, bool open);

/* Answers READ. It waits if the file was never fetched, or if its bytes were dropped. */
void file_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
               struct fuse_file_info *info);

/* Whether the period is closed. The document says so; as long as there is none, our clock does. */
bool file_closed(const struct fs *fs, const struct node *node);

/* Whether a node with a too old snapshot is still used: it is info.json or io, or is followed. */
bool file_followed(const struct node *node);

/* Renders the files `status`, text for people, and `status.json`. They never fetch, and no key is
 * in them. Returns 0, -ENOMEM or -EFBIG. */
int status_render(const struct fs *fs, bool json, struct snapshot **ret_snapshot);

#endif
