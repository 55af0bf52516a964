/* The simulated clock, and the real one. See simclock.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct simclock {
    bool real;
    int64_t begin_ms; /* what the simulated clock showed at `anchor_ms` */
    int64_t anchor_ms;
    double speed;
    const int64_t *shown; /* what somebody else hands in; NULL: nobody */
};

int64_t real_us(void);
int64_t real_ms(void);
int64_t monotonic_ms(void);

/* `begin_ms` below 0: begins at the real time. */
struct simclock simclock_begin(int64_t begin_ms, double speed);
/* From now on it shows what stands in that file: Unix milliseconds, 8 bytes of this machine. */
int simclock_follow(struct simclock *clock, const char *path);
void simclock_end(struct simclock *clock);
int64_t simclock_now(const struct simclock *clock);
