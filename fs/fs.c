/*
 * Attributes, failures and pending requests.
 *
 * The size, times and bytes of a file come from one snapshot, so that read(2)
 * returns what stat(2) says. A directory is as old as the mount.
 *
 * Each request is answered exactly once: the function that answers it also
 * frees it, and the library runs each completion once, even after
 * cemm_cancel(). So an interrupt only cancels the ticket, and the completion
 * answers the request. on_interrupt() answers it only if there is no ticket.
 *
 * No request waits longer than the timeouts of its sources allow, however many
 * requests are queued before it. When this limit expires, only the wait ends;
 * the fetch goes on, and the next request finds its result.
 *
 * libfuse holds a lock of the request while it runs the interrupt callback. The
 * callback may answer the request, but not within fuse_req_interrupt_func(),
 * which runs the callback if the interrupt has arrived already. So await()
 * checks for an interrupt first.
 */
#include "fs/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLD_SIZE (INT64_C(1) << 30) /* shown while the size of a file is not known yet */

struct node *fs_node(fuse_req_t request, fuse_ino_t number)
{
    const struct fs *fs = fuse_req_userdata(request);
    struct node *node = nodes_numbered(&fs->nodes, number);
    if (!node)
        (void)fuse_reply_err(request, ESTALE);
    return node;
}

struct tree_clock fs_clock(const struct fs *fs)
{
    return (struct tree_clock){.zone = cemm_zone(fs->cemm), .now = cemm_clock_wall() / 1000};
}

int fs_errno(int r)
{
    switch (r) {
    case CEMM_ABSENT:
        return ENOENT;
    case CEMM_DENIED:
        return EACCES;
    default:
        return r < 0 ? -r : EIO;
    }
}

void fs_record(struct fs *fs, const struct path *path, const char *message)
{
    uint64_t cause = tree_cause(path);
    struct path above = *path;
    if (message) {
        free(fs->failure);
        fs->failure = strdup(message);
        fs->failed = cemm_clock_wall();
    }
    do {
        struct node *node = nodes_current(&fs->nodes, above.text);
        if (!node || tree_type(&node->path) != TREE_DIRECTORY || (!message && node->cause != cause))
            continue;
        free(node->failure);
        node->failure = message ? strdup(message) : NULL;
        node->cause = cause;
    } while (tree_cut(above.text));
}

double fs_attributes(const struct fs *fs, const struct node *node, struct stat *ret_attributes)
{
    const struct options *options = fs->options;
    struct stat attributes = {.st_ino = node->inode,
                              .st_nlink = 1,
                              .st_uid = (uid_t)options->owner,
                              .st_gid = (gid_t)options->group};
    struct tree_clock clock = fs_clock(fs);
    int64_t modified = fs->mounted;
    double timeout = FS_FOR_EVER;
    struct path target;
    switch (tree_type(&node->path)) {
    case TREE_DIRECTORY:
        attributes.st_mode = S_IFDIR | 0555;
        attributes.st_nlink = 2;
        timeout = node->exists ? FS_FOR_EVER : 0;
        break;
    case TREE_LINK:
        attributes.st_mode = S_IFLNK | 0777;
        attributes.st_size = (off_t)strlen(tree_target(&node->path, &clock, 0, &target));
        break;
    case TREE_FILE:
        attributes.st_mode = S_IFREG | 0444;
        attributes.st_size = node->snapshot ? (off_t)node->shown : COLD_SIZE;
        attributes.st_blocks = (blkcnt_t)((node->shown + 511) / 512);
        modified = node->shown_modified;
        timeout = !node->snapshot || node->may_grow || node->growing ? 0 : FS_FOR_EVER;
        break;
    }
    if (!S_ISLNK(attributes.st_mode))
        attributes.st_mode &= ~(mode_t)options->mask;
    attributes.st_mtim.tv_sec = (time_t)(modified / 1000);
    attributes.st_mtim.tv_nsec = (long)(modified % 1000 * 1000000);
    attributes.st_atim = attributes.st_ctim = attributes.st_mtim;
    *ret_attributes = attributes;
    return timeout;
}

void fs_reply_bytes(fuse_req_t request, const struct snapshot *snapshot, size_t size, off_t offset)
{
    size_t begin = (uint64_t)offset < snapshot->size ? (size_t)offset : snapshot->size;
    size_t left = snapshot->size - begin;
    (void)fuse_reply_buf(request, snapshot->bytes + begin, size < left ? size : left);
}

/* ---- pending requests -------------------------------------------------------- */

static void on_answer(void *data, const struct cemm_answer *answer)
{
    struct pending *pending = data;
    pending->ticket = NULL;
    if (answer->result == -ECANCELED) {
        pending_reply_error(pending, EINTR);
        return;
    }
    /* info.json can be made from another document, so this absence is not a failure yet. */
    if (answer->result != CEMM_ABSENT || !tree_is_info(&pending->node->path))
        fs_record(pending->fs, &pending->node->path, answer->result == 0 ? NULL : answer->message);
    pending->resume(pending, answer);
}

static void on_interrupt(fuse_req_t request, void *data)
{
    struct pending *pending = data;
    if (pending->ticket) {
        cemm_cancel(pending->ticket);
        return;
    }
    (void)fuse_reply_err(request, EINTR);
    pending->request = NULL; /* on_page_forgotten() will free `pending` */
}

struct pending *pending_new(fuse_req_t request, fuse_ino_t number)
{
    struct node *node = fs_node(request, number);
    struct pending *pending = node ? malloc(sizeof(*pending)) : NULL;
    if (node && !pending)
        (void)fuse_reply_err(request, ENOMEM);
    if (!pending)
        return NULL;
    *pending = (struct pending){.fs = fuse_req_userdata(request), .request = request, .node = node};
    node->pins++;
    return pending;
}

/* `r` is the result of a library call; `query` limits the wait, see cemm_limit(). */
static void await(struct pending *pending, int r, const struct cemm_query *query,
                  pending_fn *resume)
{
    pending->resume = resume;
    if (r < 0) {
        pending_reply_error(pending, -r);
    } else if (fuse_req_interrupted(pending->request)) {
        cemm_cancel(pending->ticket);
    } else {
        cemm_limit(pending->ticket, query);
        fuse_req_interrupt_func(pending->request, on_interrupt, pending);
    }
}

void pending_get(struct pending *pending, const struct cemm_query *query, int64_t max_age,
                 pending_fn *resume)
{
    int r = cemm_get(pending->fs->cemm, query, max_age, on_answer, pending, &pending->ticket);
    await(pending, r, query, resume);
}

void pending_find(struct pending *pending, const struct cemm_uid *uid, int64_t max_age,
                  pending_fn *resume)
{
    struct cemm_query query = {.endpoint = CEMM_IO};
    if (uid)
        query.uid = *uid;
    await(pending, cemm_find(pending->fs->cemm, uid, max_age, on_answer, pending, &pending->ticket),
          uid ? &query : NULL, resume);
}

void pending_find_first(struct pending *pending, pending_fn *resume)
{
    struct cemm_query query = pending->node->path.query;
    int r = cemm_find_first(pending->fs->cemm, &query.uid, query.alias, on_answer, pending,
                            &pending->ticket);
    query.endpoint = CEMM_DATA; /* the first day is searched in data/, also for totals/ */
    await(pending, r, &query, resume);
}

void pending_locate(struct pending *pending, pending_fn *resume)
{
    int r = cemm_locate(pending->fs->cemm, &pending->node->path.query.uid, FS_MAX_AGE, on_answer,
                        pending, &pending->ticket);
    await(pending, r, NULL, resume);
}

void pending_free(struct pending *pending)
{
    pending->node->pins--;
    node_release(&pending->fs->nodes, pending->node);
    free(pending);
}

void pending_reply_error(struct pending *pending, int error)
{
    struct node *node = pending->node;
    if (pending->open && node->snapshot && error != EINTR) {
        pending_reply_attributes(pending);
        return;
    }
    if (pending->reading && error != EINTR) {
        node->failed = cemm_clock_wall();
        node->error = error;
    }
    (void)fuse_reply_err(pending->request, error);
    pending_free(pending);
}

void pending_reply_attributes(struct pending *pending)
{
    struct stat attributes;
    double timeout = fs_attributes(pending->fs, pending->node, &attributes);
    if (pending->request)
        (void)fuse_reply_attr(pending->request, &attributes, timeout);
    pending_free(pending);
}
