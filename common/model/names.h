/*
 * A table of the documented aliases, all of which exist on the LAN; and
 * shards: several programs share an account, and each reads a part of its
 * devices. frontend.h has more about names.
 */
#ifndef CEMM_MODEL_NAMES_H
#define CEMM_MODEL_NAMES_H

#include "common/frontend.h"

/* What kind of meter an alias stands for. */
enum cemm_alias_kind {
    CEMM_ALIAS_OTHER,
    CEMM_ALIAS_SMART, /* at the grid connection */
    CEMM_ALIAS_GAS,   /* read through the smart meter */
    CEMM_ALIAS_PULSE, /* of electricity, water or gas */
    CEMM_ALIAS_MODBUS,
};

struct cemm_alias {
    const char *name;
    bool cloud; /* cloud §Aliases: the cloud has it */
    enum cemm_alias_kind kind;
};

/* Ends with a row whose name is NULL. "mb1" … "mb247" are not in it. */
extern const struct cemm_alias cemm_aliases[];

/* The site's consumption, calculated by the device: LAN only, and in no list of meters (IO). */
#define CEMM_ALIAS_USAGE "usage"

/* Whether the documentation names the alias, mb1 … mb247 included; and whether the cloud's
 * documentation does. */
bool cemm_alias_documented(const char *alias);
bool cemm_alias_in_cloud(const char *alias);

/* The kind of an alias; CEMM_ALIAS_OTHER also if the alias is not documented. */
enum cemm_alias_kind cemm_alias_kind(const char *alias);

/* Which of the shards 1 to `shards` a device belongs to. It is the same on all machines and in all
 * versions. */
unsigned cemm_shard_of(const struct cemm_uid *uid, unsigned shards);

#endif
