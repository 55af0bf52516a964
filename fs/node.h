/*
 * Nodes: the inodes that the kernel knows. A node lives as long as the kernel
 * remembers a lookup of it, a request uses it, or it is `kept`. A path can
 * have several nodes: one for each snapshot that is still read, and one for
 * each reader that waits for the first snapshot. A lookup of the name finds the
 * newest, which is the current node.
 *
 * Node numbers are never reused, because the kernel caches pages by number.
 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fs/render.h"
#include "fs/tree.h"

struct node {
    uint64_t number;
    uint64_t inode;   /* the st_ino that stat shows; see node_set_inode() */
    uint64_t parent;  /* number of the directory of its last lookup */
    uint64_t lookups; /* lookups that the kernel has not forgotten */
    unsigned pins;    /* how many requests use the node; the root has one more */
    struct path path;
    bool current;
    bool exists; /* directories: it was found to exist */

    /* Files. The kernel knows the first `shown` bytes of `snapshot`; a growing file has more. */
    struct snapshot *snapshot; /* NULL: not fetched yet */
    size_t shown;
    int64_t shown_modified;
    int64_t asked;  /* time of the last GETATTR (Unix milliseconds) */
    bool may_grow;  /* bytes may be added to it; see is_growable() in files.c */
    bool growing;   /* it has grown, and the kernel is being told */
    bool archived;  /* its archive file existed at the last check */
    bool kept;      /* it stays even if the kernel forgets it */
    int64_t absent; /* when the sources said that it does not exist (Unix ms); 0: never */

    int64_t failed; /* time of the last failed READ (Unix milliseconds); 0: never */
    int error;      /* the errno of that READ */

    int day_read;      /* directories of a month: the last closed day that was read; 0: none */
    int days_in_order; /* how many consecutive days up to `day_read` were read in order */

    int64_t moved; /* links: start of the day that `today` has moved on to (Unix seconds) */

    char *failure;  /* directories: the last failure below it; NULL: none */
    uint64_t cause; /* the cause of that failure; see tree_cause() */

    struct node_queue *queue; /* the queue in struct nodes that it is in, or NULL */
    TAILQ_ENTRY(node) age;
};

struct node_queue {
    TAILQ_HEAD(node_list, node) nodes; /* least recently used first */
    size_t count;
    size_t bytes;
};

struct nodes {
    void *by_number; /* tree of all nodes, for tsearch(3) */
    void *by_path;   /* tree of the current nodes */
    uint64_t next_number;
    struct node_queue final;    /* files of closed periods, in memory */
    struct node_queue bare;     /* period files without bytes in memory; absent files to keep */
    struct node_queue changing; /* other fetched files, in memory */
};

/* Makes the table, with the root as number 1. Returns 0 or -ENOMEM. */
int nodes_init(struct nodes *nodes);
void nodes_end(struct nodes *nodes); /* also frees nodes that the kernel holds */

struct node *nodes_numbered(const struct nodes *nodes, uint64_t number); /* NULL: none */
struct node *nodes_current(const struct nodes *nodes, const char *path); /* NULL: none */

/* Makes a node, which becomes the path's current node. It has no lookups yet: the caller must
 * count a lookup, pin the node, or release it. NULL: no memory. */
struct node *node_new(struct nodes *nodes, const struct path *path);

/* Makes the node neither current nor kept, so that the next lookup of its name makes a new node. */
void node_retire(struct nodes *nodes, struct node *node);

/* Makes st_ino a hash of the path and the seed. */
void node_set_inode(struct node *node, uint64_t seed);

/* Takes ownership of the snapshot. While the node is growing, the kernel is shown the new size only
 * after node_show(). For a closed period, st_ino becomes a hash of the bytes and the path. This
 * hash is the same in every mount, so that a backup need not read the file again. */
void node_set_snapshot(struct nodes *nodes, struct node *node, struct snapshot *snapshot);
void node_show(struct node *node);

/* Moves the node, which was just used, to the end of the queue to which it belongs now. */
void node_touch(struct nodes *nodes, struct node *node);

/* Removes the node from its queue. */
void node_unqueue(struct node *node);

/* Drops the bytes of the snapshot (`bytes` NULL), or takes ownership of the same bytes, rendered
 * again. The inode number and the pages in the kernel stay. */
void node_set_bytes(struct nodes *nodes, struct node *node, char *bytes);

/* Frees the node if neither the kernel nor a request uses it and it is not kept. */
void node_release(struct nodes *nodes, struct node *node);

#endif
