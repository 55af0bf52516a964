/*
 * The plugin at work. One of its threads sweeps every block at its interval and
 * queues the readings, and one writes history. A thread of collectd dispatches
 * the readings.
 */
#ifndef CEMM_COLLECTD_POLLER_H
#define CEMM_COLLECTD_POLLER_H

#include "plugin/collectd/config.h"

struct poller;

/* Starts the threads. They read `settings`, which must outlive them. NULL: failed, and logged. */
struct poller *poller_start(const struct settings *settings);

/* Ends the threads, cancels all requests, and frees everything. NULL is allowed. */
void poller_stop(struct poller *poller);

/* The read callback: dispatches the values that arrive while it lasts; it is called again in
 * `every` milliseconds. Called by one of collectd's threads at a time. */
void poller_hand_over(struct poller *poller, int64_t every);

#endif
