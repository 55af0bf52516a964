#include "plugin/collectd/threads.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

int threads_start(pthread_t *thread, void *(*run)(void *data), void *data, const char *name)
{
    sigset_t all;
    sigset_t before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(thread, NULL, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0)
        (void)pthread_setname_np(*thread, name);
    return -r;
}

int threads_init(pthread_mutex_t *lock, pthread_cond_t *condition)
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

bool threads_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until)
{
    const struct timespec end = {
        .tv_sec = (time_t)(until / 1000),
        .tv_nsec = (long)(until % 1000 * 1000000),
    };

    return pthread_cond_timedwait(condition, lock, &end) != ETIMEDOUT;
}
