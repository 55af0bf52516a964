/*
 * The plugin at work: a thread that sweeps every block at its interval and
 * lays what arrives ready, one that gives history, and what collectd's threads
 * fetch from them.
 */
#ifndef CEMM_COLLECTD_POLLER_H
#define CEMM_COLLECTD_POLLER_H

#include "plugin/collectd/config.h"

struct poller;

/* Starts the thread. Reads `settings`, which must outlive it. NULL: it is logged why. */
struct poller *poller_start(const struct settings *settings);

/* Ends the thread, whatever is under way, and frees all. NULL is allowed. */
void poller_stop(struct poller *poller);

/* Dispatches what has arrived, for as long as a look lasts; the next one begins in `every`
 * milliseconds. By one of collectd's threads at a time. */
void poller_hand_over(struct poller *poller, int64_t every);

#endif
