/*
 * Waits for the library.
 */
#ifndef CEMM_EXEC_WAIT_H
#define CEMM_EXEC_WAIT_H

#include "plugin/exec/exec.h"

/* Shows progress after each turn. */
typedef void wait_show_fn(void *data, struct cemm *cemm);

/*
 * Turns until a completion has set `done`. `show` may be NULL. Returns 0 or a
 * negative errno. An ending signal ends the process.
 */
int wait_done(struct cemm *cemm, const bool *done, wait_show_fn *show, void *data);

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

#endif
