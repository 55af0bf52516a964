/*
 * Locks and conditions. Times are microseconds of the monotonic clock.
 */
#ifndef CEMM_COLLECTD_LOCKS_H
#define CEMM_COLLECTD_LOCKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* 0 or a negative errno. */
int locks_init(pthread_mutex_t *lock, pthread_cond_t *condition);

int64_t locks_now(void);

/* Waits for the condition. False: `until` has passed. */
bool locks_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until);

#endif
