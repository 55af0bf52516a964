/*
 * Threads, locks and conditions. Times are milliseconds of the monotonic clock.
 * All functions but threads_wait() return 0 or a negative errno.
 */
#ifndef CEMM_COLLECTD_THREADS_H
#define CEMM_COLLECTD_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Starts a thread with all signals blocked, because collectd's main thread must get them. */
int threads_start(pthread_t *thread, void *(*run)(void *data), void *data, const char *name);

int threads_init(pthread_mutex_t *lock, pthread_cond_t *condition);

/* Waits for the condition. False: `until` has passed. */
bool threads_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until);

#endif
