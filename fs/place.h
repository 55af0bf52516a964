/*
 * A place in the tree, as a value: a file, a directory or a link. It is the key
 * of tables.
 */
#ifndef FS_PLACE_H
#define FS_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cemm.h"

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

bool place_same(const struct place *a, const struct place *b);
uint64_t place_hash(const struct place *place);

/* FNV-1a of bytes, going on from `hash`, which is PLACE_HASH in the beginning. */
#define PLACE_HASH 0xcbf29ce484222325u
uint64_t place_hash_bytes(uint64_t hash, const void *bytes, size_t length);

#endif
