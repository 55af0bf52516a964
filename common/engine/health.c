#include "common/engine/health.h"

#include <sys/param.h>
#include <unistd.h>

#define JITTER 25 /* percent of the pause, up or down */

bool cemm_health_fail(struct cemm_health *health, int64_t now, struct cemm_backoff backoff,
                      uint32_t chance)
{
    bool first = health->pause == 0;

    if (cemm_health_backs_off(health, now))
        return false; /* the request was sent before the pause began */
    if (first)
        health->down_since = now;
    health->pause = MIN(first ? backoff.first : 2 * health->pause, backoff.max);
    int64_t pause = health->pause * (100 - JITTER + chance % (2 * JITTER + 1)) / 100;
    health->retry_at = now + MIN(pause, backoff.max);
    return first;
}

bool cemm_health_recover(struct cemm_health *health)
{
    bool failing = health->pause > 0;

    *health = (struct cemm_health){0};
    return failing;
}

bool cemm_health_backs_off(const struct cemm_health *health, int64_t now)
{
    return health->pause > 0 && now < health->retry_at;
}

/* arc4random() would suffice, but neither musl nor glibc before 2.36 has it. */
uint32_t cemm_random(void)
{
    uint32_t number = (uint32_t)getpid();

    (void)!getentropy(&number, sizeof(number)); /* fails only on kernels before 3.17 */
    return number;
}
