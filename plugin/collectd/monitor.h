/*
 * Metrics of each device (response times, age, errors), and notifications when
 * a device or a meter falls silent, and when it returns. All of it runs in
 * collectd's thread.
 */
#ifndef CEMM_COLLECTD_MONITOR_H
#define CEMM_COLLECTD_MONITOR_H

#include <stdint.h>

#include "plugin/collectd/queue.h"

/* All zeroes at first. */
struct monitor {
    void *tree; /* of struct device, which is monitor.c's own */
    struct device *first;
    int64_t due;                  /* monotonic: when the next device is to be reported */
    struct cemm_line_limit lines; /* limits the lines about single devices */
};

/* Frees what it holds. */
void monitor_clear(struct monitor *monitor);

/* Takes an answer into account, and sends the notifications that it leads to. */
void monitor_add(struct monitor *monitor, const struct answer *answer);

/* Dispatches what is due at `now` (monotonic milliseconds). */
void monitor_report(struct monitor *monitor, int64_t now);

#endif
