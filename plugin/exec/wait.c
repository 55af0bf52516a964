/*
 * No signal handlers: a signal is blocked and read from a descriptor in the
 * loop, or has its default effect. So the parent sees a program that was ended
 * by that signal (only then shells stop a loop).
 */
#include "plugin/exec/wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "plugin/exec/message.h"

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

void signals_hold(struct signals *ret_signals)
{
    sigemptyset(&ret_signals->held);
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
        struct sigaction action;
        /* Linux keeps a blocked signal even if it is ignored: nohup would not work. */
        if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&ret_signals->held, ending[i]);
    }
    sigprocmask(SIG_BLOCK, &ret_signals->held, &ret_signals->before);
}

void signals_release(const struct signals *signals)
{
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
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

static int turn_once(struct cemm *cemm, struct wait *wait, int signal_fd)
{
    enum { SIGNALS, OUTPUT, INPUT };
    struct signalfd_siginfo info;
    struct pollfd extra[] = {
        [SIGNALS] = {.fd = signal_fd, .events = POLLIN},
        [OUTPUT] = {.fd = wait->output_fd, .events = 0}, /* only POLLERR: the reader has gone */
        [INPUT] = {.fd = wait->input_fd, .events = POLLIN},
    };
    int r = cemm_turn(cemm, wait->timeout_ms, extra, INPUT + 1);
    wait->input = extra[INPUT].revents != 0;
    if (extra[SIGNALS].revents != 0 && read(signal_fd, &info, sizeof(info)) == sizeof(info))
        return (int)info.ssi_signo;
    if (extra[OUTPUT].revents != 0)
        return SIGPIPE;
    return r == -EINTR ? 0 : r;
}

int wait_once(struct cemm *cemm, struct wait *wait)
{
    struct signals signals;
    signals_hold(&signals);
    int signal_fd = signalfd(-1, &signals.held, SFD_CLOEXEC | SFD_NONBLOCK);
    int r = signal_fd < 0 ? -errno : turn_once(cemm, wait, signal_fd);
    if (signal_fd >= 0)
        close(signal_fd);
    if (r <= 0) /* a signal stays pending until it is handled */
        signals_release(&signals);
    return r;
}

int wait_done(struct cemm *cemm, const bool *done, wait_show_fn *show, const void *data)
{
    int r = 0;
    while (r == 0 && !*done) {
        struct wait wait = {
            .timeout_ms = show ? message_timeout() : -1, .output_fd = -1, .input_fd = -1};
        r = wait_once(cemm, &wait);
        if (r == 0 && show)
            show(data);
    }
    message_clear();
    if (r > 0)
        signals_die(r);
    return r;
}

int wait_until(int64_t now, int64_t moment, int timeout)
{
    int64_t left = moment > now ? moment - now : 0;
    return timeout < 0 || left < timeout ? (int)left : timeout;
}
