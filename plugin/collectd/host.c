#include "plugin/collectd/host.h"

#include <signal.h>

int thread_start(pthread_t *thread, void *(*run)(void *data), void *data, const char *name)
{
    sigset_t all;
    sigset_t before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = plugin_thread_create(thread, run, data, name);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}
