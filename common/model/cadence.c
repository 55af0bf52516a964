#include "common/model/cadence.h"

#include <string.h>

static const uint16_t steps[] = {10, 30, 60, 300, CEMM_CADENCE_MAX};

#define LAST (sizeof(steps) / sizeof(*steps) - 1)

/* Rounds up to a step. Times are not exact, so fractions of a second are ignored. */
static uint16_t step_of(int64_t seconds)
{
    size_t i = 0;

    while (i < LAST && seconds > steps[i])
        i++;
    return steps[i];
}

void cemm_cadence_learn(struct cemm_cadence *cadence, int64_t distance_ms)
{
    if (distance_ms <= 0)
        return; /* our clock was wrong */
    memmove(cadence->distances + 1, cadence->distances,
            sizeof(cadence->distances) - sizeof(*cadence->distances));
    cadence->distances[0] = step_of(distance_ms / 1000);
}

void cemm_cadence_recall(struct cemm_cadence *cadence, int64_t seconds)
{
    *cadence = (struct cemm_cadence){.distances = {step_of(seconds)}};
}

unsigned cemm_cadence_seconds(const struct cemm_cadence *cadence)
{
    unsigned shortest = cadence->distances[0];

    for (unsigned i = 1; i < CEMM_CADENCE_DISTANCES && cadence->distances[i]; i++)
        if (cadence->distances[i] < shortest)
            shortest = cadence->distances[i];
    return shortest;
}
