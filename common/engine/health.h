/*
 * Exponential backoff: something that fails is left alone, twice as long each time, with jitter, so
 * that many programs do not return at the same moment.
 */
#ifndef CEMM_ENGINE_HEALTH_H
#define CEMM_ENGINE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct cemm_health {
    int64_t retry_at;   /* monotonic milliseconds */
    int64_t pause;      /* length of the current pause; 0: healthy */
    int64_t down_since; /* when it first failed */
};

/* The shortest and the longest pause of one kind, in milliseconds. */
struct cemm_backoff {
    int64_t first;
    int64_t max;
};

/* Counts a failure at `now`; `chance` is any number. True if it was healthy before, so that this is
 * logged. A failure during a pause does not make it longer. */
bool cemm_health_fail(struct cemm_health *health, int64_t now, struct cemm_backoff backoff,
                      uint32_t chance);

/* It works: its failures are forgotten. True if it was failing before. */
bool cemm_health_recover(struct cemm_health *health);

bool cemm_health_backs_off(const struct cemm_health *health, int64_t now);

/* A number for `chance`. Never fails. */
uint32_t cemm_random(void);

#endif
