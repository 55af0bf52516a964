/*
 * A path in the tree as a value: a file, a directory or a link. It is the key
 * of tables.
 */
#ifndef FS_PATH_H
#define FS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cemm.h"

enum path_kind {
    PATH_ROOT,
    PATH_STATUS,
    PATH_STATUS_JSON,
    PATH_DEVICE,      /* <uid>/ */
    PATH_DEVICE_LINK, /* a uid in another spelling: a link to the one above */
    PATH_DEVICE_INFO, /* <uid>/info.json */
    PATH_IO,          /* <uid>/io.json, io.csv */
    PATH_METER,       /* <uid>/<alias>/ */
    PATH_INFO,        /* info.json of a meter */
    PATH_REALTIME,    /* realtime.json, realtime.csv */
    PATH_CHANNELS,    /* realtime/ */
    PATH_CHANNEL,     /* realtime/<channel> */
    PATH_DATA,        /* data/ */
    PATH_HISTORY,     /* data/day/, data/month/, data/year/, totals/ */
    PATH_YEAR,        /* data/day/2024/ */
    PATH_MONTH,       /* data/day/2024/03/ */
    PATH_PERIOD,      /* data/day/2024/03/2024-03-31.csv, data/month/2024/2024-03.csv */
    PATH_PERIOD_LINK, /* data/day/2024-03-31.csv, unlisted */
    PATH_NEAR_LINK,   /* data/day/today.csv, yesterday.csv */
};

/* The four folders of periods; the last is not below data/. */
enum tree_history {
    HISTORY_NONE,
    HISTORY_DAYS,
    HISTORY_MONTHS,
    HISTORY_YEARS,
    HISTORY_TOTALS,
};

/* `history` is the folder of periods. `period` is set as far as the kind goes: the year in YEAR,
 * year and month in MONTH, all in PERIOD and PERIOD_LINK. `ago` is how many periods back a
 * NEAR_LINK leads. */
struct path {
    enum path_kind kind;
    enum cemm_form form;
    enum tree_history history;
    int ago;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    char channel[CEMM_NAME_SIZE];
    struct cemm_period period;
};

bool path_same(const struct path *a, const struct path *b);
uint64_t path_hash(const struct path *path);

/* FNV-1a; `hash` begins as PATH_HASH. */
#define PATH_HASH 0xcbf29ce484222325u
uint64_t path_hash_bytes(uint64_t hash, const void *bytes, size_t length);

#endif
