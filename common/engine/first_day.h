/*
 * Since when a meter has data. The API has no call for that, so every year is
 * asked for: a house that stood empty for a year must not lose what was before.
 * Then the month is asked for in the first year with data. Each source that
 * reaches the device is asked by itself, because one may have what another has
 * forgotten. The day is saved with who was asked, so that this happens once for
 * each source, after everything else that is wanted of it; and again in another
 * time zone.
 */
#ifndef CEMM_ENGINE_FIRST_DAY_H
#define CEMM_ENGINE_FIRST_DAY_H

#include "common/engine/cache.h"

LIST_HEAD(cemm_first_day_list, cemm_first_day);

struct cemm_first_days {
    struct cemm_cache *cache;
    struct cemm_first_day_list list; /* one a meter, which is first_day.c's own */
};

void cemm_first_days_clear(struct cemm_first_days *first_days);

/* As cemm_find_first(). */
int cemm_first_days_find(struct cemm_first_days *first_days, const struct cemm_uid *uid,
                         const char *alias, cemm_answer_fn *done, void *data,
                         struct cemm_ticket **ret_ticket);

/* As cemm_first_day() and cemm_first_known(). */
bool cemm_first_days_get(struct cemm_first_days *first_days, const struct cemm_uid *uid,
                         const char *alias, struct cemm_period *ret_day);
bool cemm_first_days_known(struct cemm_first_days *first_days, const struct cemm_uid *uid,
                           const char *alias);

#endif
