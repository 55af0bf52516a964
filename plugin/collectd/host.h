/*
 * collectd's side of the wall: the one place where its headers come in.
 *
 * They ask for HAVE_CONFIG_H, collectd's own build switch; without it they
 * know of no NAN and no isnan(). It stays defined here only.
 */
#ifndef CEMM_COLLECTD_HOST_H
#define CEMM_COLLECTD_HOST_H

#define HAVE_CONFIG_H 1
#include <collectd/core/daemon/collectd.h>

#include <collectd/core/daemon/configfile.h>
#include <collectd/core/daemon/plugin.h>
#include <collectd/core/daemon/utils_cache.h>
#undef HAVE_CONFIG_H

/* Starts a thread of ours, to which no signal goes: collectd's main thread must get them. 0 or a
 * negative errno. */
int thread_start(pthread_t *thread, void *(*run)(void *data), void *data, const char *name);

#endif
