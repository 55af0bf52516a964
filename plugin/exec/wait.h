/*
 * Waits for the library, and for the signals that end the process: SIGINT,
 * SIGTERM and SIGHUP, but never in the middle of something.
 */
#ifndef CEMM_EXEC_WAIT_H
#define CEMM_EXEC_WAIT_H

#include <signal.h>

#include "common/frontend.h"

struct signals {
    sigset_t held;
    sigset_t before;
};

/* Blocks the signals that end the program, except those that the parent has set to be ignored. */
void signals_hold(struct signals *ret_signals);
void signals_release(const struct signals *signals);

/* Ends the process by the signal: the parent sees 128 + number. */
_Noreturn void signals_die(int number);

/* Shows progress after each turn. */
typedef void wait_show_fn(const void *data);

/*
 * Turns until a completion has set `done`. `show` may be NULL. Returns 0 or a
 * negative errno. An ending signal ends the process.
 */
int wait_done(struct cemm *cemm, const bool *done, wait_show_fn *show, const void *data);

/* What one turn waits for besides the network. */
struct wait {
    int timeout_ms;
    int output_fd; /* returns when its reader has gone; -1: none */
    int input_fd;  /* -1: none */
    bool input;    /* result: readable, or at its end */
};

/*
 * Turns once. Returns 0, a negative errno, or the number of an ending signal
 * (SIGPIPE: the reader has gone): then the caller tidies up and calls
 * signals_die().
 */
int wait_once(struct cemm *cemm, struct wait *wait);

/* The shorter of `timeout` (-1: none) and the time from `now` to `moment` (milliseconds). */
int wait_until(int64_t now, int64_t moment, int timeout);

#endif
