/*
 * Nodes: what the kernel holds of us. The kernel knows an inode by its number
 * and counts how often it was told of it; a node lives until it has forgotten
 * all of that. A path can have several nodes at a time, one for each snapshot
 * that someone still reads; the newest of them is the current one, to which
 * the name leads.
 *
 * Inode numbers are never used twice: pages that the kernel has cached under
 * a number belong to that number's bytes for ever.
 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fs/render.h"
#include "fs/tree.h"

struct node;
LIST_HEAD(node_list, node);
TAILQ_HEAD(node_queue, node);

struct node {
    uint64_t number;
    uint64_t inode;   /* what stat says; see node_settle() */
    uint64_t parent;  /* number of the directory in which it was looked up last */
    uint64_t lookups; /* the kernel's */
    unsigned pins;    /* ours */
    struct path path;
    bool current;
    bool exists; /* directories: known to be there */

    /* Files. `shown` bytes of `snapshot` have been told to the kernel: all, except while a
     * running CSV grows. */
    struct snapshot *snapshot; /* NULL: not fetched yet */
    size_t shown;
    int64_t shown_modified;
    int64_t asked;  /* Unix milliseconds: last GETATTR */
    bool running;   /* may grow */
    bool closed;    /* its snapshot will serve for ever */
    bool growing;   /* the kernel is being told */
    bool archived;  /* its archive file has been seen */
    bool kept;      /* pinned, so that it is there when the kernel comes back to it */
    int64_t absent; /* Unix milliseconds: when the sources said that there is no such file; 0: they
                     * do not */

    int64_t failed; /* Unix milliseconds: when a READ failed last; 0: never */
    int error;      /* how */

    int64_t moved; /* links: the beginning of the day (Unix seconds) that it has moved on to */

    char *words;    /* directories: the last failure below it; NULL: none */
    uint64_t cause; /* what it was about, see tree_cause() */

    LIST_ENTRY(node) same_number, same_path;
    struct node_queue *queue; /* of the three below; NULL: it can't be dropped */
    TAILQ_ENTRY(node) age;
};

struct nodes {
    struct node_list *by_number;
    struct node_list *by_path; /* current ones only */
    size_t buckets;
    size_t count;
    uint64_t next_number;
    struct node_queue full; /* files of periods, least recently used first: with their bytes */
    struct node_queue bare; /* and without: not fetched yet, or stripped */
    struct node_queue open; /* files that have not closed, with their bytes; likewise */
    size_t old_count;       /* of the first two */
    size_t old_bytes;
    size_t snapshots; /* fetched ones that nodes hold, and their bytes */
    size_t bytes;
};

/* Makes the table, with the root as number 1. Returns 0 or -ENOMEM. */
int nodes_init(struct nodes *nodes);
void nodes_end(struct nodes *nodes); /* frees all nodes, whatever the kernel holds */

struct node *nodes_numbered(const struct nodes *nodes, uint64_t number);    /* NULL: none */
struct node *nodes_current(const struct nodes *nodes, const struct path *); /* NULL: none */

/* A new node, which becomes its path's current one. It has no lookups yet: count some, pin it, or
 * node_release() it. NULL: no memory. */
struct node *node_new(struct nodes *nodes, const struct path *path);

/* The name no longer leads to it. */
void node_retire(struct nodes *nodes, struct node *node);

/* Gives it (another) snapshot, whose reference is taken over, and shows it whole or not yet. */
void node_bind(struct nodes *nodes, struct node *node, struct snapshot *snapshot);
void node_show(struct node *node);

/* Its bytes will not change any more: from now on stat says a number that depends on them and on
 * the path alone, so that it is the same at each mount. A backup need not read them again. */
void node_settle(struct node *node);

/* It was used just now: it is the last to be dropped from the kernel's memory, or, if it has not
 * closed, to lose its bytes: dropped it would have to be fetched again. */
void node_touch(struct nodes *nodes, struct node *node);

/* The kernel has been asked to forget it: it no longer counts as one that could be dropped. */
void node_drop(struct nodes *nodes, struct node *node);

/* Its bytes are given up, or taken back from a snapshot that was made anew (false: that one has
 * others). The number keeps what the kernel has of it. */
void node_strip(struct nodes *nodes, struct node *node);
bool node_restore(struct nodes *nodes, struct node *node, struct snapshot *anew);

/* Keeps the node although the kernel may forget it, or no longer. */
void node_keep(struct node *node, bool keep);

/* Frees the node if neither the kernel nor we hold it. */
void node_release(struct nodes *nodes, struct node *node);

/* Remembers the words of a failure (NULL: forgets them), and what it was about. */
void node_note(struct node *node, const char *words, uint64_t cause);

#endif
