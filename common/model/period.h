/*
 * Zones: what cemm.h and frontend.h do not have.
 */
#ifndef CEMM_MODEL_PERIOD_H
#define CEMM_MODEL_PERIOD_H

#include "common/frontend.h"

/* The name it was created with, or the system's name for its own zone. */
const char *cemm_zone_name(const struct cemm_zone *zone);

/* By how many seconds the zone's clocks are ahead of UTC at that moment (seconds since 1970). */
int64_t cemm_zone_offset(const struct cemm_zone *zone, int64_t seconds);

#endif
