/*
 * Exponential backoff: after a failure, nothing is sent for a while; the pause doubles with each
 * failure. It has jitter, so that many programs do not resume at the same moment.
 */
#ifndef CEMM_ENGINE_HEALTH_H
#define CEMM_ENGINE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct cemm_health {
    int64_t retry_at;   /* monotonic milliseconds */
    int64_t pause;      /* length of the last pause, without jitter; 0: healthy */
    int64_t down_since; /* when the first failure after the last success came */
};

/* The pause after a first failure, and the longest pause, in milliseconds. */
struct cemm_backoff {
    int64_t first;
    int64_t max;
};

/* Records a failure at `now`; during a pause, does nothing. `chance`: a random number, for jitter.
 * Returns true for the first failure since a success, so that the caller can log it. */
bool cemm_health_fail(struct cemm_health *health, int64_t now, struct cemm_backoff backoff,
                      uint32_t chance);

/* Forgets all failures. Returns whether there was one. */
bool cemm_health_recover(struct cemm_health *health);

bool cemm_health_backs_off(const struct cemm_health *health, int64_t now);

/* A random number for `chance`. Never fails. */
uint32_t cemm_random(void);

#endif
