/*
 * The tree: which names there are, and what each stands for.
 *
 * A path is a value, not an object: a name below a path is another path,
 * computed from the two of them and the clock. So nothing has to be built or
 * kept for the millions of days that could be asked for, and the whole shape
 * of the mount is testable without a mount. There is no FUSE and no network in
 * here; whether a device or a meter exists is for others to find out.
 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include "fs/path.h"

#define TREE_NAME_SIZE 80 /* room for any name in the tree, with its NUL */
#define TREE_LINK_SIZE 80 /* room for any link's target, with its NUL */

struct tree_clock {
    const struct cemm_zone *zone;
    int64_t now; /* Unix seconds */
};

/* What is known of the meter that a path belongs to. */
struct tree_meter {
    bool totals;              /* the cloud reaches it: it has totals/ */
    bool found;               /* `first` holds data: what is listed begins there */
    bool known;               /* nothing lies before; else no name is refused for its age */
    struct cemm_period first; /* the first day that holds data */
};

enum tree_type { TREE_DIRECTORY, TREE_FILE, TREE_LINK };

extern const struct path tree_root;

enum tree_type tree_type(const struct path *path);

/* What `name` means below `parent`; false if nothing can have that name there. */
bool tree_child(const struct path *parent, const char *name, const struct tree_clock *clock,
                const struct tree_meter *meter, struct path *ret_path);

/* Called for each name; not 0 ends the listing and is returned. */
typedef int tree_entry_fn(void *data, const char *name, enum tree_type type);

/* Lists those names below `parent` that the tree knows by itself: not the devices, the meters and
 * the channels. Of periods those from the first with data to now; none if that is not known. */
int tree_list(const struct path *parent, const struct tree_clock *clock,
              const struct tree_meter *meter, tree_entry_fn *entry, void *data);

/* Whether a directory's names are periods. */
bool tree_holds_periods(const struct path *path);

/* The name of a path in its directory. */
void tree_name(const struct path *path, char ret_name[TREE_NAME_SIZE]);

/* Where a link leads, relative to its directory. */
void tree_target(const struct path *path, const struct tree_clock *clock,
                 char ret_target[TREE_LINK_SIZE]);

/* The document that a file is made of; also the one that shows that a meter exists, and that
 * names its channels. False: none. */
bool tree_query(const struct path *path, struct cemm_query *ret_query);

/* Names what a failure is about: the same for all paths that are made of one document, and for all
 * directories of a meter's periods, as each of them waits for its first day. */
uint64_t tree_cause(const struct path *path);

/* When a period is closed (Unix seconds); INT64_MAX for what is no period. */
int64_t tree_closed_at(const struct path *path, const struct cemm_zone *zone);

/* The directory that a path lies in; false for the root. */
bool tree_parent(const struct path *path, struct path *ret_parent);

/* A hash of the path as text: the same for every program that has the same tree. */
uint64_t tree_hash_path(const struct path *path);

#endif
