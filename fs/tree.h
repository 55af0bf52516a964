/*
 * The tree: which names exist, and what each is.
 *
 * A path is a value, not an object: the path of a child is computed from its
 * parent's path, its name and the clock. So nothing has to be built or kept for
 * the millions of possible days, and the whole tree can be tested without a
 * mount. There is no FUSE and no network here; other source files find out
 * whether a device or a meter exists.
 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frontend.h"

#define TREE_PATH_SIZE 160 /* the longest is <uid>/<alias>/realtime/<channel>; with the NUL */

/* tree_type() relies on the order: directories, then links, then files. */
enum path_kind {
    PATH_ROOT,
    PATH_DEVICE,      /* <uid>/ */
    PATH_METER,       /* <uid>/<alias>/ */
    PATH_CHANNELS,    /* realtime/ */
    PATH_DATA,        /* data/ */
    PATH_HISTORY,     /* data/day/, data/month/, data/year/, totals/ */
    PATH_YEAR,        /* data/day/2024/ */
    PATH_MONTH,       /* data/day/2024/03/ */
    PATH_DEVICE_LINK, /* a uid in another spelling: a link to <uid> */
    PATH_PERIOD_LINK, /* data/day/2024-03-31.csv, which is not listed */
    PATH_RECENT_LINK, /* data/day/today.csv, yesterday.csv */
    PATH_STATUS,
    PATH_STATUS_JSON,
    PATH_DEVICE_INFO, /* <uid>/info.json */
    PATH_IO,          /* <uid>/io.json, io.csv */
    PATH_METER_INFO,  /* info.json of a meter */
    PATH_REALTIME,    /* realtime.json, realtime.csv */
    PATH_CHANNEL,     /* realtime/<channel> */
    PATH_PERIOD,      /* data/day/2024/03/2024-03-31.csv, data/month/2024/2024-03.csv */
};

struct path {
    char text[TREE_PATH_SIZE]; /* from the root, which is "" */
    enum path_kind kind;
    enum cemm_format format;
    enum cemm_span span; /* in PATH_HISTORY and below it: the span of the files */
    int ago;             /* PATH_RECENT_LINK: how many periods ago its target is */
    /* The query of what the path shows: for a file, its document; for a meter and its channels, the
     * realtime document; for directories of periods, the documents of their files. If it shows
     * no document, the endpoint is CEMM_DEVICES. Of the period, PATH_YEAR sets only the year,
     * PATH_MONTH the year and month, PATH_PERIOD and PATH_PERIOD_LINK all of it. */
    struct cemm_query query;
};

struct tree_clock {
    const struct cemm_zone *zone;
    int64_t now; /* Unix seconds */
};

/* What is known about the path's meter. */
struct tree_meter {
    bool totals;              /* it has totals/: a source offers them, or they are archived */
    bool found;               /* `first` is set: listings begin there */
    bool known;               /* there is no data before `first`: earlier names do not exist */
    struct cemm_period first; /* the first day found to have data */
};

enum tree_type { TREE_DIRECTORY, TREE_FILE, TREE_LINK };

extern const struct path tree_root;

enum tree_type tree_type(const struct path *path);

/* Finds the path of `name` in `parent`; false if there is no such name. */
bool tree_child(const struct path *parent, const char *name, const struct tree_clock *clock,
                const struct tree_meter *meter, struct path *ret_path);

/* Called for each path; a result other than 0 ends the listing and is returned. */
typedef int tree_entry_fn(void *data, const struct path *path);

/* Lists the names in a directory, except devices, meters and channels, which the tree does not
 * know. Periods are listed from the meter's first day until now; if that day is unknown, none is
 * listed. */
int tree_list(const struct path *parent, const struct tree_clock *clock,
              const struct tree_meter *meter, tree_entry_fn *entry, void *data);

bool tree_holds_periods(const struct path *path);

/* Whether the path is the info.json of a device or meter, which may need several documents. */
bool tree_is_info(const struct path *path);

/* The name of a path in its directory; it is a part of `text`. */
const char *tree_name(const struct path *path);

/* Removes the last name of a path's text; false for the root. */
bool tree_cut(char *text);

/* Computes the path that a link leads to; if `ago` is not 0, the path of the file `ago` periods
 * earlier. Returns its text, relative to the link's directory. */
const char *tree_target(const struct path *link, const struct tree_clock *clock, int ago,
                        struct path *ret_target);

/* The path of the same period's .json file if `period` is a .csv file, and vice versa. */
struct path tree_twin(const struct path *period);

/* Returns a hash of what a failure is about. It is the same for all paths of one document, and for
 * all period directories of a meter, because listing any of them needs the meter's first day. */
uint64_t tree_cause(const struct path *path);

#endif
