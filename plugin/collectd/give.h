/*
 * From our values to collectd's.
 */
#ifndef CEMM_COLLECTD_GIVE_H
#define CEMM_COLLECTD_GIVE_H

#include "plugin/collectd/config.h"

/* A value of a block: `value` is where it will stand. `time` in Unix milliseconds; 0: now. The host
 * is filled in, too: whoever is called past collectd's queue expects it. */
value_list_t give_list(const struct block *block, const struct cemm_identity *identity,
                       int64_t time, value_t *value);

/* All texts must come from fields of this size, or be shorter. */
void give_fill(char field[DATA_MAX_NAME_LEN], const char *text);

/* The name by which a block's devices are told apart from others': Host, or collectd's own. */
const char *give_host(const struct block *block);

#endif
