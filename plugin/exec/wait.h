/*
 * Waits for the library, and for the signals that end the process: SIGINT,
 * SIGTERM and SIGHUP. The process is ended only while it waits, never in the
 * middle of something.
 */
#ifndef CEMM_EXEC_WAIT_H
#define CEMM_EXEC_WAIT_H

#include "common/frontend.h"

/* Blocks the signals that end the program, except those that the parent has set to be ignored: from
 * now on they end it only where it waits. signals_release() unblocks them; one that has arrived
 * meanwhile then ends the program. */
void signals_hold(void);
void signals_release(void);

/* Ends the process by the signal: the parent sees 128 + number. */
_Noreturn void signals_die(int number);

/* Waits until a descriptor accepts bytes. A termination signal ends the process. */
void signals_wait_writable(int fd);

/*
 * Runs one turn of the library, until `deadline` at most (monotonic
 * milliseconds, INT64_MAX: none). The turn also ends when the reader of stdout
 * has gone, if `to_stdout`, and when stdin can be read or has ended, which
 * *ret_input then says; if `ret_input` is NULL, it does not wait for stdin.
 * Returns 0, a negative errno, or the number of a termination signal (SIGPIPE:
 * the reader has gone): then the caller tidies up and calls signals_die().
 */
int wait_once(struct cemm *cemm, int64_t deadline, bool to_stdout, bool *ret_input);

#endif
