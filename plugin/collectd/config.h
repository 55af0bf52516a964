/*
 * collectd's configuration blocks, read and checked. Includes collectd's headers
 * for all files of the plugin.
 */
#ifndef CEMM_COLLECTD_CONFIG_H
#define CEMM_COLLECTD_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "common/frontend.h"

/* A switch of collectd's build. Without it, its headers define neither NAN nor isnan(). */
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

/* Bits, because an option may belong in several. GLOBAL: outside of any block. */
enum block_kind { GLOBAL = 1, CLOUD = 2, LOCAL = 4, DISCOVERY = 8, BACKFILL = 16 };

/* One <Cloud> or <Local> block, or discovery: a source that is swept at its own interval. */
struct block {
    enum block_kind kind;
    char source[CEMM_NAME_SIZE + 8]; /* the library's name for it: cloud home */
    char label[CEMM_NAME_SIZE + 16]; /* the name in messages: <Cloud "home"> */
    char host[DATA_MAX_NAME_LEN];    /* "": collectd's own */
    int64_t interval;                /* milliseconds */
};

struct settings {
    struct cemm_config *config;
    struct block blocks[BLOCKS_MAX];
    size_t count;
    char *state_file;           /* a full path, if collectd's BaseDir is one */
    char *writers[WRITERS_MAX]; /* writers of history; none: there is no backfill */
    size_t writer_count;
    int64_t window; /* milliseconds */
};

/*
 * Reads the <Plugin cemm> blocks as if they were one. `interval` (milliseconds)
 * is the default. Without any block, discovery is on. Every mistake is logged
 * with its block and its option; if there is one, NULL is returned. No network
 * is touched. Free with settings_free().
 */
struct settings *settings_read(oconfig_item_t *const *plugins, size_t count, int64_t interval);
void settings_free(struct settings *settings); /* NULL is allowed */

#endif
