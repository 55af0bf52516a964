/*
 * The plugin at work: a thread that sweeps every block at its interval and
 * lays what arrives ready, one that gives history, and what collectd's threads
 * fetch from them.
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

/* Where what has arrived waits. From any thread. */
struct queue *poller_queue(struct poller *poller);

/* A reading has been dispatched; and that was the last one for now. From any thread. */
void poller_gave(struct poller *poller, const struct reading *reading);
void poller_gave_all(struct poller *poller);

#endif
