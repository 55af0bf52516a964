/*
 * Ending on SIGINT, SIGTERM and SIGHUP: at once, but never between two states.
 */
#ifndef CEMM_EXEC_SIGNALS_H
#define CEMM_EXEC_SIGNALS_H

#include <signal.h>

/* Signals that are held back until signals_release(). */
struct signals {
    sigset_t held;
    sigset_t before;
};

/* Holds back the ending signals, except those that the caller's parent has set to be ignored. */
void signals_hold(struct signals *ret_signals);
void signals_release(const struct signals *signals);

/* A descriptor that becomes readable when a held signal has come; negative errno without one. */
int signals_descriptor(const struct signals *signals);

/* Reads from that descriptor which signal it was; 0: none. */
int signals_taken(int descriptor);

/* Ends the process by the signal, as if it had never been held: the parent sees 128 + number. */
_Noreturn void signals_die(int number);

#endif
