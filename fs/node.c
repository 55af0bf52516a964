/*
 * Two hash tables over the same nodes, by number and by path. They grow by
 * doubling: a copy of a whole history looks up some ten thousand names, most
 * mounts a few.
 */
#include "fs/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 256                 /* a power of two */
#define ROOT_NUMBER   1                   /* FUSE_ROOT_ID */
#define SETTLED       (UINT64_C(1) << 62) /* counted numbers never have this bit */

static size_t slot_of_number(const struct nodes *nodes, uint64_t number)
{
    return (size_t)(number & (nodes->buckets - 1));
}

static size_t slot_of_path(const struct nodes *nodes, const struct path *path)
{
    return (size_t)(path_hash(path) & (nodes->buckets - 1));
}

static void insert(struct nodes *nodes, struct node *node)
{
    LIST_INSERT_HEAD(&nodes->by_number[slot_of_number(nodes, node->number)], node, same_number);
    if (node->current)
        LIST_INSERT_HEAD(&nodes->by_path[slot_of_path(nodes, &node->path)], node, same_path);
}

static int resize(struct nodes *nodes, size_t buckets)
{
    struct node_list *by_number = calloc(buckets, sizeof(*by_number));
    struct node_list *by_path = calloc(buckets, sizeof(*by_path));
    struct nodes old = *nodes;
    if (!by_number || !by_path) {
        free(by_number);
        free(by_path);
        return -ENOMEM;
    }
    nodes->by_number = by_number;
    nodes->by_path = by_path;
    nodes->buckets = buckets;
    for (size_t i = 0; i < old.buckets; i++) {
        struct node *node = LIST_FIRST(&old.by_number[i]);
        while (node) {
            struct node *next = LIST_NEXT(node, same_number);
            insert(nodes, node);
            node = next;
        }
    }
    free(old.by_number);
    free(old.by_path);
    return 0;
}

int nodes_init(struct nodes *nodes)
{
    *nodes = (struct nodes){.next_number = ROOT_NUMBER};
    TAILQ_INIT(&nodes->full);
    TAILQ_INIT(&nodes->bare);
    TAILQ_INIT(&nodes->open);
    if (resize(nodes, BUCKETS_FIRST) < 0)
        return -ENOMEM;
    struct node *root = node_new(nodes, &tree_root);
    if (!root) {
        nodes_end(nodes);
        return -ENOMEM;
    }
    root->pins = 1;
    return 0;
}

void nodes_end(struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->buckets; i++) {
        struct node *node;
        while ((node = LIST_FIRST(&nodes->by_number[i]))) {
            node->lookups = 0;
            node->pins = 0;
            node_release(nodes, node);
        }
    }
    free(nodes->by_number);
    free(nodes->by_path);
    *nodes = (struct nodes){0};
}

struct node *nodes_numbered(const struct nodes *nodes, uint64_t number)
{
    struct node *node;
    LIST_FOREACH (node, &nodes->by_number[slot_of_number(nodes, number)], same_number) {
        if (node->number == number)
            return node;
    }
    return NULL;
}

struct node *nodes_current(const struct nodes *nodes, const struct path *path)
{
    struct node *node;
    LIST_FOREACH (node, &nodes->by_path[slot_of_path(nodes, path)], same_path) {
        if (path_same(&node->path, path))
            return node;
    }
    return NULL;
}

struct node *node_new(struct nodes *nodes, const struct path *path)
{
    struct node *node = calloc(1, sizeof(*node));
    struct node *before = nodes_current(nodes, path);
    if (!node)
        return NULL;
    /* Without memory the smaller table works, too. */
    if (nodes->count >= nodes->buckets)
        (void)resize(nodes, nodes->buckets * 2);
    if (before)
        node_retire(nodes, before);
    node->number = nodes->next_number++;
    node->inode = node->number;
    node->path = *path;
    node->current = true;
    insert(nodes, node);
    nodes->count++;
    return node;
}

void node_retire(struct nodes *nodes, struct node *node)
{
    (void)nodes;
    if (node->current)
        LIST_REMOVE(node, same_path);
    node->current = false;
}

static void account(struct nodes *nodes, const struct snapshot *snapshot, bool add)
{
    if (!snapshot || !snapshot->source || !snapshot->bytes)
        return; /* not fetched, or stripped */
    if (add) {
        nodes->snapshots++;
        nodes->bytes += snapshot->size;
    } else {
        nodes->snapshots--;
        nodes->bytes -= snapshot->size;
    }
}

void node_show(struct node *node)
{
    node->shown = node->snapshot->size;
    node->shown_modified = node->snapshot->modified;
}

void node_settle(struct node *node)
{
    uint64_t hash = tree_hash_path(&node->path);
    hash = path_hash_bytes(hash, node->snapshot->bytes, node->snapshot->size);
    node->inode = hash >> 2 | SETTLED;
}

void node_drop(struct nodes *nodes, struct node *node)
{
    if (!node->queue)
        return;
    TAILQ_REMOVE(node->queue, node, age);
    nodes->old_count -= node->queue != &nodes->open;
    nodes->old_bytes -= node->queue == &nodes->full ? node->snapshot->size : 0;
    node->queue = NULL;
}

/* NULL: the node stays. */
static struct node_queue *queue_of(struct nodes *nodes, const struct node *node)
{
    bool full = node->snapshot && node->snapshot->bytes;
    if (node->path.kind == PATH_PERIOD && (!node->snapshot || node->closed))
        return full ? &nodes->full : &nodes->bare;
    return full && node->snapshot->source ? &nodes->open : NULL;
}

void node_touch(struct nodes *nodes, struct node *node)
{
    node_drop(nodes, node);
    node->queue = queue_of(nodes, node);
    if (!node->queue)
        return;
    TAILQ_INSERT_TAIL(node->queue, node, age);
    nodes->old_count += node->queue != &nodes->open;
    nodes->old_bytes += node->queue == &nodes->full ? node->snapshot->size : 0;
}

void node_strip(struct nodes *nodes, struct node *node)
{
    node_drop(nodes, node);
    account(nodes, node->snapshot, false);
    snapshot_strip(node->snapshot);
    node_touch(nodes, node);
}

bool node_restore(struct nodes *nodes, struct node *node, struct snapshot *anew)
{
    node_drop(nodes, node);
    if (!snapshot_restore(node->snapshot, anew))
        return false;
    account(nodes, node->snapshot, true);
    node_touch(nodes, node);
    return true;
}

void node_bind(struct nodes *nodes, struct node *node, struct snapshot *snapshot)
{
    node_drop(nodes, node);
    account(nodes, node->snapshot, false);
    snapshot_unref(node->snapshot);
    node->snapshot = snapshot;
    account(nodes, snapshot, true);
}

void node_keep(struct node *node, bool keep)
{
    if (keep && !node->kept)
        node->pins++;
    else if (!keep && node->kept)
        node->pins--;
    node->kept = keep;
}

void node_release(struct nodes *nodes, struct node *node)
{
    if (node->lookups > 0 || node->pins > 0)
        return;
    node_drop(nodes, node);
    node_retire(nodes, node);
    LIST_REMOVE(node, same_number);
    nodes->count--;
    account(nodes, node->snapshot, false);
    snapshot_unref(node->snapshot);
    free(node->words);
    free(node);
}

void node_note(struct node *node, const char *words, uint64_t cause)
{
    char *copy = words ? strdup(words) : NULL;
    if (words && !copy)
        return; /* the last one stays */
    free(node->words);
    node->words = copy;
    node->cause = cause;
}
