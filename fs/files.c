/*
 * The kernel keeps a file's bytes under its inode number and trusts the
 * attributes it was told (see the kernel facts in the field notes). What
 * follows from that:
 *
 * LOOKUP must not wait, because the kernel holds the directory meanwhile. So a
 * name whose document is not at hand gets a node without a snapshot, with
 * attributes that are valid for no time at all; the kernel then asks for them
 * before it lets anyone open the file, and that question, GETATTR, may wait.
 *
 * The bytes under a number never change. A newer document is a new node, found
 * at the next LOOKUP, which comes when the name's time is over.
 *
 * The one exception is what runs: a CSV of a day that is not over, and what is
 * said of devices and meters, which mostly stays the same. As long as the new
 * bytes only append to the old ones, or are those, it stays the same node: so
 * tail -f works, and a description keeps its time. Where there are more bytes,
 * the order matters: first they can be read, then the kernel forgets the last
 * page it has shown (its end was filled up with zeros), and only then is the
 * new size told.
 */
#include "fs/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/info.h"
#include "fs/status.h"

#define RUNNING_TIMEOUT 1.0  /* seconds: name of a running CSV; its node follows the data */
#define FOLLOWED_MS     5000 /* a running CSV is being followed if it was asked for this lately */

/* What is said of devices and meters. */
static bool is_description(const struct place *place)
{
    return info_is(place) || place->kind == PLACE_IO;
}

/* How old a document may be. */
struct freshness {
    int64_t max_age; /* ms */
    bool for_ever;   /* what has been fetched within that stays good: */
    int64_t since;   /* Unix milliseconds when that began */
};

/* `snapshot` is what there is of it, or NULL. */
static struct freshness freshness_of(const struct fs *fs, const struct place *place,
                                     const struct snapshot *snapshot)
{
    struct tree_clock clock = fs_clock(fs);
    int64_t closed_at;

    if (is_description(place))
        return (struct freshness){.max_age = FS_INFO_MAX_AGE};
    if (place->kind != PLACE_PERIOD)
        return (struct freshness){.max_age = fs->realtime_ttl};
    closed_at = tree_closed_at(place, clock.zone);
    if (clock.now < closed_at)
        return (struct freshness){.max_age = FS_PERIOD_MAX_AGE};
    if (snapshot && snapshot->empty) /* it may come yet (spec §2) */
        return (struct freshness){.max_age = CEMM_EMPTY_AGE};
    /* One that was fetched before the period was closed may lack its end. */
    return (struct freshness){.max_age = cemm_clock_wall() - closed_at * 1000,
                              .since = closed_at * 1000,
                              .for_ever = true};
}

/* For how many more milliseconds a node's snapshot is good; < 0: it is not. */
static int64_t left(const struct node *node, const struct freshness *freshness)
{
    int64_t age = cemm_clock_wall() - node->snapshot->fetched;

    if (age < 0)
        return -1; /* the clock was set back: who knows how old */
    if (freshness->for_ever)
        return node->snapshot->fetched - freshness->since;
    return freshness->max_age - age;
}

/* A node that may be handed out although its snapshot is too old: its readers are waiting for the
 * next one, or follow it as it grows. */
static bool is_followed(const struct node *node)
{
    if (is_description(&node->place))
        return true;
    return node->running && (node->pins > 0 || cemm_clock_wall() - node->asked <= FOLLOWED_MS);
}

static bool may_run(const struct place *place)
{
    return is_description(place) ||
           (place->history == HISTORY_DAYS && place->form == CEMM_FORM_CSV);
}

static double timeout_of(const struct node *node, const struct freshness *freshness)
{
    if (node->running || (may_run(&node->place) && !freshness->for_ever))
        return RUNNING_TIMEOUT;
    if (freshness->for_ever)
        return FS_CLOSED_TIMEOUT;
    if (!node->snapshot)
        return (double)freshness->max_age / 1000;
    return left(node, freshness) > 0 ? (double)left(node, freshness) / 1000 : 0;
}

static void forget_name(struct fs *fs, struct node *node)
{
    char name[TREE_NAME_SIZE];

    node_drop(&fs->nodes, node);
    tree_name(&node->place, name);
    if (node->current && node->parent != 0)
        (void)helper_forget_name(fs->helper, node->parent, name);
}

/* Closed files are kept until the kernel forgets them, which it does only when it is short of
 * memory. Beyond a limit it is asked to; but where the archive has the bytes, only they are given
 * up: whoever reads the file again mostly gets them from the kernel's pages. */
static void drop_old(struct fs *fs)
{
    struct nodes *nodes = &fs->nodes;

    while (nodes->old_bytes > FS_CLOSED_BYTES) {
        struct node *node = TAILQ_FIRST(&nodes->full);

        if (node->archived && node->current)
            node_strip(nodes, node);
        else
            forget_name(fs, node);
    }
    while (nodes->old_count > FS_CLOSED_FILES)
        forget_name(fs, TAILQ_FIRST(TAILQ_EMPTY(&nodes->bare) ? &nodes->full : &nodes->bare));
}

/* Binds a snapshot, whose reference is taken over. */
static void bind(struct fs *fs, struct node *node, struct snapshot *snapshot)
{
    int64_t closed_at = tree_closed_at(&node->place, cemm_zone(fs->cemm));
    struct cemm_query query;

    node_bind(&fs->nodes, node, snapshot);
    node->closed = snapshot->fetched / 1000 >= closed_at;
    node->running = may_run(&node->place) && !node->closed;
    node->archived =
        node->closed && tree_query(&node->place, &query) && cemm_archived(fs->cemm, &query);
    node->absent = 0;
    fs_succeeded(fs, &node->place);
    if (is_description(&node->place))
        node_keep(node, true); /* its time is told by nothing else */
    node_touch(&fs->nodes, node);
    drop_old(fs);
}

/* ---- LOOKUP ------------------------------------------------------------- */

/* A fresh document, if one is at hand, as snapshot; else NULL. Returns 0 or a negative errno. */
static int snapshot_at_hand(struct fs *fs, const struct place *place, int64_t max_age,
                            struct snapshot **ret_snapshot)
{
    struct tree_clock clock = fs_clock(fs);
    struct cemm_document *document;
    struct cemm_query query;
    int result;

    *ret_snapshot = NULL;
    if (!tree_query(place, &query))
        return -ENOENT;
    if (info_is(place))
        return 0; /* one document does not tell all */
    document = cemm_peek(fs->cemm, &query, max_age);
    if (!document)
        return 0;
    result = snapshot_render(place, document, &clock, ret_snapshot);
    cemm_document_unref(document);
    return result;
}

static int new_node(struct fs *fs, const struct place *place, struct snapshot *snapshot,
                    struct node **ret_node)
{
    struct node *node = node_new(&fs->nodes, place);

    if (!node) {
        snapshot_unref(snapshot);
        return -ENOMEM;
    }
    if (snapshot) {
        bind(fs, node, snapshot);
        node_show(node);
    }
    *ret_node = node;
    return 0;
}

/* The status is made anew each time; the same text stays the same file. */
static int status_lookup(struct fs *fs, const struct place *place, struct node **ret_node)
{
    struct node *node = nodes_current(&fs->nodes, place);
    struct snapshot *snapshot;
    int result = status_render(fs, place->kind == PLACE_STATUS_JSON, &snapshot);

    if (result < 0)
        return result;
    if (node && node->snapshot->size == snapshot->size &&
        memcmp(node->snapshot->bytes, snapshot->bytes, snapshot->size) == 0) {
        snapshot_unref(snapshot);
        *ret_node = node;
        return 0;
    }
    return new_node(fs, place, snapshot, ret_node);
}

/* Whoever deletes a closed period's archive file wants it fetched anew. */
static bool is_disowned(struct fs *fs, struct node *node)
{
    struct tree_clock clock = fs_clock(fs);
    struct cemm_query query;
    bool archived;

    if (!node->snapshot || clock.now < tree_closed_at(&node->place, clock.zone) ||
        !tree_query(&node->place, &query))
        return false;
    archived = cemm_archived(fs->cemm, &query);
    if (!archived && node->archived)
        return true;
    node->archived = archived;
    return false;
}

/* The names of a period, in all its forms, lead to new nodes from now on. */
static void disown(struct fs *fs, const struct place *place)
{
    static const enum cemm_form forms[] = {CEMM_FORM_JSON, CEMM_FORM_CSV};
    struct place file = *place;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct node *node;

        file.form = forms[i];
        node = nodes_current(&fs->nodes, &file);
        if (node)
            node_retire(&fs->nodes, node);
    }
}

/* Whether the name still leads to this node. */
static bool is_good(struct fs *fs, struct node *node)
{
    struct freshness freshness = freshness_of(fs, &node->place, node->snapshot);

    if (is_disowned(fs, node)) {
        disown(fs, &node->place);
        return false;
    }
    return !node->snapshot || left(node, &freshness) >= 0 || is_followed(node);
}

static int node_of(struct fs *fs, const struct place *place, struct node **ret_node)
{
    struct node *node = nodes_current(&fs->nodes, place);
    struct freshness freshness;
    struct snapshot *snapshot;
    int result;

    if (!node || !is_good(fs, node)) {
        freshness = freshness_of(fs, place, node ? node->snapshot : NULL);
        result = snapshot_at_hand(fs, place, freshness.max_age, &snapshot);
        if (result == 0)
            result = new_node(fs, place, snapshot, &node);
        if (result < 0)
            return result;
        if (snapshot)
            ahead_read(fs, place);
    }
    *ret_node = node;
    return 0;
}

int file_lookup(struct fs *fs, const struct place *place, struct node **ret_node,
                double *ret_timeout)
{
    struct freshness freshness;
    struct node *node;
    int result;

    if (place->kind == PLACE_STATUS || place->kind == PLACE_STATUS_JSON) {
        *ret_timeout = 0;
        return status_lookup(fs, place, ret_node);
    }
    result = node_of(fs, place, &node);
    if (result < 0)
        return result;
    node_touch(&fs->nodes, node);
    drop_old(fs);
    freshness = freshness_of(fs, place, node->snapshot);
    *ret_timeout = timeout_of(node, &freshness);
    *ret_node = node;
    return 0;
}

/* ---- a running CSV grows ------------------------------------------------ */

struct growth {
    struct fs *fs;
    struct node *node;
    struct parked *waiting; /* NULL: that reader is gone */
};

static void on_page_forgotten(void *data)
{
    struct growth *growth = data;
    struct node *node = growth->node;
    struct fs *fs = growth->fs;

    node->growing = false;
    node_show(node);
    if (growth->waiting)
        park_reply_attributes(growth->waiting);
    free(growth);
    node->pins--;
    node_release(&fs->nodes, node);
}

static void on_reader_gone(void *data)
{
    struct growth *growth = data;

    growth->waiting = NULL;
}

/* The node has got its new snapshot, and shows the old one's size until the kernel is ready. */
static void grow(struct parked *parked)
{
    struct node *node = parked->node;
    struct growth *growth = malloc(sizeof(*growth));
    int64_t page = sysconf(_SC_PAGESIZE);
    int result = -ENOMEM;

    if (growth) {
        *growth = (struct growth){.fs = parked->fs, .node = node, .waiting = parked};
        result = helper_forget_pages(parked->fs->helper, node->number,
                                     (int64_t)node->shown / page * page, on_page_forgotten, growth);
    }
    if (result < 0) {
        free(growth);
        park_reply_error(parked, -result);
        return;
    }
    node->growing = true;
    node->pins++;
    park_wait(parked, on_reader_gone, growth);
}

/* A newer snapshot for a node that has one; its reference is taken over. */
static void renew(struct parked *parked, struct snapshot *snapshot)
{
    struct node *node = parked->node;
    const struct snapshot *old = node->snapshot;

    if (snapshot->size < node->shown || memcmp(snapshot->bytes, old->bytes, node->shown) != 0) {
        /* Who has it open keeps the old bytes; the name will lead to a new node. */
        snapshot_unref(snapshot);
        node_retire(&parked->fs->nodes, node);
        node_keep(node, false);
        node->running = false;
        park_reply_attributes(parked);
        return;
    }
    if (snapshot->size == old->size && is_description(&node->place))
        snapshot->modified = old->modified; /* nothing has changed */
    bind(parked->fs, node, snapshot);
    if (snapshot->size == node->shown) {
        node_show(node);
        park_reply_attributes(parked);
        return;
    }
    grow(parked);
}

/* ---- GETATTR ------------------------------------------------------------ */

/* Whether a newer document is of use to the node: it has none yet, or is a CSV that grows. */
static bool wants(const struct node *node, int64_t fetched)
{
    if (!node->snapshot)
        return true;
    return node->running && !node->growing && node->snapshot->fetched < fetched;
}

void file_take(struct parked *parked, struct snapshot *snapshot)
{
    struct node *node = parked->node;

    if (!wants(node, snapshot->fetched)) {
        snapshot_unref(snapshot);
        park_reply_attributes(parked);
    } else if (node->snapshot) {
        renew(parked, snapshot);
    } else {
        bind(parked->fs, node, snapshot);
        node_show(node);
        park_reply_attributes(parked);
    }
}

/* Whether an account that was never heard may have what the others lack. */
static bool may_come(const struct fs *fs, const struct place *place)
{
    struct cemm_query query;

    return is_description(place) && fs_account_unheard(fs) && tree_query(place, &query) &&
           cemm_offers(fs->cemm, &query.uid, query.alias, query.endpoint);
}

/* Remembers what is not there. Returns the errno of a failure. */
static int take_failure(const struct fs *fs, struct node *node, int error)
{
    if (error == ENOENT && may_come(fs, &node->place))
        error = EHOSTUNREACH;
    node->absent = error == ENOENT ? cemm_clock_wall() : 0;
    return error;
}

/* Nobody is asked at once again for a description that is not there. */
static bool is_known_absent(const struct node *node)
{
    int64_t age = cemm_clock_wall() - node->absent;

    return is_description(&node->place) && node->absent != 0 && age >= 0 && age <= FS_INFO_MAX_AGE;
}

void file_answer(struct parked *parked, const struct cemm_answer *answer)
{
    struct node *node = parked->node;
    struct tree_clock clock = fs_clock(parked->fs);
    struct snapshot *snapshot = NULL;
    int result;

    if (answer->result != 0) {
        park_reply_error(parked, take_failure(parked->fs, node, fs_errno(answer->result)));
        return;
    }
    if (!wants(node, cemm_document_fetched(answer->document))) {
        park_reply_attributes(parked);
        return;
    }
    result = snapshot_render(&node->place, answer->document, &clock, &snapshot);
    if (result == -EIO)
        fs_note_name(parked->fs, &node->place, "the answer is too large for this file");
    if (result < 0) {
        park_reply_error(parked, take_failure(parked->fs, node, -result));
        return;
    }
    node->absent = 0;
    file_take(parked, snapshot);
}

void file_getattr(struct fs *fs, fuse_req_t request, struct node *node)
{
    struct freshness freshness = freshness_of(fs, &node->place, node->snapshot);
    struct parked draft = {.fs = fs, .request = request, .node = node, .resume = file_answer};
    struct cemm_query query;

    node->asked = cemm_clock_wall();
    if (node->snapshot && (!node->running || node->growing || left(node, &freshness) >= 0)) {
        fs_reply_attributes(fs, request, node);
    } else if (is_known_absent(node)) {
        (void)fuse_reply_err(request, ENOENT);
    } else if (info_is(&node->place)) {
        info_getattr(fs, request, node);
    } else if (tree_query(&node->place, &query)) {
        struct place place = node->place;

        park_get(&draft, &query, freshness.max_age);
        ahead_read(fs, &place);
    } else {
        (void)fuse_reply_err(request, EIO);
    }
}

/* ---- READ ------------------------------------------------------------------ */

static void reply_bytes(fuse_req_t request, const struct snapshot *snapshot, size_t size,
                        off_t offset)
{
    size_t begin = (uint64_t)offset < snapshot->size ? (size_t)offset : snapshot->size;

    if (size > snapshot->size - begin)
        size = snapshot->size - begin;
    (void)fuse_reply_buf(request, snapshot->bytes + begin, size);
}

/* Makes the bytes anew that had been given up. Returns a positive errno, or 0. */
static int restore(struct fs *fs, struct node *node, const struct cemm_answer *answer)
{
    struct tree_clock clock = fs_clock(fs);
    struct snapshot *anew;
    int result;

    if (answer->result != 0)
        return fs_errno(answer->result);
    result = snapshot_render(&node->place, answer->document, &clock, &anew);
    if (result < 0)
        return -result;
    if (!node_restore(&fs->nodes, node, anew)) {
        /* Half a file of each would be torn: the name leads to the new one from now on. */
        forget_name(fs, node);
        node_retire(&fs->nodes, node);
        result = ESTALE;
    }
    snapshot_unref(anew);
    return result;
}

static void on_bytes(struct parked *parked, const struct cemm_answer *answer)
{
    struct fs *fs = parked->fs;
    struct node *node = parked->node;
    int error = node->snapshot->bytes ? 0 : restore(fs, node, answer);

    if (error != 0) {
        park_reply_error(parked, error);
        return;
    }
    reply_bytes(parked->request, node->snapshot, parked->size, parked->offset);
    park_free(parked);
    drop_old(fs);
}

void file_read(struct fs *fs, fuse_req_t request, struct node *node, size_t size, off_t offset)
{
    struct parked draft = {.fs = fs,
                           .request = request,
                           .node = node,
                           .resume = on_bytes,
                           .size = size,
                           .offset = offset};
    const struct snapshot *snapshot = node->snapshot;
    struct cemm_query query;

    if (snapshot && snapshot->bytes)
        reply_bytes(request, snapshot, size, offset);
    else if (snapshot && tree_query(&node->place, &query))
        park_get(&draft, &query, freshness_of(fs, &node->place, snapshot).max_age);
    else /* GETATTR comes first: it is what waits. */
        (void)fuse_reply_err(request, EIO);
}
