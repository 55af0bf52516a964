/*
 * The tree: which names there are, and what each stands for.
 *
 * A place is a value, not an object: a name below a place is another place,
 * computed from the two of them and the clock. So nothing has to be built or
 * kept for the millions of days that could be asked for, and the whole shape
 * of the mount is testable without a mount. There is no FUSE and no network in
 * here; whether a device or a meter exists is for others to find out.
 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cemm.h"

#define TREE_NAME_SIZE 80 /* room for any name in the tree, with its NUL */
#define TREE_LINK_SIZE 80 /* room for any link's target, with its NUL */

enum place_kind {
    PLACE_ROOT,
    PLACE_STATUS,
    PLACE_STATUS_JSON,
    PLACE_DEVICE,      /* <uid>/ */
    PLACE_DEVICE_LINK, /* a uid in another spelling: a link to the one above */
    PLACE_DEVICE_INFO, /* <uid>/info.json */
    PLACE_IO,          /* <uid>/io.json, io.csv */
    PLACE_METER,       /* <uid>/<alias>/ */
    PLACE_INFO,        /* info.json of a meter */
    PLACE_REALTIME,    /* realtime.json, realtime.csv */
    PLACE_CHANNELS,    /* realtime/ */
    PLACE_CHANNEL,     /* realtime/<channel> */
    PLACE_DATA,        /* data/ */
    PLACE_HISTORY,     /* data/day/, data/month/, data/year/, totals/ */
    PLACE_YEAR,        /* data/day/2024/ */
    PLACE_MONTH,       /* data/day/2024/03/ */
    PLACE_PERIOD,      /* data/day/2024/03/2024-03-31.csv, data/month/2024/2024-03.csv */
    PLACE_PERIOD_LINK, /* data/day/2024-03-31.csv, unlisted */
    PLACE_NEAR_LINK,   /* data/day/today.csv, yesterday.csv */
};

/* The four folders of periods; the last is not below data/. */
enum tree_history {
    HISTORY_NONE,
    HISTORY_DAYS,
    HISTORY_MONTHS,
    HISTORY_YEARS,
    HISTORY_TOTALS,
};

/* `history` says in which folder of periods a place lies. `period` holds as much as the kind has: a
 * year in YEAR, year and month in MONTH, all in PERIOD and PERIOD_LINK. `ago` is how many periods
 * back a NEAR_LINK leads. */
struct place {
    enum place_kind kind;
    enum cemm_form form;
    enum tree_history history;
    int ago;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    char channel[CEMM_NAME_SIZE];
    struct cemm_period period;
};

struct tree_clock {
    const struct cemm_zone *zone;
    int64_t now; /* Unix seconds */
};

/* What is known of the meter that a place belongs to. */
struct tree_meter {
    bool totals;              /* the cloud reaches it: it has totals/ */
    bool found;               /* `first` holds data: what is listed begins there */
    bool known;               /* nothing lies before; else no name is refused for its age */
    struct cemm_period first; /* the first day that holds data */
};

enum tree_type { TREE_DIRECTORY, TREE_FILE, TREE_LINK };

extern const struct place tree_root;

enum tree_type tree_type(const struct place *place);

/* What `name` means below `parent`; false if nothing can have that name there. */
bool tree_child(const struct place *parent, const char *name, const struct tree_clock *clock,
                const struct tree_meter *meter, struct place *ret_place);

/* Called for each name; not 0 ends the listing and is returned. */
typedef int tree_entry_fn(void *data, const char *name, enum tree_type type);

/* Lists those names below `parent` that the tree knows by itself: not the devices, the meters and
 * the channels. Of periods those from the first with data to now; none if that is not known. */
int tree_list(const struct place *parent, const struct tree_clock *clock,
              const struct tree_meter *meter, tree_entry_fn *entry, void *data);

/* Whether a directory's names are periods. */
bool tree_holds_periods(const struct place *place);

/* The name of a place in its directory. */
void tree_name(const struct place *place, char ret_name[TREE_NAME_SIZE]);

/* Where a link leads, relative to its directory. */
void tree_target(const struct place *place, const struct tree_clock *clock,
                 char ret_target[TREE_LINK_SIZE]);

/* The document that a file is made of; also the one that shows that a meter exists, and that
 * names its channels. False: none. */
bool tree_query(const struct place *place, struct cemm_query *ret_query);

/* Names what a failure is about: the same for all places that are made of one document, and for all
 * directories of a meter's periods, as each of them waits for its first day. */
uint64_t tree_cause(const struct place *place);

/* When a period is closed (Unix seconds); INT64_MAX for what is no period. */
int64_t tree_closed_at(const struct place *place, const struct cemm_zone *zone);

/* The directory that a place lies in; false for the root. */
bool tree_parent(const struct place *place, struct place *ret_parent);

bool tree_same(const struct place *a, const struct place *b);
uint64_t tree_hash(const struct place *place);

/* Of the path as text: the same for every program that has the same tree. */
uint64_t tree_hash_path(const struct place *place);

/* FNV-1a of bytes, going on from `hash`, which is TREE_HASH in the beginning. */
#define TREE_HASH 0xcbf29ce484222325u
uint64_t tree_hash_bytes(uint64_t hash, const void *bytes, size_t length);

#endif
