#include "plugin/collectd/locks.h"

#include <errno.h>
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

int64_t locks_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool locks_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until)
{
    const struct timespec end = {
        .tv_sec = (time_t)(until / 1000000),
        .tv_nsec = (long)(until % 1000000 * 1000),
    };

    return pthread_cond_timedwait(condition, lock, &end) != ETIMEDOUT;
}
