/*
 * No handlers: a signal is held and read from a descriptor in the loop, or has
 * its default effect. So the parent sees a program that was ended by that
 * signal (only then shells stop a loop).
 */
#include "plugin/exec/signals.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

void signals_hold(struct signals *ret_signals)
{
    sigemptyset(&ret_signals->held);
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
        struct sigaction action;
        /* Linux keeps a held signal even if it is ignored: nohup would not work. */
        if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&ret_signals->held, ending[i]);
    }
    sigprocmask(SIG_BLOCK, &ret_signals->held, &ret_signals->before);
}

void signals_release(const struct signals *signals)
{
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

int signals_descriptor(const struct signals *signals)
{
    int fd = signalfd(-1, &signals->held, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int signals_taken(int descriptor)
{
    struct signalfd_siginfo info;
    if (read(descriptor, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    return (int)info.ssi_signo;
}

void signals_die(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    _exit(128 + number); /* not reached */
}
