#include "fs/node.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT_NUMBER 1                   /* FUSE_ROOT_ID */
#define HASHED      (UINT64_C(1) << 62) /* no node's own number has this bit */

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = ((const struct node *)a)->number;
    uint64_t right = ((const struct node *)b)->number;
    return (left > right) - (left < right);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->path.text, ((const struct node *)b)->path.text);
}

int nodes_init(struct nodes *nodes)
{
    *nodes = (struct nodes){.next_number = ROOT_NUMBER};
    TAILQ_INIT(&nodes->final.nodes);
    TAILQ_INIT(&nodes->bare.nodes);
    TAILQ_INIT(&nodes->changing.nodes);
    struct node *root = node_new(nodes, &tree_root);
    if (!root)
        return -ENOMEM;
    root->pins = 1;
    return 0;
}

void nodes_end(struct nodes *nodes)
{
    while (nodes->by_number) {
        struct node *node = *(struct node **)nodes->by_number; /* the item at the tree's root */
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

struct node *nodes_current(const struct nodes *nodes, const char *path)
{
    struct node key;
    (void)snprintf(key.path.text, sizeof(key.path.text), "%s", path);
    struct node **found = tfind(&key, &nodes->by_path, compare_paths);
    return found ? *found : NULL;
}

struct node *node_new(struct nodes *nodes, const struct path *path)
{
    struct node *node = malloc(sizeof(*node));
    if (!node)
        return NULL;
    *node = (struct node){.number = nodes->next_number, .inode = nodes->next_number, .path = *path};
    struct node **named = NULL;
    if (tsearch(node, &nodes->by_number, compare_numbers))
        named = tsearch(node, &nodes->by_path, compare_paths);
    if (!named) {
        node_release(nodes, node);
        return NULL;
    }
    (*named)->current = false; /* the previous node of this path, if there is one */
    *named = node;
    node->current = true;
    nodes->next_number++;
    return node;
}

void node_retire(struct nodes *nodes, struct node *node)
{
    if (node->current)
        tdelete(node, &nodes->by_path, compare_paths);
    node->current = false;
    node->kept = false;
}

void node_show(struct node *node)
{
    node->shown = node->snapshot->size;
    node->shown_modified = node->snapshot->modified;
}

static size_t bytes_of(const struct node *node)
{
    return node->snapshot && node->snapshot->bytes ? node->snapshot->size : 0;
}

void node_unqueue(struct node *node)
{
    struct node_queue *queue = node->queue;
    if (!queue)
        return;
    TAILQ_REMOVE(&queue->nodes, node, age);
    queue->count--;
    queue->bytes -= bytes_of(node);
    node->queue = NULL;
}

static struct node_queue *queue_of(struct nodes *nodes, const struct node *node)
{
    const struct snapshot *snapshot = node->snapshot;
    if (snapshot ? snapshot->closed : node->path.kind == PATH_PERIOD || node->kept)
        return snapshot && snapshot->bytes ? &nodes->final : &nodes->bare;
    return snapshot && snapshot->bytes && snapshot->source[0] ? &nodes->changing : NULL;
}

void node_touch(struct nodes *nodes, struct node *node)
{
    struct node_queue *queue = queue_of(nodes, node);
    node_unqueue(node);
    node->queue = queue;
    if (!queue)
        return;
    TAILQ_INSERT_TAIL(&queue->nodes, node, age);
    queue->count++;
    queue->bytes += bytes_of(node);
}

void node_set_inode(struct node *node, uint64_t seed)
{
    uint64_t hash = cemm_hash(seed, node->path.text, strlen(node->path.text));
    node->inode = hash >> 2 | HASHED;
}

void node_set_snapshot(struct nodes *nodes, struct node *node, struct snapshot *snapshot)
{
    node_unqueue(node);
    snapshot_free(node->snapshot);
    node->snapshot = snapshot;
    if (!node->growing)
        node_show(node);
    if (snapshot->closed)
        node_set_inode(node, snapshot->hash);
    node_touch(nodes, node);
}

void node_set_bytes(struct nodes *nodes, struct node *node, char *bytes)
{
    node_unqueue(node);
    free(node->snapshot->bytes);
    node->snapshot->bytes = bytes;
    node_touch(nodes, node);
}

void node_release(struct nodes *nodes, struct node *node)
{
    if (node->lookups > 0 || node->pins > 0 || node->kept)
        return;
    node_unqueue(node);
    node_retire(nodes, node);
    tdelete(node, &nodes->by_number, compare_numbers);
    snapshot_free(node->snapshot);
    free(node->failure);
    free(node);
}
