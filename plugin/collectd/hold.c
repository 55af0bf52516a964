#include "plugin/collectd/hold.h"

#include <stdlib.h>

/* All are held for the same time: so the first in the list is the first that expires. */

void hold_init(struct hold *hold)
{
    readings_init(&hold->readings);
}

void hold_clear(struct hold *hold)
{
    readings_free(&hold->readings);
}

bool hold_put(struct hold *hold, struct reading *reading, int64_t now)
{
    if (hold->readings.count == QUEUE_MAX)
        return false;
    reading->held_until = now + HOLD_MS;
    readings_add(&hold->readings, reading);
    return true;
}

static struct reading *take(struct hold *hold, struct reading *reading)
{
    STAILQ_REMOVE(&hold->readings.list, reading, reading, next);
    hold->readings.count--;
    return reading;
}

struct reading *hold_take(struct hold *hold, const struct cemm_ledger_entry *entry)
{
    struct reading *reading;

    STAILQ_FOREACH (reading, &hold->readings.list, next)
        if (reading->entry == entry)
            return take(hold, reading);
    return NULL;
}

struct reading *hold_expired(struct hold *hold, int64_t now)
{
    return hold_due(hold) <= now ? take(hold, STAILQ_FIRST(&hold->readings.list)) : NULL;
}

int64_t hold_due(const struct hold *hold)
{
    const struct reading *first = STAILQ_FIRST(&hold->readings.list);

    return first ? first->held_until : INT64_MAX;
}
