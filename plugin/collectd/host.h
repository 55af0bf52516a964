/*
 * Includes collectd's headers for all files of the plugin.
 *
 * They need HAVE_CONFIG_H, a switch of collectd's build; without it they define
 * neither NAN nor isnan(). It is defined only here.
 */
#ifndef CEMM_COLLECTD_HOST_H
#define CEMM_COLLECTD_HOST_H

#define HAVE_CONFIG_H 1
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/configfile.h>
#include <collectd/core/daemon/plugin.h>
#include <collectd/core/daemon/utils_cache.h>
#undef HAVE_CONFIG_H

/* Starts a thread with all signals blocked, because collectd's main thread must get them.
 * Returns 0 or a negative errno. */
int thread_start(pthread_t *thread, void *(*run)(void *data), void *data, const char *name);

#endif
