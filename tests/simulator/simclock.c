/*
 * The simulated clock.
 *
 * Tests of "the day is over" cannot wait for midnight: --now sets the clock, --speed lets it run.
 * Only what meters measure follows it. Promises, delays and the log are about the client, who
 * lives in real time.
 */
#include "simclock.h"

#include <time.h>

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t real_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

struct simclock simclock_begin(int64_t begin_ms, double speed)
{
    return (struct simclock){
        .real = begin_ms < 0 && speed == 1.0,
        .begin_ms = begin_ms < 0 ? real_ms() : begin_ms,
        .anchor_ms = monotonic_ms(),
        .speed = speed,
    };
}

int64_t simclock_now(const struct simclock *clock)
{
    if (clock->real)
        return real_ms();
    return clock->begin_ms + (int64_t)((double)(monotonic_ms() - clock->anchor_ms) * clock->speed);
}
