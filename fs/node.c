#include "fs/node.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define ROOT_NUMBER 1                   /* FUSE_ROOT_ID */
#define SETTLED     (UINT64_C(1) << 62) /* counted numbers never have this bit */

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = ((const struct node *)a)->number;
    uint64_t right = ((const struct node *)b)->number;
    return (left > right) - (left < right);
}

static int compare_paths(const void *a, const void *b)
{
    return path_compare(&((const struct node *)a)->path, &((const struct node *)b)->path);
}

int nodes_init(struct nodes *nodes)
{
    *nodes = (struct nodes){.next_number = ROOT_NUMBER};
    TAILQ_INIT(&nodes->full);
    TAILQ_INIT(&nodes->bare);
    TAILQ_INIT(&nodes->open);
    struct node *root = node_new(nodes, &tree_root);
    if (!root)
        return -ENOMEM;
    root->pins = 1;
    return 0;
}

void nodes_end(struct nodes *nodes)
{
    while (nodes->by_number) {
        struct node *node = *(struct node **)nodes->by_number;
        node->lookups = 0;
        node->pins = 0;
        node->kept = false;
        node_release(nodes, node);
    }
}

struct node *nodes_numbered(const struct nodes *nodes, uint64_t number)
{
    const struct node key = {.number = number};
    struct node **found = tfind(&key, &nodes->by_number, compare_numbers);
    return found ? *found : NULL;
}

struct node *nodes_current(const struct nodes *nodes, const struct path *path)
{
    const struct node key = {.path = *path};
    struct node **found = tfind(&key, &nodes->by_path, compare_paths);
    return found ? *found : NULL;
}

struct node *node_new(struct nodes *nodes, const struct path *path)
{
    struct node *node = malloc(sizeof(*node));
    if (!node)
        return NULL;
    *node = (struct node){.number = nodes->next_number, .inode = nodes->next_number, .path = *path};
    if (!tsearch(node, &nodes->by_number, compare_numbers)) {
        free(node);
        return NULL;
    }
    struct node **named = tsearch(node, &nodes->by_path, compare_paths);
    if (!named) {
        tdelete(node, &nodes->by_number, compare_numbers);
        free(node);
        return NULL;
    }
    (*named)->current = false; /* the one before, if there is one */
    *named = node;
    node->current = true;
    nodes->next_number++;
    nodes->count++;
    return node;
}

void node_retire(struct nodes *nodes, struct node *node)
{
    if (node->current)
        tdelete(node, &nodes->by_path, compare_paths);
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
    uint64_t hash = tree_hash(&node->path);
    hash = tree_hash_bytes(hash, node->snapshot->bytes, node->snapshot->size);
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
    if (node->path.kind == PATH_PERIOD && (!node->snapshot || node->snapshot->closed))
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

static uint64_t digest_of(const struct snapshot *snapshot)
{
    return tree_hash_bytes(TREE_HASH, snapshot->bytes, snapshot->size);
}

void node_strip(struct nodes *nodes, struct node *node)
{
    struct snapshot *snapshot = node->snapshot;
    node_drop(nodes, node);
    account(nodes, snapshot, false);
    snapshot->digest = digest_of(snapshot);
    free(snapshot->bytes);
    snapshot->bytes = NULL;
    node_touch(nodes, node);
}

bool node_restore(struct nodes *nodes, struct node *node, struct snapshot *anew)
{
    struct snapshot *snapshot = node->snapshot;
    node_drop(nodes, node);
    if (anew->size != snapshot->size || digest_of(anew) != snapshot->digest)
        return false;
    snapshot->bytes = anew->bytes;
    anew->bytes = NULL;
    account(nodes, snapshot, true);
    node_touch(nodes, node);
    return true;
}

void node_bind(struct nodes *nodes, struct node *node, struct snapshot *snapshot)
{
    node_drop(nodes, node);
    account(nodes, node->snapshot, false);
    snapshot_free(node->snapshot);
    node->snapshot = snapshot;
    account(nodes, snapshot, true);
}

void node_release(struct nodes *nodes, struct node *node)
{
    if (node->lookups > 0 || node->pins > 0 || node->kept)
        return;
    node_drop(nodes, node);
    node_retire(nodes, node);
    tdelete(node, &nodes->by_number, compare_numbers);
    nodes->count--;
    account(nodes, node->snapshot, false);
    snapshot_free(node->snapshot);
    free(node->failure);
    free(node);
}
