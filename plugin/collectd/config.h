/*
 * Reads and checks the plugin's blocks in collectd's configuration. This header
 * also includes collectd's headers, for all files of the plugin.
 */
#ifndef CEMM_COLLECTD_CONFIG_H
#define CEMM_COLLECTD_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "common/frontend.h"

/* A switch of collectd's build. Without it, collectd's headers define neither NAN nor isnan(). */
#define HAVE_CONFIG_H 1
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/configfile.h>
#include <collectd/core/daemon/plugin.h>
#include <collectd/core/daemon/utils_cache.h>
#include <collectd/core/utils/common/common.h>
#undef HAVE_CONFIG_H

#define INTERVAL_MAX_MS (24 * 3600 * 1000) /* collectd's own default of MaxReadInterval */

#define WRITERS_MAX 16
#define BLOCKS_MAX  (CEMM_SOURCES_MAX + 1) /* the sources and discovery */

/* Bits, because an option may belong in several kinds of block. GLOBAL: outside of any block. */
enum block_kind { GLOBAL = 1, CLOUD = 2, LOCAL = 4, DISCOVERY = 8, BACKFILL = 16 };

/* A source that is read at its own interval: a <Cloud> block, a <Local> block, or discovery. */
struct block {
    enum block_kind kind;
    char source[CEMM_NAME_SIZE + 8]; /* the library's name for it: cloud home */
    char label[CEMM_NAME_SIZE + 16]; /* its name in messages: <Cloud "home"> */
    char host[DATA_MAX_NAME_LEN];    /* its option Host; "": collectd's own host name */
    int64_t interval;                /* milliseconds */
};

struct settings {
    struct cemm_config *config;
    struct block blocks[BLOCKS_MAX];
    size_t count;
    char *state_file;           /* absolute, unless collectd's BaseDir is a relative path */
    char *writers[WRITERS_MAX]; /* the writers that get backfilled values */
    size_t writer_count;        /* 0: there is no backfill */
    int64_t window;             /* how far back minutes are backfilled, in milliseconds */
};

/*
 * Reads the <Plugin cemm> blocks as if they were one. `interval` (milliseconds)
 * is the default for each source. Discovery is on if it is not configured and
 * there is no <Local>. Logs every mistake with its block and its option, and
 * returns NULL if there was any. Does not use the network.
 */
struct settings *settings_read(oconfig_item_t *const *plugins, size_t count, int64_t interval);
void settings_free(struct settings *settings); /* NULL is allowed */

#endif
