/*
 * One mount: what all files of cemmfs share. It belongs to the thread that
 * runs the loop.
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

#define FS_FOR_EVER      (365.0 * 86400) /* seconds: what never changes */
#define FS_MAX_AGE       60000           /* ms: of all that may change and is not realtime */
#define FS_CLOSED_BYTES  (8u << 20)      /* of closed files; beyond, they are rendered when read */
#define FS_OPEN_BYTES    (56u << 20)     /* of other files; likewise */
#define FS_CLOSED_FILES  4096            /* closed files */
#define FS_BLOCK_SIZE    4096
#define FS_COLD_SIZE     (INT64_C(1) << 30) /* of a file whose size is not known yet */
#define FS_XATTR_SOURCE  "user.cemm.source"
#define FS_XATTR_FETCHED "user.cemm.fetched"
#define FS_XATTR_UNIT    "user.cemm.unit"
#define FS_XATTR_CLOSED  "user.cemm.closed"
#define FS_XATTR_ERROR   "user.cemm.error"

struct fs {
    const struct options *options;
    const struct cemm_config *config;
    struct cemm *cemm;
    struct fuse_session *session;
    struct invalidate invalidate;
    struct nodes nodes;
    char *failure; /* the last failure; NULL: none */
    int64_t failed;
    int64_t mounted;  /* Unix milliseconds */
    bool initialized; /* the kernel has sent FUSE_INIT */
};

/* The callbacks for libfuse, whose user data is the struct fs. */
extern const struct fuse_lowlevel_ops fs_ops;

/* Returns NULL and answers the request if the kernel uses a number that it was never given. */
struct node *fs_node(fuse_req_t request, fuse_ino_t number);

struct tree_clock fs_clock(const struct fs *fs);

/* A request's result, which is not 0, as a positive errno. */
int fs_errno(int r);

/* What is known of the path's meter. */
struct tree_meter fs_meter(const struct fs *fs, const struct path *path);

/* The path's document if it is cached and not older (ms), else NULL. The caller unrefs it. */
struct cemm_document *fs_peek(const struct fs *fs, const struct path *path, int64_t max_age);

/* Whether the archive has the path's document. */
bool fs_archived(const struct fs *fs, const struct path *path);

/* Remembers a failure in the directories above a path, and forgets it when the same request
 * succeeds (`message` NULL). */
void fs_note(struct fs *fs, const struct path *path, const char *message);

/* Returns how long the kernel may keep the attributes, in seconds. */
double fs_attributes(const struct fs *fs, const struct node *node, struct stat *ret_attributes);

/* Answers READ or READDIR: the part of `bytes` that was asked for. */
void fs_reply_bytes(fuse_req_t request, const char *bytes, size_t length, size_t size,
                    off_t offset);
void fs_reply_attributes(const struct fs *fs, fuse_req_t request, const struct node *node);

/* Renders the files `status`, text for people, and `status.json`. They never fetch, and no key is
 * in them. Returns 0, -ENOMEM or -EFBIG. */
int status_render(const struct fs *fs, bool json, struct snapshot **ret_snapshot);

/* Called for a file that the kernel had not cached. After two consecutive days of a month were read
 * in order, the next ones are fetched: the more, the longer the run. They are closed, so a day that
 * nobody reads costs one request for ever. */
void fs_read_ahead(struct fs *fs, const struct path *path);

#endif
