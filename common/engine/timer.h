/*
 * Timers: a skew heap of timers that live in their owners, so that setting one allocates no memory.
 */
#ifndef CEMM_ENGINE_TIMER_H
#define CEMM_ENGINE_TIMER_H

#include <stdint.h>

struct cemm_timer {
    int64_t when;   /* monotonic milliseconds */
    uint64_t order; /* of those due at the same time, the one that was set first fires first */
    void (*fire)(void *data);
    void *data;
    struct cemm_timer **link; /* the pointer to it in the heap; NULL: it is not set */
    struct cemm_timer *left;  /* its children fire later */
    struct cemm_timer *right;
};

struct cemm_timers {
    struct cemm_timer *first;
    uint64_t order; /* of the timer that was set last */
};

/* Sets a timer that is not set. */
void cemm_timer_set(struct cemm_timers *timers, struct cemm_timer *timer, int64_t when);

/* Stops a timer, if it is set. */
void cemm_timer_stop(struct cemm_timer *timer);

/* Fires what is due at `now`. */
void cemm_timers_run(struct cemm_timers *timers, int64_t now);

/* Milliseconds until the next one, 0 if it is due, -1 if there is none. */
int64_t cemm_timers_next(const struct cemm_timers *timers, int64_t now);

#endif
