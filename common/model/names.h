/*
 * A table of aliases, all of which the LAN may have; and shards: if programs share an account,
 * each reads one part of its devices. More about names is in frontend.h.
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

/* The last row has the name NULL. "mb1" … "mb247" are not in the table. */
extern const struct cemm_alias cemm_aliases[];

/* The site's consumption, calculated by the device: LAN only, and in no list of meters (IO). */
#define CEMM_USAGE_ALIAS "usage"

/* Returns the row of an alias. "mb1" … "mb247" share one row, which is not in the table. The row of
 * an alias that is not documented has the name NULL. */
const struct cemm_alias *cemm_alias_find(const char *alias);

/* Returns which of the shards 1 to `shards` a device belongs to. The result is the same on all
 * machines and in all versions. */
unsigned cemm_shard_of(const struct cemm_uid *uid, unsigned shards);

#endif
