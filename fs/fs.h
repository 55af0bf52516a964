/*
 * One mount: what the rooms of cemmfs share. All of it belongs to the one
 * thread that turns the loop; the invalidating thread sees none of it.
 */
#ifndef FS_FS_H
#define FS_FS_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/cemm.h"
#include "fs/invalidate.h"
#include "fs/node.h"
#include "fs/readahead.h"

#define FS_FOR_EVER       (365.0 * 86400) /* seconds: timeout of what never changes */
#define FS_CLOSED_TIMEOUT 60.0            /* seconds: then its archive file is looked for again */
#define FS_PERIOD_MAX_AGE 60000           /* ms: of periods that are not closed */
#define FS_FIND_MAX_AGE   60000           /* ms: of lists of devices and meters */
#define FS_INFO_MAX_AGE   60000           /* ms: of what is said of devices and meters */
#define FS_REALTIME_TTL   10              /* s: default of -o realtime_ttl */
#define FS_CLOSED_BYTES   (8u << 20)      /* closed files beyond that are dropped, oldest first */
#define FS_BYTES          (64u << 20) /* of all files together; beyond, they are made anew when read */
#define FS_CLOSED_FILES   4096        /* and beyond that number */
#define FS_BLOCK_SIZE     4096
#define FS_COLD_SIZE      (INT64_C(1) << 30) /* told of a file whose size is not known yet */
#define FS_XATTR_SOURCE   "user.cemm.source"
#define FS_XATTR_FETCHED  "user.cemm.fetched"
#define FS_XATTR_UNIT     "user.cemm.unit"
#define FS_XATTR_CLOSED   "user.cemm.closed"
#define FS_XATTR_ERROR    "user.cemm.error"

struct fs {
    const struct cemm_config *config;
    struct cemm *cemm;
    struct fuse_session *session;
    struct invalidate invalidate;
    struct nodes nodes;
    struct readahead readahead;
    uid_t owner;
    gid_t group;
    mode_t mask; /* permissions that nobody has */
    char *words; /* the last failure of all; NULL: none */
    int64_t failed;
    int64_t mounted;      /* Unix milliseconds */
    int64_t realtime_ttl; /* ms */
    bool greeted;         /* by the kernel */
    bool kernel_opens;    /* it can do without our open */
};

struct tree_clock fs_clock(const struct fs *fs);

/* Positive errno of a request's result that is not 0. */
int fs_errno(int r);

/* What is known of the meter that a path belongs to. */
struct tree_meter fs_meter(const struct fs *fs, const struct path *path);

/* Whether some account has never answered: which devices it reaches is not known then. */
bool fs_account_unheard(const struct fs *fs);

/* Whether an answer's source is an account. */
bool fs_is_account(const struct fs *fs, const char *name);

/* Remembers a failure's words for the directories above a path, and forgets them when what had
 * failed has succeeded. */
void fs_note(struct fs *fs, const struct path *path, const char *words);
/* The same, with the path's device and meter before the words. */
void fs_note_name(struct fs *fs, const struct path *path, const char *reason);
void fs_succeeded(struct fs *fs, const struct path *path);

/* What the kernel is to know of a node. */
void fs_attributes(const struct fs *fs, const struct node *node, struct stat *ret_attributes);

/* For how many seconds the kernel may believe that. */
double fs_attributes_timeout(const struct node *node);

/* Answers GETATTR with both. */
void fs_reply_attributes(const struct fs *fs, fuse_req_t request, const struct node *node);

#endif
