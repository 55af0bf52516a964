/*
 * Dispatches metrics of each device (response times, age, errors), and sends
 * notifications when a device or a meter falls silent, and when it returns. The
 * read callback calls monitor_add() and monitor_report().
 */
#ifndef CEMM_COLLECTD_MONITOR_H
#define CEMM_COLLECTD_MONITOR_H

#include <stdint.h>

#include "plugin/collectd/queue.h"

/* Initially all zeroes. */
struct monitor {
    void *tree;                   /* all devices; struct device is defined in monitor.c */
    struct device *first;         /* the beginning of the list of all devices */
    int64_t due;                  /* monotonic: when the next device is to be reported */
    struct cemm_line_limit lines; /* limits the log lines about single devices */
};

void monitor_clear(struct monitor *monitor);

/* Counts an answer, and sends the notifications that result from it. */
void monitor_add(struct monitor *monitor, const struct answer *answer);

/* Dispatches metrics and sends notifications that are due at `now` (monotonic milliseconds). */
void monitor_report(struct monitor *monitor, int64_t now);

#endif
