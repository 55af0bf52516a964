/*
 * The thread that does the plugin's I/O: sweeps every block at its interval
 * and lays what arrives into a queue.
 */
#ifndef CEMM_COLLECTD_POLLER_H
#define CEMM_COLLECTD_POLLER_H

#include "plugin/collectd/config.h"
#include "plugin/collectd/queue.h"

struct poller;

/* Starts the thread. Reads `settings`, which must outlive it. NULL: it is logged why. */
struct poller *poller_start(const struct settings *settings);

/* Ends the thread, whatever is under way, and frees all. NULL is allowed. */
void poller_stop(struct poller *poller);

/* What has arrived; from any thread. */
struct queue *poller_queue(struct poller *poller);

#endif
