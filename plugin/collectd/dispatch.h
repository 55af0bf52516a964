/*
 * Makes collectd's values from ours.
 */
#ifndef CEMM_COLLECTD_DISPATCH_H
#define CEMM_COLLECTD_DISPATCH_H

#include "plugin/collectd/config.h"

/* A value as collectd's functions take it. It must not move: the list points to the number. */
struct value {
    value_t number;
    value_list_t list;
};

/* Makes a value of a series: `number` in the API's unit, `time` in Unix milliseconds. False: its
 * names do not fit collectd's fields. */
bool dispatch_make(struct value *ret_value, const struct block *block,
                   struct cemm_ledger_entry *entry, int64_t time, double number);

/* Dispatches a value that the plugin has measured itself (monitor.c), with the current time. */
void dispatch_own(const struct block *block, const struct cemm_uid *uid, const char *type,
                  const char *instance, value_t number);

/* The host of a block's values: its Host, or collectd's own. */
const char *dispatch_host(const struct block *block);

#endif
