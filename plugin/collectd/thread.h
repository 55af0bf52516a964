/*
 * Threads of ours. Signals are collectd's business: its main thread must get
 * them, not ours.
 */
#ifndef CEMM_COLLECTD_THREAD_H
#define CEMM_COLLECTD_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* 0 or a negative errno. */
int thread_start(pthread_t *thread, void *(*run)(void *data), void *data, const char *name);

/* A lock, and a condition that is waited for by the monotonic clock. 0 or a negative errno. */
int thread_locks(pthread_mutex_t *lock, pthread_cond_t *condition);

/* The moment that lies `us` microseconds ahead, by the monotonic clock. */
struct timespec thread_ahead(int64_t us);

#endif
