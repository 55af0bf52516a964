/*
 * Timers: a heap of pointers to timers that live in their owners.
 */
#ifndef CEMM_ENGINE_TIMER_H
#define CEMM_ENGINE_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct cemm_timer {
    int64_t when; /* monotonic milliseconds */
    size_t slot;  /* 1 + place in the heap; 0: not set */
    void (*fire)(void *data);
    void *data;
};

struct cemm_timers {
    struct cemm_timer **heap;
    size_t count;
    size_t capacity;
};

void cemm_timers_clear(struct cemm_timers *timers);

/* Sets a timer that is not set; 0 or -ENOMEM. */
int cemm_timer_set(struct cemm_timers *timers, struct cemm_timer *timer, int64_t when);

/* Allowed on a timer that is not set. */
void cemm_timer_stop(struct cemm_timers *timers, struct cemm_timer *timer);

/* Fires what is due at `now`. */
void cemm_timers_run(struct cemm_timers *timers, int64_t now);

/* Milliseconds until the next one, 0 if it is due, -1 if there is none. */
int64_t cemm_timers_next(const struct cemm_timers *timers, int64_t now);

#endif
