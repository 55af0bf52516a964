#include "plugin/collectd/locks.h"

#include <time.h>

int locks_init(pthread_mutex_t *lock, pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int r = pthread_condattr_init(&attributes);

    if (r != 0)
        return -r;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    r = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return r != 0 ? -r : -pthread_mutex_init(lock, NULL);
}

struct timespec locks_ahead(int64_t us)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(us / 1000000);
    until.tv_nsec += (long)(us % 1000000 * 1000);
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return until;
}
