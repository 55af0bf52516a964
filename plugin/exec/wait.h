/*
 * Lets the library work until something has come.
 */
#ifndef CEMM_EXEC_WAIT_H
#define CEMM_EXEC_WAIT_H

#include "plugin/exec/exec.h"

/* Shows how far it is, after each turn. */
typedef void wait_show_fn(void *data, struct cemm *cemm);

/*
 * Turns until a completion has set `done`. `show` may be NULL. Returns 0 or
 * the negative errno of a turn. A signal to end ends the process from in here.
 */
int wait_done(struct cemm *cemm, const bool *done, wait_show_fn *show, void *data);

/* What one turn waits for besides the network. */
struct wait {
    int timeout_ms;
    int output_fd; /* whose reader may go; -1: it is a file */
    int input_fd;  /* -1: none */
    bool input;    /* returned: it can be read, or has ended */
};

/*
 * Turns once, for those who have a loop of their own. Returns 0, a negative
 * errno, or the number of the signal that wants us to end (SIGPIPE: the reader
 * has gone): then the caller tidies up and calls signals_die().
 */
int wait_once(struct cemm *cemm, struct wait *wait);

#endif
