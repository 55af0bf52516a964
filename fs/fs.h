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

#define FS_FOR_EVER (365.0 * 86400) /* seconds: how long the kernel may keep what never changes */
#define FS_MAX_AGE  60000           /* ms: maximum age of what may change, except realtime values */

struct fs {
    const struct options *options;
    const struct cemm_config *config;
    struct cemm *cemm;
    struct fuse_session *session;
    struct invalidate invalidate;
    struct nodes nodes;
    char *failure;    /* the last failure; NULL: none */
    int64_t failed;   /* when it happened; Unix milliseconds */
    int64_t mounted;  /* Unix milliseconds */
    uint64_t breaks;  /* how often a file's new bytes did not continue its old ones; seeds st_ino */
    bool initialized; /* the kernel has sent FUSE_INIT */
};

/* The callbacks for libfuse. Its user data is the struct fs. */
extern const struct fuse_lowlevel_ops fs_ops;

/* Finds a node by its number. NULL: there is none, and the request was answered with ESTALE. */
struct node *fs_node(fuse_req_t request, fuse_ino_t number);

struct tree_clock fs_clock(const struct fs *fs);

/* Converts a request's result, which must not be 0, to a positive errno. */
int fs_errno(int r);

/* Records a failure for `status` and in all directories on the path. If `message` is NULL, the
 * request has succeeded: failures with the same cause are removed from these directories. */
void fs_record(struct fs *fs, const struct path *path, const char *message);

/* Fills in a node's attributes. Returns how many seconds the kernel may keep them. */
double fs_attributes(const struct fs *fs, const struct node *node, struct stat *ret_attributes);

/* Answers READ or READDIR with the part of the bytes that was requested. */
void fs_reply_bytes(fuse_req_t request, const struct snapshot *snapshot, size_t size, off_t offset);

/* ---- pending requests -------------------------------------------------------- */

/* A request from the kernel that waits for a document occupies this struct and a ticket, but no
 * thread. So any number of requests may wait while others are served. If a reader is interrupted,
 * its request is answered immediately; the fetch goes on for other readers. */
struct pending;

/* Takes the library's answer: answers the request and frees `pending`, or starts another wait. */
typedef void pending_fn(struct pending *pending, const struct cemm_answer *answer);

struct pending {
    struct fs *fs;
    fuse_req_t request; /* NULL: it was interrupted and answered while `ticket` was NULL */
    struct node *node;
    /* NULL while the kernel is being told to forget old pages (struct notice). */
    struct cemm_ticket *ticket;
    pending_fn *resume;
    int found;    /* info.json of a device: the result of the search for devices */
    bool open;    /* it is GETATTR of an open file */
    bool reading; /* it is READ */
    size_t size;
    off_t offset;
};

/* Makes a request pending. If there is no such node or no memory, answers it and returns NULL. */
struct pending *pending_new(fuse_req_t request, fuse_ino_t number);

/* Each of these starts a wait. When it ends, `resume` is called, which may start another wait. */
void pending_get(struct pending *pending, const struct cemm_query *query, int64_t max_age,
                 pending_fn *resume); /* for the document of a file or a meter */
void pending_locate(struct pending *pending, pending_fn *resume); /* for a source of the device */
void pending_find(struct pending *pending, const struct cemm_uid *uid, int64_t max_age,
                  pending_fn *resume); /* for devices (`uid` NULL) or the meters of one device */
void pending_find_first(struct pending *pending, pending_fn *resume); /* for a meter's first day */

/* The reply functions answer the request and free `pending`; pending_free() only frees it. */
void pending_reply_error(struct pending *pending, int error);
void pending_reply_attributes(struct pending *pending);
void pending_free(struct pending *pending);

/* ---- files: which snapshot a name leads to, and how long it is valid (files.c) -- */

/* Finds or makes the current node of a file. Never waits, so the node may have no snapshot yet.
 * *ret_timeout: how many seconds its name is valid. Returns 0 or a negative errno. */
int file_lookup(struct fs *fs, const struct path *path, struct node **ret_node,
                double *ret_timeout);

/* Answers GETATTR, immediately or when the document arrives. `open`: the caller has the file open,
 * and gets the old attributes if the fetch fails. */
void file_getattr(struct pending *pending, bool open);

/* Answers READ. If the file was never fetched, or its bytes were dropped, fetches it first. */
void file_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
               struct fuse_file_info *info);

/* Whether the file's period is closed: its document says so or, if there is none, our clock. */
bool file_closed(const struct fs *fs, const struct node *node);

/* Whether the last answer was that the file does not exist. For info.json, io.json and io.csv, such
 * an answer is believed for FS_MAX_AGE. */
bool file_absent(const struct node *node);

/* Whether lookups return a node even if its snapshot is too old. They do for info.json, io.json and
 * io.csv, and for the CSV of an unfinished day while a program watches it (as `tail -f` does). */
bool file_followed(const struct node *node);

/* Renders `status` (text for people) or `status.json`. Fetches nothing, and never shows a key.
 * Returns 0, -ENOMEM or -EFBIG. */
int status_render(const struct fs *fs, bool json, struct snapshot **ret_snapshot);

#endif
