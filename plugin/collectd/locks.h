/*
 * What threads wait for each other with.
 */
#ifndef CEMM_COLLECTD_LOCKS_H
#define CEMM_COLLECTD_LOCKS_H

#include <pthread.h>
#include <stdint.h>

/* A lock, and a condition that is waited for by the monotonic clock. 0 or a negative errno. */
int locks_init(pthread_mutex_t *lock, pthread_cond_t *condition);

/* The moment that lies `us` microseconds ahead, by the monotonic clock. */
struct timespec locks_ahead(int64_t us);

#endif
