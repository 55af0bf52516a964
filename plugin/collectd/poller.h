/*
 * The plugin at work: a thread that sweeps every block at its interval and
 * lays what arrives ready, one that gives history, and what collectd's threads
 * fetch from them.
 */
#ifndef CEMM_COLLECTD_POLLER_H
#define CEMM_COLLECTD_POLLER_H

#include <stdbool.h>

#include "plugin/collectd/config.h"
#include "plugin/collectd/queue.h"

struct poller;

/* Starts the thread. Reads `settings`, which must outlive it. NULL: it is logged why. */
struct poller *poller_start(const struct settings *settings);

/* Ends the thread, whatever is under way, and frees all. NULL is allowed. */
void poller_stop(struct poller *poller);

/* Where what has arrived waits. From any thread. */
struct queue *poller_queue(struct poller *poller);

/* A reading could not be dispatched: its names do not fit. By one thread at a time. */
void poller_refused(struct poller *poller, const struct reading *reading);

/* A look at the queue is over; `gave`: something of it was dispatched. By one thread at a time. */
void poller_looked(struct poller *poller, bool gave);

#endif
