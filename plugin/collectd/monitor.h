/*
 * The plugin's own state as metrics of each device, and notifications when a
 * device or a meter falls silent, and when it returns. All of it runs in
 * collectd's thread.
 */
#ifndef CEMM_COLLECTD_MONITOR_H
#define CEMM_COLLECTD_MONITOR_H

#include <stdint.h>

#include "plugin/collectd/queue.h"

struct monitor;

/* NULL: no memory. */
struct monitor *monitor_new(void);
void monitor_free(struct monitor *monitor); /* NULL is allowed */

/* Notes an answer, and sends the notifications that it leads to. */
void monitor_note(struct monitor *monitor, const struct answer *answer);

/* Dispatches what is due at `now` (monotonic milliseconds). */
void monitor_report(struct monitor *monitor, int64_t now);

#endif
