/*
 * The plugin's own state as metrics, per device, and a notification when one,
 * or one of its meters, falls silent and when it returns (spec §5).
 */
#ifndef CEMM_COLLECTD_MONITOR_H
#define CEMM_COLLECTD_MONITOR_H

#include <stdint.h>

#include "plugin/collectd/config.h"

struct monitor;

/* NULL: no memory. */
struct monitor *monitor_new(void);
void monitor_free(struct monitor *monitor); /* NULL is allowed */

/* How a request for a device's values ended, at `now` (monotonic milliseconds); `alias` NULL: for
 * its meters. `pace`: how often the meter measures, in seconds; 0: not known. By the thread that
 * does the I/O. */
void monitor_note(struct monitor *monitor, const struct block *block, const struct cemm_uid *uid,
                  const char *alias, const struct cemm_answer *answer, unsigned pace, int64_t now);

/* Hands to collectd what is due. By one of collectd's threads. */
void monitor_report(struct monitor *monitor, int64_t now);

#endif
