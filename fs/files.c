/*
 * The kernel caches a file's bytes by inode number, and trusts the attributes
 * that it was given. Everything below follows from this.
 *
 * LOOKUP must not wait, because the kernel keeps the directory locked. So a
 * name whose document is not cached gets a cold node: a node without a
 * snapshot, whose attributes expire immediately. stat(2) and read(2) request
 * them again (AUTO_INVAL_DATA), and that request, GETATTR, may wait.
 *
 * sendfile, splice, copy_file_range and mmap do not request attributes: the
 * kernel uses the size that it has. So a cold node gets a size that is too
 * large. The READ waits, and its short answer makes the kernel reduce the size.
 * This could fail if two programs used the node. If another LOOKUP of the node
 * is answered while the READ waits, the kernel keeps the large size, and the
 * rest of the page reads as NULs. If a second READ has a higher offset, its
 * empty answer could set the size to that offset. So each cold node is used
 * once: its name expires immediately, and the next LOOKUP of the name makes a
 * new node if this node is still cold.
 *
 * READ is synchronous (no ASYNC_READ), so that a waiting READ can be
 * interrupted and is not a background request. If a READ of several pages
 * fails, the kernel sends a READ of the first page alone. That READ must not
 * wait again, so it gets the same error.
 *
 * The bytes of an inode never change. A newer document gets a new node, which
 * the next LOOKUP finds after the name has expired.
 *
 * Some files keep their node as long as the new bytes begin with the old bytes:
 * the CSV of a day that is not over, so that tail -f works, and info.json and io
 * (io.json, io.csv), so that an unchanged file keeps its time. Added bytes are
 * first made readable; then the kernel forgets the last page (its end was filled
 * with zeros), and only then is it told the new size. tail -F prints a file
 * again if its st_ino changes. So new nodes of these files get the same st_ino
 * until `breaks` in struct fs increases.
 */
#include "fs/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FINAL_BYTES    (8u << 20)  /* bytes of closed periods to keep; drop_old() drops the rest */
#define CHANGING_BYTES (56u << 20) /* bytes of other files to keep */
#define FINAL_FILES    4096        /* files to keep in the queues `final` and `bare` */
#define REPEATED_MS    1000        /* how long further READs get the error of a READ that failed */
#define FOLLOWED_MS    5000        /* how long after GETATTR file_followed() assumes a reader */
#define GROWABLE_S     1.0         /* how long the name of a growable file is valid */
#define CLOSED_S       60.0 /* the same for a closed period, whose archive file may be deleted */
#define AHEAD_MAX      8    /* at most this many days are fetched ahead */

/* ---- how long a file is valid ------------------------------------------- */

static bool is_description(const struct path *path)
{
    return tree_is_info(path) || path->kind == PATH_IO;
}

/* Whether the file may grow while its node stays the same. */
static bool is_growable(const struct path *path)
{
    return is_description(path) || (path->query.endpoint == CEMM_DATA && path->span == CEMM_DAY &&
                                    path->format == CEMM_FORMAT_CSV);
}

/* Whether the path is the file of a period that is closed according to our clock. */
static bool is_closed(const struct fs *fs, const struct path *path)
{
    struct tree_clock clock = fs_clock(fs);
    return path->kind == PATH_PERIOD &&
           clock.now >= cemm_period_closed(clock.zone, &path->query.period);
}

bool file_closed(const struct fs *fs, const struct node *node)
{
    return node->snapshot ? node->snapshot->closed : is_closed(fs, &node->path);
}

bool file_followed(const struct node *node)
{
    return is_description(&node->path) ||
           (node->may_grow && (node->pins > 0 || cemm_clock_wall() - node->asked <= FOLLOWED_MS));
}

/* The maximum age (ms) of a document that can still change. */
static int64_t max_age(const struct fs *fs, const struct path *path)
{
    return path->kind == PATH_PERIOD || is_description(path) ? FS_MAX_AGE
                                                             : fs->options->realtime_ttl * 1000;
}

/* How many more ms a snapshot is valid; < 0: it has expired, or the clock was set back. */
static int64_t time_left(const struct fs *fs, const struct node *node)
{
    const struct snapshot *snapshot = node->snapshot;
    int64_t age = cemm_clock_wall() - snapshot->fetched;
    if (snapshot->closed && !snapshot->empty)
        return INT64_MAX;
    return age < 0 ? -1 : (snapshot->closed ? CEMM_EMPTY_AGE : max_age(fs, &node->path)) - age;
}

/* How long the kernel may keep the name (seconds). */
static double name_timeout(const struct fs *fs, const struct node *node)
{
    if (!node->snapshot)
        return 0;
    if (node->snapshot->closed && !node->snapshot->empty)
        return CLOSED_S;
    if (is_growable(&node->path))
        return GROWABLE_S;
    int64_t left = time_left(fs, node);
    return left > 0 ? (double)left / 1000 : 0;
}

/* ---- what is kept -------------------------------------------------------- */

/* Tells the kernel to forget the node's name, and unqueues the node. False: not possible now. */
static bool forget_name(struct fs *fs, struct node *node)
{
    struct notice notice = {.number = node->parent};
    (void)snprintf(notice.name, sizeof(notice.name), "%s", tree_name(&node->path));
    if (node->current && node->parent != 0 && !invalidate_send(&fs->invalidate, &notice))
        return false;
    node_unqueue(node);
    return true;
}

/* Keeps to the limits FINAL_* and CHANGING_*, because the kernel itself forgets files only if
 * memory is short. The least recently used files go first. Closed periods lose only their bytes,
 * which can be rendered again and are mostly still in the page cache; if there are too many files,
 * they lose their names, too. Other files may have changed since they were fetched, so their names
 * get new nodes. */
static void drop_old(struct fs *fs)
{
    struct nodes *nodes = &fs->nodes;
    while (nodes->final.bytes > FINAL_BYTES && nodes->final.count > 1)
        node_set_bytes(nodes, TAILQ_FIRST(&nodes->final.nodes), NULL);
    while (nodes->changing.bytes > CHANGING_BYTES && nodes->changing.count > 1) {
        struct node *node = TAILQ_FIRST(&nodes->changing.nodes);
        node_set_bytes(nodes, node, NULL);
        (void)forget_name(fs, node);
        node_retire(nodes, node);
        node_release(nodes, node);
    }
    while (nodes->final.count + nodes->bare.count > FINAL_FILES) {
        struct node *node =
            TAILQ_FIRST(nodes->bare.count > 0 ? &nodes->bare.nodes : &nodes->final.nodes);
        if (!forget_name(fs, node))
            return;
        if (node->kept) {
            node_retire(nodes, node);
            node_release(nodes, node);
        }
    }
}

static void set_snapshot(struct fs *fs, struct node *node, struct snapshot *snapshot)
{
    node->may_grow = is_growable(&node->path) && !snapshot->closed;
    node->archived = snapshot->closed && cemm_archived(fs->cemm, &node->path.query);
    node->absent = 0;
    /* info.json and io are kept, because only the node knows when they last changed. */
    node->kept = is_description(&node->path) && node->current;
    node_set_snapshot(&fs->nodes, node, snapshot);
    drop_old(fs);
}

/* ---- read-ahead --------------------------------------------------------- */

/* Called for a file that the kernel had not cached. Once two consecutive days of a month have been
 * read in order, fetches as many of the next days as were read in order, at most AHEAD_MAX. These
 * days are closed, so even a day that nobody reads is requested only once. */
static void read_ahead(struct fs *fs, const struct path *path)
{
    struct tree_clock clock = fs_clock(fs);
    struct cemm_query next = path->query;
    int day = next.period.day;
    struct path above = *path;
    if (path->span != CEMM_DAY || !is_closed(fs, path))
        return;
    tree_cut(above.text);
    struct node *month = nodes_current(&fs->nodes, above.text);
    if (!month || month->day_read == day)
        return; /* the same day was read before, as .csv or .json */
    month->days_in_order = month->day_read + 1 == day ? month->days_in_order + 1 : 1;
    month->day_read = day;
    for (int i = 0; month->days_in_order > 1 && i < month->days_in_order && i < AHEAD_MAX; i++) {
        next.period = cemm_period_step(&next.period, 1);
        int64_t closed_for = clock.now - cemm_period_closed(clock.zone, &next.period);
        if (next.period.month != path->query.period.month || closed_for <= 0)
            return;
        if (!cemm_archived(fs->cemm, &next))
            cemm_prefetch(fs->cemm, &next, closed_for * 1000); /* fetched after the day closed */
    }
}

/* ---- LOOKUP ------------------------------------------------------------- */

/* Makes a node that owns the snapshot, if there is one. Returns NULL if there is no memory. */
static struct node *new_node(struct fs *fs, const struct path *path, struct snapshot *snapshot)
{
    struct node *node = node_new(&fs->nodes, path);
    if (node && snapshot)
        set_snapshot(fs, node, snapshot);
    else
        snapshot_free(snapshot);
    return node;
}

/* Renders the status at each lookup. If the text has not changed, the node stays. */
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

/* If the archive file of a closed period was deleted, retires the nodes of the period's .csv and
 * .json, so that the period is fetched again. Returns whether the archive file was deleted. */
static bool retire_deleted(struct fs *fs, struct node *node)
{
    bool archived = node->archived;
    node->archived = node->snapshot->closed && cemm_archived(fs->cemm, &node->path.query);
    if (!archived || node->archived)
        return false;
    struct node *twin = nodes_current(&fs->nodes, tree_twin(&node->path).text);
    if (twin)
        node_retire(&fs->nodes, twin);
    node_retire(&fs->nodes, node);
    return true;
}

/* Whether `time` was at most `age` ms ago; `time` 0 means never. */
static bool is_recent(int64_t time, int64_t age)
{
    int64_t now = cemm_clock_wall();
    return time != 0 && now >= time && now - time <= age;
}

/* Whether info.json or io does not exist according to a recent answer. */
static bool known_absent(const struct node *node)
{
    return is_description(&node->path) && is_recent(node->absent, FS_MAX_AGE);
}

bool file_absent(const struct node *node)
{
    return is_description(&node->path) ? known_absent(node) : node->absent != 0;
}

/* Whether a lookup may return this node. A cold node is used only once. */
static bool is_valid(struct fs *fs, struct node *node)
{
    return node->snapshot && !retire_deleted(fs, node) &&
           (time_left(fs, node) >= 0 || file_followed(node));
}

static int document_lookup(struct fs *fs, const struct path *path, struct node **ret_node)
{
    struct node *node = nodes_current(&fs->nodes, path->text);
    *ret_node = node;
    if (node && is_valid(fs, node))
        return 0;
    if (node && !node->snapshot && known_absent(node))
        return -ENOENT;
    int64_t absent = node ? node->absent : 0;
    if (node) {
        node_retire(&fs->nodes, node);
        node_release(&fs->nodes, node);
    }
    struct snapshot *snapshot = NULL;
    /* info.json may need several documents, which are fetched later. */
    struct cemm_document *document =
        tree_is_info(path) ? NULL : cemm_peek(fs->cemm, &path->query, max_age(fs, path));
    int r = document ? snapshot_render(path, document, cemm_zone(fs->cemm), &snapshot) : 0;
    cemm_document_unref(document);
    if (r < 0)
        return r;
    if (snapshot)
        fs_record(fs, path, NULL);
    *ret_node = node = new_node(fs, path, snapshot);
    if (!node)
        return -ENOMEM;
    if (is_growable(path) && !(snapshot && snapshot->closed))
        node_set_inode(node, CEMM_HASH + fs->breaks);
    if (!snapshot)
        node->absent = absent;
    else
        read_ahead(fs, path);
    return 0;
}

int file_lookup(struct fs *fs, const struct path *path, struct node **ret_node, double *ret_timeout)
{
    bool is_status = path->query.endpoint == CEMM_DEVICES; /* other files show a document */
    int r = is_status ? status_lookup(fs, path, ret_node) : document_lookup(fs, path, ret_node);
    if (r < 0)
        return r;
    node_touch(&fs->nodes, *ret_node);
    drop_old(fs);
    *ret_timeout = is_status ? 0 : name_timeout(fs, *ret_node);
    return 0;
}

/* ---- a document has arrived ------------------------------------------------ */

/* Answers a request whose node has a snapshot. */
static void reply(struct pending *pending)
{
    const struct snapshot *snapshot = pending->node->snapshot;
    if (!pending->reading) {
        pending_reply_attributes(pending);
    } else if (!snapshot->bytes) {
        pending_reply_error(pending, ESTALE); /* new bytes differ from those that were dropped */
    } else {
        fs_reply_bytes(pending->request, snapshot, pending->size, pending->offset);
        pending_free(pending);
    }
}

static void on_page_forgotten(void *data)
{
    struct pending *pending = data;
    pending->node->growing = false;
    node_show(pending->node);
    pending_reply_attributes(pending);
}

/* Gives the node a newer snapshot, which begins with the bytes that the kernel knows. If there are
 * more bytes, the kernel must forget the last page, and is shown the old size until it has done so.
 * If the notice cannot be sent now, the old snapshot stays, and the next GETATTR tries again. */
static void grow(struct pending *pending, struct snapshot *snapshot)
{
    struct node *node = pending->node;
    int64_t page = sysconf(_SC_PAGESIZE);
    const struct notice notice = {.number = node->number,
                                  .offset = (int64_t)node->shown / page * page,
                                  .done = on_page_forgotten,
                                  .data = pending};
    if (snapshot->size == node->snapshot->size && is_description(&node->path))
        snapshot->modified = node->snapshot->modified; /* nothing has changed */
    bool longer = snapshot->size > node->shown;
    node->growing = longer && invalidate_send(&pending->fs->invalidate, &notice);
    if (longer && !node->growing)
        snapshot_free(snapshot);
    else
        set_snapshot(pending->fs, node, snapshot);
    if (!node->growing)
        pending_reply_attributes(pending);
}

/* Whether the snapshot begins with the bytes that the kernel knows. */
static bool is_continued(const struct node *node, const struct snapshot *snapshot)
{
    const struct snapshot *old = node->snapshot;
    if (!old->bytes)
        return snapshot->size == old->size && snapshot->hash == old->hash;
    return snapshot->size >= node->shown && memcmp(snapshot->bytes, old->bytes, node->shown) == 0;
}

/* Whether a document fetched at `fetched` is needed: the node has no snapshot; or, for READ, its
 * bytes were dropped; or, for GETATTR, it may grow and its snapshot is older. A READ never lets the
 * node grow: the kernel would have to forget a page that it may have locked for this READ. */
static bool needs(const struct pending *pending, int64_t fetched)
{
    const struct node *node = pending->node;
    if (!node->snapshot)
        return true;
    if (pending->reading)
        return !node->snapshot->bytes;
    return node->may_grow && !node->growing && node->snapshot->fetched < fetched;
}

static void use_snapshot(struct pending *pending, struct snapshot *snapshot)
{
    struct fs *fs = pending->fs;
    struct node *node = pending->node;
    if (!needs(pending, snapshot->fetched)) {
        snapshot_free(snapshot);
    } else if (!node->snapshot) {
        set_snapshot(fs, node, snapshot);
    } else if (!is_continued(node, snapshot)) {
        /* The name will lead to a new node; readers of this node get its old bytes, or ESTALE. */
        snapshot_free(snapshot);
        if (pending->reading) /* of a closed period: its name is valid for CLOSED_S */
            (void)forget_name(fs, node);
        node_retire(&fs->nodes, node);
        struct node *current = nodes_current(&fs->nodes, node->path.text);
        if (current) { /* a newer node, whose st_ino must change, too */
            node_retire(&fs->nodes, current);
            node_release(&fs->nodes, current);
        }
        node->may_grow = false;
        fs->breaks++;
    } else if (pending->reading) {
        node_set_bytes(&fs->nodes, node, snapshot->bytes);
        snapshot->bytes = NULL;
        snapshot_free(snapshot);
        drop_old(fs);
    } else {
        grow(pending, snapshot);
        return;
    }
    reply(pending);
}

/* Whether there is an account that has never answered, so that its devices are unknown. */
static bool has_unheard_account(const struct fs *fs)
{
    struct cemm_source_state source;
    for (size_t i = 0; cemm_source_at(fs->cemm, i, &source); i++) {
        if (source.cloud && source.outcomes.last_success == 0)
            return true;
    }
    return false;
}

/* Records a failure: the device, the meter and the reason. */
static void record(struct fs *fs, const struct path *path, const char *reason)
{
    const char *alias = path->query.alias;
    struct cemm_message message;
    cemm_message_set(&message, "%s%s%s: %s", path->query.uid.text, alias[0] ? " " : "", alias,
                     reason);
    fs_record(fs, path, message.text);
}

/* Decides whether a file that could not be made is absent, and records it. Returns the errno for
 * the request. `document` was received, but no file was made from it; NULL: none was received. */
static int check_absence(struct fs *fs, struct node *node, int error,
                         const struct cemm_document *document)
{
    const struct path *path = &node->path;
    const struct cemm_query *query = &path->query;
    if (error == ENOENT && path->kind == PATH_METER_INFO && document) {
        /* The cloud's list of meters has no aliases. If a list on the LAN may have this alias, the
         * meter may exist. */
        if (strncmp(cemm_document_source(document), "cloud ", strlen("cloud ")) == 0 &&
            cemm_offers(fs->cemm, &query->uid, query->alias, CEMM_IO))
            error = EHOSTUNREACH;
        else
            record(fs, path, "no source has information about this meter");
    }
    /* An account that has not answered yet may have the document. */
    if (error == ENOENT && is_description(path) && has_unheard_account(fs) &&
        cemm_offers(fs->cemm, &query->uid, query->alias, query->endpoint))
        error = EHOSTUNREACH;
    node->absent = error == ENOENT ? cemm_clock_wall() : 0;
    if (!node->snapshot) {
        node->kept = known_absent(node) && node->current;
        node_touch(&fs->nodes, node);
    }
    return error;
}

static void on_document(struct pending *pending, const struct cemm_answer *answer)
{
    struct fs *fs = pending->fs;
    struct node *node = pending->node;
    struct snapshot *snapshot;
    if (answer->result != 0) {
        pending_reply_error(pending, check_absence(fs, node, fs_errno(answer->result), NULL));
        return;
    }
    if (!needs(pending, cemm_document_fetched(answer->document))) {
        reply(pending);
        return;
    }
    int r = snapshot_render(&node->path, answer->document, cemm_zone(fs->cemm), &snapshot);
    if (r == -EIO)
        record(fs, &node->path, "the answer is too large to be shown as a file");
    if (r < 0)
        pending_reply_error(pending, check_absence(fs, node, -r, answer->document));
    else
        use_snapshot(pending, snapshot);
}

/* ---- info.json ------------------------------------------------------------ */

/* Makes info.json of a device from its root document (CEMM_ROOT) and the account that reaches it.
 * The file is absent only if every account has answered. */
static void on_root(struct pending *pending, const struct cemm_answer *answer)
{
    struct fs *fs = pending->fs;
    const struct cemm_uid *uid = &pending->node->path.query.uid;
    const struct cemm_device *device = cemm_device_named(fs->cemm, uid);
    const char *account = device ? cemm_device_account(device) : NULL;
    struct snapshot *snapshot;
    int r = 0;
    if (answer->result != 0 && answer->result != CEMM_ABSENT)
        r = fs_errno(answer->result);
    else if (!account && pending->found != 0 && has_unheard_account(fs))
        r = fs_errno(pending->found);
    else if (!account && !answer->document)
        r = ENOENT;
    if (r == ENOENT)
        record(fs, &pending->node->path, "no source has information about this device");
    if (r == 0)
        r = -snapshot_of_device(uid, account, answer->document, &snapshot);
    if (r != 0)
        pending_reply_error(pending, r);
    else
        use_snapshot(pending, snapshot);
}

static void on_devices(struct pending *pending, const struct cemm_answer *answer)
{
    pending->found = answer->result;
    pending_get(pending, &pending->node->path.query, FS_MAX_AGE, on_root);
}

/* Makes info.json of a meter from the answer of the cloud or, if no account has the meter, from its
 * entry in the list of meters on the LAN. */
static void on_meter(struct pending *pending, const struct cemm_answer *answer)
{
    const struct cemm_query io = {.uid = pending->node->path.query.uid, .endpoint = CEMM_IO};
    if (answer->result == CEMM_ABSENT)
        pending_get(pending, &io, FS_MAX_AGE, on_document);
    else
        on_document(pending, answer);
}

/* ---- GETATTR and READ -------------------------------------------------------- */

/* Requests the documents; their arrival answers the request. */
static void fetch(struct pending *pending)
{
    const struct node *node = pending->node;
    struct fs *fs = pending->fs;
    struct path path = node->path;
    /* Dropped bytes must be rendered from the same document: a newer one may have other bytes. */
    int64_t age = pending->reading && node->snapshot ? INT64_MAX : max_age(fs, &path);
    if (known_absent(node)) {
        pending_reply_error(pending, ENOENT); /* an absent file is not requested again at once */
    } else if (path.kind == PATH_DEVICE_INFO) {
        /* An account that has answered is not asked again. */
        pending_find(pending, NULL, INT64_MAX, on_devices);
    } else {
        pending_get(pending, &path.query, age,
                    path.kind == PATH_METER_INFO ? on_meter : on_document);
        read_ahead(fs, &path);
    }
}

void file_getattr(struct pending *pending, bool open)
{
    struct node *node = pending->node;
    node->asked = cemm_clock_wall();
    pending->open = open;
    if (node->snapshot && (!node->may_grow || node->growing || time_left(pending->fs, node) >= 0))
        reply(pending);
    else
        fetch(pending);
}

void file_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
               struct fuse_file_info *info)
{
    struct pending *pending = pending_new(request, number);
    (void)info;
    if (!pending)
        return;
    const struct node *node = pending->node;
    pending->reading = true;
    pending->size = size;
    pending->offset = offset;
    if (node->snapshot && node->snapshot->bytes) {
        reply(pending);
    } else if (is_recent(node->failed, REPEATED_MS)) {
        (void)fuse_reply_err(request, node->error);
        pending_free(pending);
    } else {
        fetch(pending);
    }
}
