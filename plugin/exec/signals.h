/*
 * SIGINT, SIGTERM and SIGHUP end the process, but never in the middle of
 * something.
 */
#ifndef CEMM_EXEC_SIGNALS_H
#define CEMM_EXEC_SIGNALS_H

#include <signal.h>

struct signals {
    sigset_t held;
    sigset_t before;
};

/* Holds the ending signals, except those that the parent has set to be ignored. */
void signals_hold(struct signals *ret_signals);
void signals_release(const struct signals *signals);

/* A descriptor for the held signals, or a negative errno. */
int signals_descriptor(const struct signals *signals);

/* Reads which signal has come; 0: none. */
int signals_taken(int descriptor);

/* Ends the process by the signal: the parent sees 128 + number. */
_Noreturn void signals_die(int number);

#endif
