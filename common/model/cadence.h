/*
 * How often a series is measured, learned from the times of its samples. A poll
 * misses some of them, and the first one after an outage is late: so the
 * shortest of the last distances counts.
 */
#ifndef CEMM_MODEL_CADENCE_H
#define CEMM_MODEL_CADENCE_H

#include <stdbool.h>
#include <stdint.h>

#define CEMM_CADENCE_DISTANCES 7 /* between the last eight samples */
#define CEMM_CADENCE_MAX       3600

struct cemm_cadence {
    uint16_t distances[CEMM_CADENCE_DISTANCES]; /* seconds, the newest first; 0: none */
};

/* A sample came `distance_ms` after the one before it. */
void cemm_cadence_learn(struct cemm_cadence *cadence, int64_t distance_ms);

/* The interval that an earlier run learned counts as one distance until enough newer ones are
 * known. */
void cemm_cadence_recall(struct cemm_cadence *cadence, int64_t seconds);

/* Seconds: 10, 30, 60, 300 or 3600; 0: not known yet. */
unsigned cemm_cadence_seconds(const struct cemm_cadence *cadence);

#endif
