/*
 * Nodes: the inodes that the kernel knows. It counts how often it has looked
 * one up; a node lives until the kernel has forgotten all lookups. A path can
 * have several nodes, one for each snapshot that is still read; the name leads
 * to the newest, the current one.
 *
 * Inode numbers are never used twice: the pages that the kernel has cached
 * belong to a number.
 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fs/render.h"
#include "fs/tree.h"

TAILQ_HEAD(node_queue, node);

struct node {
    uint64_t number;
    uint64_t inode;   /* what stat says; see node_settle() */
    uint64_t parent;  /* the directory of the last lookup */
    uint64_t lookups; /* the kernel's */
    unsigned pins;    /* held by us */
    struct path path;
    bool current;
    bool exists; /* directories: known to exist */

    /* Files. The kernel knows `shown` bytes of `snapshot`: all, unless a running CSV is growing. */
    struct snapshot *snapshot; /* NULL: not fetched yet */
    size_t shown;
    int64_t shown_modified;
    int64_t asked;  /* last GETATTR (Unix milliseconds) */
    bool running;   /* may grow */
    bool growing;   /* the kernel is being told */
    bool archived;  /* its archive file was there */
    bool kept;      /* when the kernel forgets it, too */
    int64_t absent; /* when the sources said that it is absent (Unix milliseconds); 0: never */

    int64_t failed; /* last failed READ (Unix milliseconds); 0: never */
    int error;      /* its errno */

    int64_t moved; /* links: start of the day that `today` has moved on to (Unix seconds) */

    char *failure;  /* directories: the last one below it; NULL: none */
    uint64_t cause; /* of the failure; see tree_cause() */

    struct node_queue *queue; /* of the three below; NULL: it can't be dropped */
    TAILQ_ENTRY(node) age;
};

struct nodes {
    void *by_number; /* trees of tsearch(3) */
    void *by_path;   /* current ones only */
    size_t count;
    uint64_t next_number;
    struct node_queue full; /* closed files with their bytes, least recently used first */
    struct node_queue bare; /* files of periods without: cold or stripped */
    struct node_queue open; /* other files with their bytes */
    size_t old_count;       /* in `full` and `bare` */
    size_t old_bytes;
    size_t snapshots; /* fetched ones with their bytes */
    size_t bytes;
};

/* Makes the table, with the root as number 1. Returns 0 or -ENOMEM. */
int nodes_init(struct nodes *nodes);
void nodes_end(struct nodes *nodes); /* whatever the kernel holds */

struct node *nodes_numbered(const struct nodes *nodes, uint64_t number);    /* NULL: none */
struct node *nodes_current(const struct nodes *nodes, const struct path *); /* NULL: none */

/* Makes a node, which becomes the path's current one. It has no lookups yet: count some, pin it, or
 * node_release() it. NULL: no memory. */
struct node *node_new(struct nodes *nodes, const struct path *path);

/* The name no longer leads to the node. */
void node_retire(struct nodes *nodes, struct node *node);

/* Takes over the snapshot; node_show() tells its size. */
void node_bind(struct nodes *nodes, struct node *node, struct snapshot *snapshot);
void node_show(struct node *node);

/* The bytes are final: from now on st_ino depends on them and on the path alone, so that it is the
 * same at each mount and a backup need not read the file again. */
void node_settle(struct node *node);

/* The node was used: it goes to the end of its queue. */
void node_touch(struct nodes *nodes, struct node *node);

/* Takes the node out of its queue. */
void node_drop(struct nodes *nodes, struct node *node);

/* Drops the bytes, or takes them back from a snapshot that was rendered again (false: they differ).
 * The inode number and the pages in the kernel stay. */
void node_strip(struct nodes *nodes, struct node *node);
bool node_restore(struct nodes *nodes, struct node *node, struct snapshot *anew);

/* Frees the node if neither the kernel nor we hold it and it is not kept. */
void node_release(struct nodes *nodes, struct node *node);

#endif
