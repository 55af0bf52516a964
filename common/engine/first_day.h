/*
 * Since when a meter has data. The API has no call for that, so each year is
 * asked for, all of them: a house that stood empty for a year must not lose
 * what was before. Then the month in the first one with data. Each source that
 * reaches the device is asked for itself: one may remember what another has
 * forgotten. What was found is kept, and who was asked, so this happens once for
 * each of them, and behind everything else that is wanted of it; and anew in
 * another time zone.
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

/* As cemm_first_day(); *ret_known is what cemm_first_known() tells. */
bool cemm_first_days_get(struct cemm_first_days *first_days, const struct cemm_uid *uid,
                         const char *alias, struct cemm_period *ret_day, bool *ret_known);

#endif
