/*
 * The functions for time zones that only the library itself uses.
 */
#ifndef CEMM_MODEL_PERIOD_H
#define CEMM_MODEL_PERIOD_H

#include "common/frontend.h"

/* Returns the name that a zone was created with, or the system's name for its own zone. */
const char *cemm_zone_name(const struct cemm_zone *zone);

/* Returns by how many seconds the zone's clocks are ahead of UTC at `seconds` (since 1970). */
int64_t cemm_zone_offset(const struct cemm_zone *zone, int64_t seconds);

#endif
