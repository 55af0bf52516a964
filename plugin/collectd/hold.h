/*
 * The first reading of a series whose own interval is not known yet (spec §5):
 * the second one tells it. The step of an RRD is that of the first value, for
 * good, so that waits for it; but not for long, for a meter may be asleep.
 * For one thread.
 */
#ifndef CEMM_COLLECTD_HOLD_H
#define CEMM_COLLECTD_HOLD_H

#include "plugin/collectd/queue.h"

#define HOLD_MS 120000

struct hold {
    struct readings readings;
};

void hold_init(struct hold *hold);
void hold_clear(struct hold *hold);

/* Holds it at `now`, monotonic milliseconds. False: there are too many, and it stays the caller's.
 */
bool hold_put(struct hold *hold, struct reading *reading, int64_t now);

/* That of a series, which is the caller's then. NULL: none is held. */
struct reading *hold_take(struct hold *hold, const struct cemm_ledger_entry *entry);

/* One that was held for long enough, which is the caller's then. NULL: none. */
struct reading *hold_expired(struct hold *hold, int64_t now);

/* When the next one will have been; INT64_MAX: none is held. */
int64_t hold_due(const struct hold *hold);

#endif
