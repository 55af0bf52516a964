/*
 * The settings (cemm.conf(5)) after they have been checked. cemm_config_set() stores each one,
 * whether it comes from the INI file or from collectd's blocks.
 */
#ifndef CEMM_CONFIG_CONFIG_H
#define CEMM_CONFIG_CONFIG_H

#include "common/base/secret.h"
#include "common/frontend.h"

/* A list of strings. The lists of a configuration own their strings. */
struct cemm_strings {
    char **items;
    size_t count;
};

enum cemm_source_kind { CEMM_CLOUD, CEMM_LOCAL };

/* A section [cloud NAME] or [local NAME]. */
struct cemm_source_config {
    enum cemm_source_kind kind;
    int line; /* the line of the file in which it begins; 0: there is no file */
    char *name;
    char *url; /* cloud: ends in a slash; local: http://HOST[:PORT]/open-api/v1/ */
    char *key_file;
    struct cemm_secret *key; /* cloud; stays where it is when `sources` is reallocated */
    char *ca_file;
    char *address;                     /* local: as configured */
    struct cemm_strings devices;       /* canonical uids; if empty, all devices are read */
    struct cemm_strings aliases;       /* if empty, all meters are read */
    struct cemm_strings extra_aliases; /* local: may be requested, though not documented */
    int64_t timeout_ms;
    unsigned max_connections;
    unsigned shard;  /* cloud: only devices of this shard are read */
    unsigned shards; /* cloud: how many shards there are; 0: all devices are read */
};

struct cemm_config {
    struct cemm_zone *zone;
    char *file;
    char *base; /* the directory of relative paths; NULL: the current directory */
    int line;   /* the line that is being read or is wrong; 0: the whole file */
    struct cemm_source_config *sources;
    size_t source_count;
    struct cemm_message *message; /* where a setter explains why it refuses a value */
    int section;   /* the section that was opened last: an enum section of config.c */
    unsigned seen; /* which keys are set in this section: bits 1 << row of `settings` (config.c) */
    unsigned opened; /* which of [discovery], [archive] were opened: bits 1 << section */
    int discovery;   /* -1: not set; else 0 or 1 */
    struct cemm_strings broadcasts;
    int64_t discovery_interval_ms;
    char *archive; /* NULL: none */
};

bool cemm_strings_has(const struct cemm_strings *strings, const char *text);

#endif
