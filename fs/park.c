/*
 * How a request is parked and let go.
 *
 * Each request is answered exactly once: whoever answers also frees, and the
 * library runs a completion exactly once, also when it is cancelled. So an
 * interrupt never answers by itself; it cancels, and the completion answers.
 *
 * No request waits for longer than the sources that could answer it may take
 * (spec §4), however many stand before it in their queues. Only the wait ends
 * then: what was asked for still comes, and the next one finds it.
 *
 * libfuse holds a lock of the request while it calls us for an interrupt. It
 * allows the answer there, but not from within fuse_req_interrupt_func():
 * therefore an interrupt that has come already is asked for beforehand.
 */
#include "fs/park.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/listing.h"

static void on_answer(void *data, const struct cemm_answer *answer)
{
    struct parked *parked = data;
    parked->ticket = NULL;
    if (answer->result == -ECANCELED) {
        park_reply_error(parked, EINTR);
        return;
    }
    if (answer->result == 0)
        fs_succeeded(parked->fs, &parked->node->place);
    else if (answer->result != CEMM_ABSENT || !parked->absence_passes)
        fs_note(parked->fs, &parked->node->place, answer->words);
    parked->resume(parked, answer);
}

static void on_interrupt(fuse_req_t request, void *data)
{
    struct parked *parked = data;
    (void)request;
    if (parked->ticket) {
        cemm_cancel(parked->ticket);
        return;
    }
    if (parked->let_go)
        parked->let_go(parked->data);
    park_reply_error(parked, EINTR);
}

struct parked *park(struct fs *fs, fuse_req_t request, struct node *node)
{
    struct parked *parked = malloc(sizeof(*parked));
    if (!parked) {
        (void)fuse_reply_err(request, ENOMEM);
        return NULL;
    }
    *parked = (struct parked){.fs = fs, .request = request, .node = node};
    node->pins++;
    return parked;
}

/* `r` is what the library said, `query` is what it was asked for, or whom. */
static void await(struct parked *parked, int r, const struct cemm_query *query, parked_fn *resume)
{
    parked->resume = resume;
    if (r < 0) {
        park_reply_error(parked, -r);
    } else if (fuse_req_interrupted(parked->request)) {
        cemm_cancel(parked->ticket);
    } else {
        cemm_limit(parked->ticket, query);
        fuse_req_interrupt_func(parked->request, on_interrupt, parked);
    }
}

void park_get(struct parked *parked, const struct cemm_query *query, int64_t max_age,
              parked_fn *resume)
{
    await(parked, cemm_get(parked->fs->cemm, query, max_age, on_answer, parked, &parked->ticket),
          query, resume);
}

void park_find(struct parked *parked, const struct cemm_uid *uid, int64_t max_age,
               parked_fn *resume)
{
    struct cemm_query query = {.endpoint = CEMM_IO};
    if (uid)
        query.uid = *uid;
    await(parked, cemm_find(parked->fs->cemm, uid, max_age, on_answer, parked, &parked->ticket),
          uid ? &query : NULL, resume);
}

void park_find_first(struct parked *parked, parked_fn *resume)
{
    const struct place *place = &parked->node->place;
    struct cemm_query query = {.uid = place->uid, .endpoint = CEMM_DATA};
    memcpy(query.alias, place->alias, sizeof(query.alias));
    int r = cemm_find_first(parked->fs->cemm, &place->uid, place->alias, on_answer, parked,
                            &parked->ticket);
    await(parked, r, &query, resume);
}

void park_locate(struct parked *parked, parked_fn *resume)
{
    int r = cemm_locate(parked->fs->cemm, &parked->node->place.uid, FS_FIND_MAX_AGE, on_answer,
                        parked, &parked->ticket);
    await(parked, r, NULL, resume);
}

void park_wait(struct parked *parked, void (*let_go)(void *data), void *data)
{
    parked->let_go = let_go;
    parked->data = data;
}

void park_free(struct parked *parked)
{
    listing_free(parked->listing);
    parked->node->pins--;
    node_release(&parked->fs->nodes, parked->node);
    free(parked);
}

void park_reply_error(struct parked *parked, int error)
{
    struct node *node = parked->node;
    if (parked->open && node->snapshot && error != EINTR) {
        park_reply_attributes(parked);
        return;
    }
    if (parked->reading && error != EINTR) {
        node->failed = cemm_clock_wall();
        node->error = error;
    }
    (void)fuse_reply_err(parked->request, error);
    park_free(parked);
}

void park_reply_attributes(struct parked *parked)
{
    fs_reply_attributes(parked->fs, parked->request, parked->node);
    park_free(parked);
}
