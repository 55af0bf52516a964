/*
 * The running plugin. One of its threads sweeps each block (reads all of its
 * meters) at the block's interval and queues the readings; its second thread
 * writes missed minutes. One of collectd's threads dispatches the readings.
 */
#ifndef CEMM_COLLECTD_POLLER_H
#define CEMM_COLLECTD_POLLER_H

#include "plugin/collectd/config.h"

struct poller;

/* Starts the threads; `settings` must outlive them. NULL: this failed, and was logged. */
struct poller *poller_start(const struct settings *settings);

/* Ends the threads, cancels all requests, and frees everything. NULL is allowed. */
void poller_stop(struct poller *poller);

/* The read callback: dispatches the values that are queued and those that arrive during the call.
 * collectd calls it every `interval_ms`, in one thread at a time. */
void poller_hand_over(struct poller *poller, int64_t interval_ms);

#endif
