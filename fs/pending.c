/*
 * Each request is answered exactly once: the function that answers also frees,
 * and the library runs each completion once, also after cancelling. So an
 * interrupt only cancels, and the completion answers.
 *
 * No request waits longer than the timeouts of its sources, however many
 * requests are before it in their queues. Only the wait ends then; the fetch
 * goes on, and the next request finds it.
 *
 * libfuse holds a lock of the request during the interrupt callback. An answer
 * is allowed there, but not within fuse_req_interrupt_func(): so an earlier
 * interrupt is checked first.
 */
#include "fs/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void on_answer(void *data, const struct cemm_answer *answer)
{
    struct pending *pending = data;
    pending->ticket = NULL;
    if (answer->result == -ECANCELED) {
        pending_reply_error(pending, EINTR);
        return;
    }
    if (answer->result != CEMM_ABSENT || !pending->absence_is_fine)
        fs_note(pending->fs, &pending->node->path, answer->result == 0 ? NULL : answer->message);
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
    pending->request = NULL; /* what it waits for will free it */
}

struct pending *pending_new(fuse_req_t request, struct node *node)
{
    struct pending *pending = malloc(sizeof(*pending));
    if (!pending) {
        (void)fuse_reply_err(request, ENOMEM);
        return NULL;
    }
    *pending = (struct pending){.fs = fuse_req_userdata(request), .request = request, .node = node};
    node->pins++;
    return pending;
}

/* `r` is the library's result; `query` bounds the wait. */
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

void pending_get(struct pending *pending, const struct path *path, int64_t max_age,
                 pending_fn *resume)
{
    struct cemm_query query;
    int r = -EIO;
    if (tree_query(path, &query))
        r = cemm_get(pending->fs->cemm, &query, max_age, on_answer, pending, &pending->ticket);
    await(pending, r, &query, resume);
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
    const struct path *path = &pending->node->path;
    struct cemm_query query = {.uid = path->uid, .endpoint = CEMM_DATA};
    memcpy(query.alias, path->alias, sizeof(query.alias));
    int r = cemm_find_first(pending->fs->cemm, &path->uid, path->alias, on_answer, pending,
                            &pending->ticket);
    await(pending, r, &query, resume);
}

void pending_locate(struct pending *pending, pending_fn *resume)
{
    int r = cemm_locate(pending->fs->cemm, &pending->node->path.uid, FS_MAX_AGE, on_answer, pending,
                        &pending->ticket);
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
    if (pending->request)
        fs_reply_attributes(pending->fs, pending->request, pending->node);
    pending_free(pending);
}
