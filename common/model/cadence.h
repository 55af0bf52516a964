/*
 * How often a series is measured, learned from the times of its own samples
 * (spec §5). A poll sees some of them only, and the first one after an outage
 * comes late: so the shortest of the last distances holds.
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

/* A sample came so many milliseconds after the one before it. */
void cemm_cadence_learn(struct cemm_cadence *cadence, int64_t distance_ms);

/* What was learned in an earlier run holds as one distance, until so many newer ones are known. */
void cemm_cadence_recall(struct cemm_cadence *cadence, int64_t seconds);

/* Seconds: 10, 30, 60, 300 or 3600; 0: not known yet. */
unsigned cemm_cadence_seconds(const struct cemm_cadence *cadence);

#endif
