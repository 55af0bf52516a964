/*
 * Threads of ours. Signals are collectd's business: its main thread must get
 * them, not ours.
 */
#ifndef CEMM_COLLECTD_THREAD_H
#define CEMM_COLLECTD_THREAD_H

#include <pthread.h>

/* 0 or a negative errno. */
int thread_start(pthread_t *thread, void *(*run)(void *data), void *data, const char *name);

#endif
