/* The simulated clock, and the real one. See simclock.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct simclock {
    bool real;        /* the simulated time is the real time */
    int64_t begin_ms; /* the simulated time when monotonic_ms() was `anchor_ms` */
    int64_t anchor_ms;
    double speed;
    const int64_t *from_file; /* the time of --clock, or NULL */
};

int64_t real_us(void);
int64_t real_ms(void);
int64_t monotonic_ms(void);

/* Starts the simulated clock. If `begin_ms` is negative, it begins at the real time. */
struct simclock simclock_begin(int64_t begin_ms, double speed);
/* From now on, the time is read from the file: milliseconds since 1970, 8 bytes in host byte order.
 */
int simclock_follow(struct simclock *clock, const char *path);
void simclock_end(struct simclock *clock);
int64_t simclock_now(const struct simclock *clock);
