#include "common/model/minutes.h"

#include "common/base/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Finds the first stretch whose `until` is `minute` or later. Searches from the end, because most
 * stretches are added there. */
static uint32_t find_place(const struct cemm_minutes *minutes, int32_t minute)
{
    uint32_t at = minutes->count;

    while (at > 0 && minutes->stretches[at - 1].until >= minute)
        at--;
    return at;
}

static void drop(struct cemm_minutes *minutes, uint32_t at, uint32_t count)
{
    memmove(minutes->stretches + at, minutes->stretches + at + count,
            (minutes->count - at - count) * sizeof(*minutes->stretches));
    minutes->count -= count;
}

static int insert(struct cemm_minutes *minutes, uint32_t at, struct cemm_stretch added)
{
    struct cemm_stretch *stretches =
        reallocarray(minutes->stretches, minutes->count + 1, sizeof(*stretches));

    if (!stretches)
        return -ENOMEM;
    minutes->stretches = stretches;
    memmove(minutes->stretches + at + 1, minutes->stretches + at,
            (minutes->count - at) * sizeof(*minutes->stretches));
    minutes->stretches[at] = added;
    minutes->count++;
    /* Joins the two oldest stretches: losing the gap is better than sending minutes twice. */
    if (minutes->count > CEMM_STRETCHES_MAX) {
        minutes->stretches[1].from = minutes->stretches[0].from;
        drop(minutes, 0, 1);
    }
    return 1;
}

int cemm_minutes_add(struct cemm_minutes *minutes, struct cemm_stretch added)
{
    uint32_t first = find_place(minutes, added.from);
    uint32_t end = first;

    while (end < minutes->count && minutes->stretches[end].from <= added.until)
        end++;
    if (first == end)
        return insert(minutes, first, added);
    struct cemm_stretch *joined = &minutes->stretches[first];
    if (joined->from <= added.from && joined->until >= added.until)
        return 0;
    if (joined->from < added.from)
        added.from = joined->from;
    if (minutes->stretches[end - 1].until > added.until)
        added.until = minutes->stretches[end - 1].until;
    *joined = added;
    drop(minutes, first + 1, end - first - 1);
    return 1;
}

bool cemm_minutes_missing(const struct cemm_minutes *minutes, struct cemm_stretch within,
                          struct cemm_stretch *ret_missing)
{
    if (within.from >= within.until)
        return false;
    uint32_t at = find_place(minutes, within.from + 1);
    if (at < minutes->count && minutes->stretches[at].from <= within.from)
        within.from = minutes->stretches[at++].until;
    if (at < minutes->count && minutes->stretches[at].from < within.until)
        within.until = minutes->stretches[at].from;
    *ret_missing = within;
    return within.from < within.until;
}
