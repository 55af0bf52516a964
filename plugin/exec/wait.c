/*
 * Commands also wait for an ending signal, which ends the process at once, and
 * show progress at a terminal.
 */
#include "plugin/exec/wait.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "plugin/exec/signals.h"

enum { SIGNALS, OUTPUT, INPUT, DESCRIPTORS };

static int turn_once(struct cemm *cemm, struct wait *wait, int signal_fd)
{
    struct pollfd extra[DESCRIPTORS] = {
        [SIGNALS] = {.fd = signal_fd, .events = POLLIN},
        [OUTPUT] = {.fd = wait->output_fd, .events = 0}, /* only POLLERR: the reader has gone */
        [INPUT] = {.fd = wait->input_fd, .events = POLLIN},
    };
    int r = cemm_turn(cemm, wait->timeout_ms, extra, wait->input_fd >= 0 ? INPUT + 1 : OUTPUT + 1);
    wait->input = wait->input_fd >= 0 && extra[INPUT].revents != 0;
    int number = extra[SIGNALS].revents != 0 ? signals_taken(signal_fd) : 0;
    if (number != 0)
        return number;
    if (extra[OUTPUT].revents != 0)
        return SIGPIPE;
    return r == -EINTR ? 0 : r;
}

int wait_once(struct cemm *cemm, struct wait *wait)
{
    struct signals signals;
    signals_hold(&signals);
    int signal_fd = signals_descriptor(&signals);
    int r = signal_fd < 0 ? signal_fd : turn_once(cemm, wait, signal_fd);
    if (signal_fd >= 0)
        close(signal_fd);
    if (r <= 0) /* a signal is held until it is obeyed */
        signals_release(&signals);
    return r;
}

int wait_done(struct cemm *cemm, const bool *done, wait_show_fn *show, void *data)
{
    int r = 0;
    while (r == 0 && !*done) {
        struct wait wait = {
            .timeout_ms = show ? message_timeout() : -1, .output_fd = -1, .input_fd = -1};
        r = wait_once(cemm, &wait);
        if (r == 0 && show)
            show(data, cemm);
    }
    message_clear();
    if (r > 0)
        signals_die(r);
    return r;
}
