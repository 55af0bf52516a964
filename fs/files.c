/*
 * The kernel keeps a file's bytes under its inode number and trusts the
 * attributes that it was given. It follows:
 *
 * LOOKUP must not wait, because the kernel locks the directory meanwhile. So a
 * name whose document is not cached gets a cold node: one without a snapshot,
 * with attributes that expire at once. stat and read ask for them again first
 * (AUTO_INVAL_DATA), and that request, GETATTR, may wait.
 *
 * sendfile, splice, copy_file_range and mmap do not ask: the kernel uses the
 * size that it has. So a cold node is given too large a size. The READ waits,
 * and its short answer cuts the size, unless the kernel was given another size
 * since it sent the READ. That must not be the large one again, or the rest of
 * the page would be shown as NULs. So each cold node is used once: a name that
 * is looked up again while it is cold gets a new node.
 *
 * A READ that waits is synchronous: without ASYNC_READ it can be interrupted
 * and does not take a slot from others. If a READ of several pages fails, the
 * kernel asks for the first of them alone, which must not wait again.
 *
 * The bytes of an inode never change. A newer document is a new node, found at
 * the next LOOKUP, when the name has expired.
 *
 * The exceptions are a CSV of a day that is not over, and info.json and io,
 * which mostly stay the same. As long as the new bytes are the old ones, or
 * append to them, the node stays: so tail -f works, and info.json keeps its
 * time. If there are more bytes, the order matters: first they can be read,
 * then the kernel forgets the last page (its end was filled with zeros), and
 * only then it gets the new size.
 */
#include "fs/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/pending.h"

#define REPEATED_MS 1000 /* how long the failure of a READ answers the next one */
#define FOLLOWED_MS 5000 /* a running CSV is followed if the last GETATTR is not older */
#define RUNNING_S   1.0  /* how long the name of a running CSV is valid: its node grows */
#define CLOSED_S    60.0 /* of a closed file: then its archive file is looked for again */

/* ---- how long a file is valid ------------------------------------------- */

/* info.json, of which a device or a meter may need more than one document. */
static bool is_info(const struct path *path)
{
    return path->kind == PATH_DEVICE_INFO || path->kind == PATH_INFO;
}

static bool is_description(const struct path *path)
{
    return is_info(path) || path->kind == PATH_IO;
}

/* Whether a node may follow its data while it grows. */
static bool may_run(const struct path *path)
{
    return is_description(path) || (path->history == HISTORY_DAYS && path->form == CEMM_FORM_CSV);
}

bool file_closed(const struct fs *fs, const struct node *node)
{
    return node->snapshot ? node->snapshot->closed
                          : fs_clock(fs).now >= tree_closed_at(&node->path, cemm_zone(fs->cemm));
}

bool file_followed(const struct node *node)
{
    return is_description(&node->path) ||
           (node->running && (node->pins > 0 || cemm_clock_wall() - node->asked <= FOLLOWED_MS));
}

int64_t file_max_age(const struct fs *fs, const struct path *path)
{
    return path->kind == PATH_PERIOD || is_description(path) ? FS_MAX_AGE
                                                             : fs->options->realtime_ttl * 1000;
}

/* How much longer a snapshot is valid (ms); < 0: it is not, or the clock was set back. */
static int64_t time_left(const struct fs *fs, const struct node *node)
{
    const struct snapshot *snapshot = node->snapshot;
    int64_t age = cemm_clock_wall() - snapshot->fetched;
    if (snapshot->closed && !snapshot->empty)
        return INT64_MAX;
    return age < 0 ? -1 : (snapshot->closed ? CEMM_EMPTY_AGE : file_max_age(fs, &node->path)) - age;
}

/* How long the kernel may keep the name (seconds). */
static double name_timeout(const struct fs *fs, const struct node *node)
{
    if (file_closed(fs, node) && !(node->snapshot && node->snapshot->empty))
        return CLOSED_S;
    if (may_run(&node->path))
        return RUNNING_S;
    int64_t left = node->snapshot ? time_left(fs, node) : file_max_age(fs, &node->path);
    return left > 0 ? (double)left / 1000 : 0;
}

/* ---- what is kept -------------------------------------------------------- */

/* Returns false if the kernel cannot be told now. */
static bool forget_name(struct fs *fs, struct node *node)
{
    if (node->current && node->parent != 0 &&
        invalidate_name(&fs->invalidate, node->parent, tree_name(&node->path)) < 0)
        return false;
    node_unqueue(node);
    return true;
}

/* Files are kept until the kernel forgets them, which it does only if memory is short. Beyond a
 * limit it is told to. Bytes can be rendered again, so those of the oldest files are dropped;
 * readers that have such a file open mostly get it from the page cache. The document of an open
 * file may change, so its name leads to a new node. */
static void drop_old(struct fs *fs)
{
    struct nodes *nodes = &fs->nodes;
    while (nodes->closed.bytes > FS_CLOSED_BYTES && nodes->closed.count > 1)
        node_drop_bytes(nodes, TAILQ_FIRST(&nodes->closed.nodes));
    while (nodes->open.bytes > FS_OPEN_BYTES && nodes->open.count > 1) {
        struct node *node = TAILQ_FIRST(&nodes->open.nodes);
        node_drop_bytes(nodes, node);
        (void)forget_name(fs, node);
        node_retire(nodes, node);
        node->kept = false;
        node_release(nodes, node);
    }
    while (nodes->closed.count + nodes->bare.count > FS_CLOSED_FILES) {
        struct node_queue *queue = nodes->bare.count > 0 ? &nodes->bare : &nodes->closed;
        if (!forget_name(fs, TAILQ_FIRST(&queue->nodes)))
            return;
    }
}

/* Takes over the snapshot. */
static void bind(struct fs *fs, struct node *node, struct snapshot *snapshot)
{
    node->running = may_run(&node->path) && !snapshot->closed;
    node->archived = snapshot->closed && fs_archived(fs, &node->path);
    node->absent = 0;
    /* Only the node knows when info.json or io last changed. */
    node->kept = is_description(&node->path) && node->current;
    node_bind(&fs->nodes, node, snapshot);
    drop_old(fs);
}

/* ---- LOOKUP ------------------------------------------------------------- */

/* Takes over the snapshot, which may be NULL. NULL: no memory. */
static struct node *new_node(struct fs *fs, const struct path *path, struct snapshot *snapshot)
{
    struct node *node = node_new(&fs->nodes, path);
    if (node && snapshot) {
        bind(fs, node, snapshot);
        node_show(node);
    } else {
        snapshot_free(snapshot);
    }
    return node;
}

/* The status is rendered at each lookup; if the text is the same, so is the node. */
static int status_lookup(struct fs *fs, const struct path *path, struct node **ret_node)
{
    struct node *node = nodes_current(&fs->nodes, path->text);
    struct snapshot *snapshot;
    int r = status_render(fs, path->kind == PATH_STATUS_JSON, &snapshot);
    if (r < 0)
        return r;
    if (node && node->snapshot->hash == snapshot->hash)
        snapshot_free(snapshot);
    else
        node = new_node(fs, path, snapshot);
    *ret_node = node;
    return node ? 0 : -ENOMEM;
}

/* Whether somebody has deleted a closed period's archive file. Then it is fetched again: both of
 * its names lead to new nodes. */
static bool was_deleted(struct fs *fs, struct node *node)
{
    bool archived = node->archived;
    node->archived = node->snapshot->closed && fs_archived(fs, &node->path);
    if (!archived || node->archived)
        return false;
    struct node *twin = nodes_current(&fs->nodes, tree_twin(&node->path).text);
    if (twin)
        node_retire(&fs->nodes, twin);
    node_retire(&fs->nodes, node);
    return true;
}

/* Whether the name still leads to this node. A cold node is used once. */
static bool is_good(struct fs *fs, struct node *node)
{
    return node->snapshot && !was_deleted(fs, node) &&
           (time_left(fs, node) >= 0 || file_followed(node));
}

static int node_of(struct fs *fs, const struct path *path, struct node **ret_node)
{
    struct node *node = nodes_current(&fs->nodes, path->text);
    *ret_node = node;
    if (node && is_good(fs, node))
        return 0;
    int64_t absent = node ? node->absent : 0;
    struct snapshot *snapshot = NULL;
    /* info.json may need several documents, which are fetched later. */
    struct cemm_document *document =
        is_info(path) ? NULL : fs_peek(fs, path, file_max_age(fs, path));
    int r = document ? snapshot_render(path, document, cemm_zone(fs->cemm), &snapshot) : 0;
    cemm_document_unref(document);
    if (r < 0)
        return r;
    if (snapshot)
        fs_note(fs, path, NULL);
    *ret_node = node = new_node(fs, path, snapshot);
    if (!node)
        return -ENOMEM;
    if (!snapshot)
        node->absent = absent;
    else
        fs_read_ahead(fs, path);
    return 0;
}

int file_lookup(struct fs *fs, const struct path *path, struct node **ret_node, double *ret_timeout)
{
    if (path->kind == PATH_STATUS || path->kind == PATH_STATUS_JSON) {
        *ret_timeout = 0;
        return status_lookup(fs, path, ret_node);
    }
    int r = node_of(fs, path, ret_node);
    if (r < 0)
        return r;
    node_touch(&fs->nodes, *ret_node);
    drop_old(fs);
    *ret_timeout = name_timeout(fs, *ret_node);
    return 0;
}

/* ---- answers to GETATTR and READ ---------------------------------------------- */

static void reply_bytes(fuse_req_t request, const struct snapshot *snapshot, size_t size,
                        off_t offset)
{
    fs_reply_bytes(request, snapshot->bytes, snapshot->size, size, offset);
}

/* Renders the dropped bytes again. Returns 0 or a positive errno. */
static int restore(struct fs *fs, struct node *node, const struct cemm_answer *answer)
{
    struct snapshot *anew;
    if (answer->result != 0)
        return fs_errno(answer->result);
    int r = snapshot_render(&node->path, answer->document, cemm_zone(fs->cemm), &anew);
    if (r < 0)
        return -r;
    if (!node_restore_bytes(&fs->nodes, node, anew)) {
        /* A reader would get half of each version, so the name leads to a new node. */
        (void)forget_name(fs, node);
        node_retire(&fs->nodes, node);
        r = ESTALE;
    }
    snapshot_free(anew);
    return r;
}

static void on_bytes(struct pending *pending, const struct cemm_answer *answer)
{
    struct fs *fs = pending->fs;
    struct node *node = pending->node;
    int error = node->snapshot->bytes ? 0 : restore(fs, node, answer);
    if (error != 0) {
        pending_reply_error(pending, error);
        return;
    }
    reply_bytes(pending->request, node->snapshot, pending->size, pending->offset);
    pending_free(pending);
    drop_old(fs);
}

/* Asks for the document of the dropped bytes. Any cached one will do: a newer one would give
 * another file. */
static void ask_for_bytes(struct pending *pending)
{
    const struct node *node = pending->node;
    if (is_info(&node->path))
        pending_reply_error(pending, ESTALE); /* it needs more than one document */
    else
        pending_get(pending, &node->path, INT64_MAX, on_bytes);
}

/* The node has a snapshot. */
static void reply(struct pending *pending)
{
    const struct snapshot *snapshot = pending->node->snapshot;
    if (!pending->reading) {
        pending_reply_attributes(pending);
    } else if (snapshot->bytes) {
        reply_bytes(pending->request, snapshot, pending->size, pending->offset);
        pending_free(pending);
    } else {
        ask_for_bytes(pending);
    }
}

/* ---- a running CSV grows ------------------------------------------------ */

static void on_page_forgotten(void *data)
{
    struct pending *pending = data;
    pending->node->growing = false;
    node_show(pending->node);
    pending_reply_attributes(pending);
}

/* The node has its new snapshot, and shows the old size until the kernel has forgotten the page. */
static void grow(struct pending *pending)
{
    struct node *node = pending->node;
    int64_t page = sysconf(_SC_PAGESIZE);
    node->growing =
        invalidate_pages(&pending->fs->invalidate, node->number, (int64_t)node->shown / page * page,
                         on_page_forgotten, pending) == 0;
    if (!node->growing)
        pending_reply_attributes(pending); /* it grows with the next document */
}

/* Takes over a newer snapshot. */
static void renew(struct pending *pending, struct snapshot *snapshot)
{
    struct node *node = pending->node;
    const struct snapshot *old = node->snapshot;
    if (!old->bytes || snapshot->size < node->shown ||
        memcmp(snapshot->bytes, old->bytes, node->shown) != 0) {
        /* Readers that have it open keep the old bytes; the name will lead to a new node. */
        snapshot_free(snapshot);
        node_retire(&pending->fs->nodes, node);
        node->kept = false;
        node->running = false;
        reply(pending);
        return;
    }
    if (snapshot->size == old->size && is_description(&node->path))
        snapshot->modified = old->modified; /* nothing has changed */
    bind(pending->fs, node, snapshot);
    if (snapshot->size == node->shown) {
        node_show(node);
        reply(pending);
        return;
    }
    grow(pending);
}

/* ---- GETATTR ------------------------------------------------------------ */

/* Whether the node takes a newer document: it has none, or it is a CSV that grows. During READ it
 * must not grow: its pages are locked. */
static bool wants(const struct pending *pending, int64_t fetched)
{
    const struct node *node = pending->node;
    if (!node->snapshot)
        return true;
    return !pending->reading && node->running && !node->growing &&
           node->snapshot->fetched < fetched;
}

static void take_snapshot(struct pending *pending, struct snapshot *snapshot)
{
    struct node *node = pending->node;
    if (!wants(pending, snapshot->fetched)) {
        snapshot_free(snapshot);
        reply(pending);
    } else if (node->snapshot) {
        renew(pending, snapshot);
    } else {
        bind(pending->fs, node, snapshot);
        node_show(node);
        reply(pending);
    }
}

/* Whether an account has never answered, so that its devices are unknown. */
static bool has_silent_account(const struct fs *fs)
{
    struct cemm_source_state source;
    for (size_t i = 0; cemm_source_at(fs->cemm, i, &source); i++) {
        if (source.cloud && source.last_success == 0)
            return true;
    }
    return false;
}

/* Whether an account that has not answered yet may have what the others lack. */
static bool may_come(const struct fs *fs, const struct path *path)
{
    struct cemm_query query;
    return is_description(path) && has_silent_account(fs) && tree_query(path, &query) &&
           cemm_offers(fs->cemm, &query.uid, query.alias, query.endpoint);
}

/* Whether something was at most `age` ms ago. */
static bool is_recent(int64_t time, int64_t age)
{
    int64_t now = cemm_clock_wall();
    return time != 0 && now >= time && now - time <= age;
}

/* Records a reason, prefixed with the device and the meter. */
static void note(struct fs *fs, const struct path *path, const char *reason)
{
    struct cemm_message message;
    cemm_message_set(&message, "%s%s%s: %s", path->uid.text, path->alias[0] ? " " : "", path->alias,
                     reason);
    fs_note(fs, path, message.text);
}

/* Whether an account sent it. */
static bool is_of_account(const struct fs *fs, const struct cemm_document *document)
{
    struct cemm_source_state source;
    for (size_t i = 0; cemm_source_at(fs->cemm, i, &source); i++) {
        if (strcmp(source.name, cemm_document_source(document)) == 0)
            return source.cloud;
    }
    return false;
}

/* Whether a list of meters on the LAN may have what this one lacks: the cloud's has no aliases. But
 * older firmware has no list. */
static bool may_be_listed(const struct fs *fs, const struct path *path,
                          const struct cemm_document *list)
{
    return is_of_account(fs, list) && cemm_offers(fs->cemm, &path->uid, path->alias, CEMM_IO);
}

/* Remembers absence. Returns the errno of the failure. `document` lacks what the file shows; NULL:
 * there is none. */
static int take_failure(struct fs *fs, struct node *node, int error,
                        const struct cemm_document *document)
{
    const struct path *path = &node->path;
    if (error == ENOENT && path->kind == PATH_INFO && document) {
        if (may_be_listed(fs, path, document))
            error = EHOSTUNREACH;
        else
            note(fs, path, "no source has information about this meter");
    }
    if (error == ENOENT && may_come(fs, path))
        error = EHOSTUNREACH;
    node->absent = error == ENOENT ? cemm_clock_wall() : 0;
    return error;
}

static void take_answer(struct pending *pending, const struct cemm_answer *answer)
{
    struct fs *fs = pending->fs;
    struct node *node = pending->node;
    struct snapshot *snapshot;
    if (answer->result != 0) {
        pending_reply_error(pending, take_failure(fs, node, fs_errno(answer->result), NULL));
        return;
    }
    if (!wants(pending, cemm_document_fetched(answer->document))) {
        reply(pending);
        return;
    }
    int r = snapshot_render(&node->path, answer->document, cemm_zone(fs->cemm), &snapshot);
    if (r == -EIO)
        note(fs, &node->path, "the answer is too large for this file");
    if (r < 0) {
        pending_reply_error(pending, take_failure(fs, node, -r, answer->document));
        return;
    }
    take_snapshot(pending, snapshot);
}

/* ---- info.json ------------------------------------------------------------ */

/* A device: its answer on the LAN, and the account that reaches it. It is absent only if every
 * account has answered. */
static void on_root(struct pending *pending, const struct cemm_answer *answer)
{
    struct fs *fs = pending->fs;
    const struct cemm_uid *uid = &pending->node->path.uid;
    const struct cemm_device *device = cemm_device_named(fs->cemm, uid);
    const char *account = device ? cemm_device_account(device) : NULL;
    struct snapshot *snapshot;
    int r = 0;
    if (answer->result != 0 && answer->result != CEMM_ABSENT)
        r = fs_errno(answer->result);
    else if (!account && pending->found != 0 && has_silent_account(fs))
        r = fs_errno(pending->found);
    else if (!account && !answer->document)
        r = ENOENT;
    if (r == ENOENT)
        note(fs, &pending->node->path, "no source has information about this device");
    if (r == 0)
        r = -snapshot_of_device(uid, account, answer->document, &snapshot);
    if (r != 0)
        pending_reply_error(pending, r);
    else
        take_snapshot(pending, snapshot);
}

static void on_devices(struct pending *pending, const struct cemm_answer *answer)
{
    pending->found = answer->result;
    pending_get(pending, &pending->node->path, FS_MAX_AGE, on_root);
}

/* A meter: the answer of the cloud or, if no account has the meter, its entry in the list of meters
 * on the LAN. */
static void on_meter(struct pending *pending, const struct cemm_answer *answer)
{
    const struct path io = {.kind = PATH_IO, .uid = pending->node->path.uid};
    if (answer->result == CEMM_ABSENT)
        pending_get(pending, &io, FS_MAX_AGE, take_answer);
    else
        take_answer(pending, answer);
}

/* Asks for the documents, whose arrival answers the request. */
static void ask(struct pending *pending)
{
    struct node *node = pending->node;
    struct fs *fs = pending->fs;
    struct path path = node->path;
    pending->absence_is_fine = is_info(&path);
    if (is_description(&path) && is_recent(node->absent, FS_MAX_AGE)) {
        pending_reply_error(pending, ENOENT); /* it is not asked for again at once */
    } else if (path.kind == PATH_DEVICE_INFO) {
        /* An account that has answered is not asked again. */
        pending_find(pending, NULL, INT64_MAX, on_devices);
    } else if (path.kind == PATH_INFO) {
        pending_get(pending, &path, FS_MAX_AGE, on_meter);
    } else {
        pending_get(pending, &path, file_max_age(fs, &path), take_answer);
        fs_read_ahead(fs, &path);
    }
}

void file_getattr(struct fs *fs, fuse_req_t request, struct node *node, bool open)
{
    node->asked = cemm_clock_wall();
    if (node->snapshot && (!node->running || node->growing || time_left(fs, node) >= 0)) {
        fs_reply_attributes(fs, request, node);
        return;
    }
    struct pending *pending = pending_new(request, node);
    if (!pending)
        return;
    pending->open = open;
    ask(pending);
}

/* ---- READ ------------------------------------------------------------------ */

void file_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
               struct fuse_file_info *info)
{
    struct node *node = fs_node(request, number);
    (void)info;
    if (!node)
        return;
    const struct snapshot *snapshot = node->snapshot;
    if (snapshot && snapshot->bytes) {
        reply_bytes(request, snapshot, size, offset);
        return;
    }
    if (is_recent(node->failed, REPEATED_MS)) {
        (void)fuse_reply_err(request, node->error);
        return;
    }
    struct pending *pending = pending_new(request, node);
    if (!pending)
        return;
    pending->reading = true;
    pending->size = size;
    pending->offset = offset;
    if (snapshot)
        ask_for_bytes(pending);
    else
        ask(pending);
}
