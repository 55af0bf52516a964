/*
 * There are no signal handlers: the signals are blocked, and read from a
 * descriptor in the library's loop. The program then ends itself by the same
 * signal: after Ctrl-C, a shell ends its script only if the signal also ended
 * the command that the script was running.
 */
#include "plugin/exec/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

static sigset_t held;
static int signal_fd = -1; /* made by the first wait */

void signals_hold(void)
{
    sigemptyset(&held);
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
        struct sigaction action;
        /* A signal that is ignored must not be blocked: Linux would put it into the descriptor,
         * and nohup would not work. */
        if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&held, ending[i]);
    }
    sigprocmask(SIG_BLOCK, &held, NULL);
}

void signals_release(void)
{
    sigprocmask(SIG_UNBLOCK, &held, NULL);
}

void signals_wait_writable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    sigset_t none;
    sigemptyset(&none);
    (void)ppoll(&poll_fd, 1, NULL, &none);
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

int wait_once(struct cemm *cemm, int64_t deadline, bool to_stdout, bool *ret_input)
{
    enum { SIGNALS, OUTPUT, INPUT };
    struct signalfd_siginfo info;
    if (signal_fd < 0)
        signal_fd = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd < 0)
        return -errno;
    struct pollfd extra[] = {
        [SIGNALS] = {.fd = signal_fd, .events = POLLIN},
        [OUTPUT] = {.fd = to_stdout ? STDOUT_FILENO : -1}, /* for POLLERR: the reader has gone */
        [INPUT] = {.fd = ret_input ? STDIN_FILENO : -1, .events = POLLIN},
    };
    int64_t left = deadline - cemm_clock_steady();
    int timeout = deadline == INT64_MAX ? -1 : left > 0 ? (int)left : 0;
    int r = cemm_turn(cemm, timeout, extra, INPUT + 1);
    if (ret_input)
        *ret_input = extra[INPUT].revents != 0;
    if (extra[SIGNALS].revents != 0 && read(signal_fd, &info, sizeof(info)) == sizeof(info))
        return (int)info.ssi_signo;
    if (extra[OUTPUT].revents != 0)
        return SIGPIPE;
    return r == -EINTR ? 0 : r;
}
