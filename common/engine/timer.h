/*
 * A skew heap of timers. A timer is a member of its owner's struct, so setting it needs no memory.
 */
#ifndef CEMM_ENGINE_TIMER_H
#define CEMM_ENGINE_TIMER_H

#include <stdint.h>

struct cemm_timer {
    int64_t when;   /* monotonic milliseconds */
    uint64_t order; /* of timers due at the same time, the lowest fires first */
    void (*fire)(void *data);
    void *data;
    struct cemm_timer **link; /* the heap's pointer to this timer; NULL: it is not set */
    struct cemm_timer *left;  /* its children, which do not fire earlier */
    struct cemm_timer *right;
};

struct cemm_timers {
    struct cemm_timer *first;
    uint64_t order; /* of the timer that was set last */
};

/* Sets a timer, which must not be set yet. */
void cemm_timer_set(struct cemm_timers *timers, struct cemm_timer *timer, int64_t when);

/* Stops a timer, if it is set. */
void cemm_timer_stop(struct cemm_timer *timer);

/* Fires the timers that are due at `now`. */
void cemm_timers_run(struct cemm_timers *timers, int64_t now);

/* Returns the milliseconds until the next timer, 0 if it is due, -1 if there is none. */
int64_t cemm_timers_next(const struct cemm_timers *timers, int64_t now);

#endif
