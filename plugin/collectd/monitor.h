/*
 * The plugin's own state as metrics of each device, and notifications when a
 * device or a meter falls silent, and when it returns.
 */
#ifndef CEMM_COLLECTD_MONITOR_H
#define CEMM_COLLECTD_MONITOR_H

#include <stdint.h>

#include "plugin/collectd/config.h"

struct monitor;

/* NULL: no memory. */
struct monitor *monitor_new(void);
void monitor_free(struct monitor *monitor); /* NULL is allowed */

/* A request for a device's values has ended at `now` (monotonic milliseconds); `alias` NULL: for
 * its list of meters. `pace`: how often the meter measures, in seconds; 0: not known. Called in the
 * loop's thread. */
void monitor_note(struct monitor *monitor, const struct block *block, const struct cemm_uid *uid,
                  const char *alias, const struct cemm_answer *answer, unsigned pace, int64_t now);

/* Dispatches what is due. Called in one of collectd's threads. */
void monitor_report(struct monitor *monitor, int64_t now);

#endif
