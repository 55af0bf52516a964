#include "common/engine/health.h"

#define JITTER 25 /* percent of the pause, up or down */

bool cemm_health_fail(struct cemm_health *health, int64_t now, struct cemm_rest rest,
                      uint32_t chance)
{
    bool first = health->pause == 0;

    if (cemm_health_rests(health, now))
        return false; /* it was sent before the rest began, so it does not count again */
    if (first)
        health->down_since = now;
    health->pause = first ? rest.first : 2 * health->pause;
    if (health->pause > rest.max)
        health->pause = rest.max;
    int64_t pause = health->pause * (100 - JITTER + chance % (2 * JITTER + 1)) / 100;
    health->rest_until = now + (pause > rest.max ? rest.max : pause);
    return first;
}

bool cemm_health_recover(struct cemm_health *health)
{
    bool failing = health->pause > 0;

    *health = (struct cemm_health){0};
    return failing;
}

bool cemm_health_rests(const struct cemm_health *health, int64_t now)
{
    return health->pause > 0 && now < health->rest_until;
}
