/*
 * Finds a meter's first day with data. The API has no call for that. So the data of every year is
 * requested (even before an empty year there may be data), then the data of the first month that
 * has any. Each source that reaches the device is asked, because one may have data that another has
 * deleted. The day is saved with the sources that were asked, so that each source is asked only
 * once, unless the time zone changes. These requests have the lowest priority.
 */
#ifndef CEMM_ENGINE_FIRST_DAY_H
#define CEMM_ENGINE_FIRST_DAY_H

#include "common/engine/cache.h"

struct cemm_first_days {
    struct cemm_cache *cache;
    LIST_HEAD(cemm_first_day_list, cemm_first_day) list; /* one per meter */
};

void cemm_first_days_clear(struct cemm_first_days *first_days);

/* Like cemm_find_first(). */
int cemm_first_days_find(struct cemm_first_days *first_days, const struct cemm_uid *uid,
                         const char *alias, cemm_answer_fn *done, void *data,
                         struct cemm_ticket **ret_ticket);

/* Like cemm_first_day(). */
bool cemm_first_days_get(struct cemm_first_days *first_days, const struct cemm_uid *uid,
                         const char *alias, struct cemm_period *ret_day, bool *ret_known);

#endif
