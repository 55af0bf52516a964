/*
 * Waits for the library, and for SIGINT, SIGTERM and SIGHUP.
 */
#ifndef CEMM_EXEC_WAIT_H
#define CEMM_EXEC_WAIT_H

#include "common/frontend.h"

/* From now on these signals end the program only where it waits, never in the middle of something,
 * until signals_release(). */
void signals_hold(void);
void signals_release(void);

/* Ends the process by the signal: the parent sees 128 + number. */
_Noreturn void signals_die(int number);

/* Waits until a descriptor accepts bytes. A termination signal ends the process. */
void signals_wait_writable(int fd);

/* Runs one turn of the library, until `deadline` at most (monotonic milliseconds, INT64_MAX: none).
 * Unless `ret_input` is NULL, the turn also ends when stdin can be read or has ended, which
 * *ret_input says. Returns 0, a negative errno, or the number of a signal: then the caller tidies
 * up and calls signals_die(). If `to_stdout`, this may be SIGPIPE: the reader of stdout has gone.
 */
int wait_once(struct cemm *cemm, int64_t deadline, bool to_stdout, bool *ret_input);

#endif
