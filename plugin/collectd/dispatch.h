/*
 * Makes collectd's values from ours.
 */
#ifndef CEMM_COLLECTD_DISPATCH_H
#define CEMM_COLLECTD_DISPATCH_H

#include "plugin/collectd/config.h"

/* A value for collectd's functions. It must not be copied, because `list` points to `number`. */
struct value {
    value_t number;
    value_list_t list;
};

/* Makes a value of a series: `number` in the API's unit, `time` in Unix milliseconds. False: the
 * series' names do not fit collectd's fields. */
bool dispatch_make(struct value *ret_value, const struct block *block,
                   struct cemm_ledger_entry *entry, int64_t time, double number);

/* Dispatches a value that the plugin has measured itself (monitor.c), with the current time. */
void dispatch_own(const struct block *block, const struct cemm_uid *uid, const char *type,
                  const char *instance, value_t number);

/* The host name of a block's values: the block's Host, or collectd's own host name. */
const char *dispatch_host(const struct block *block);

#endif
