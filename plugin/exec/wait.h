/*
 * Waits for the library, and for SIGINT, SIGTERM and SIGHUP.
 */
#ifndef CEMM_EXEC_WAIT_H
#define CEMM_EXEC_WAIT_H

#include "common/frontend.h"

/* From signals_hold() to signals_release(), these signals end the program only while it waits,
 * never in the middle of other work. */
void signals_hold(void);
void signals_release(void);

/* Ends the process by the signal, so that a shell shows the exit status 128 + number. */
_Noreturn void signals_die(int number);

/* Waits until a descriptor accepts bytes. A termination signal ends the process. */
void signals_wait_writable(int fd);

/* Runs one turn of the library, at most until `deadline` (monotonic milliseconds, INT64_MAX: none).
 * Unless `ret_input` is NULL, the turn also ends when stdin becomes readable or reaches its end;
 * *ret_input is then true. Returns 0, a negative errno, or a signal number, after which the caller
 * cleans up and calls signals_die(). With `to_stdout`, the number is SIGPIPE if the reader of
 * stdout has gone. */
int wait_once(struct cemm *cemm, int64_t deadline, bool to_stdout, bool *ret_input);

#endif
