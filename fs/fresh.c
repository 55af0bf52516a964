#include "fs/fresh.h"

#include "fs/info.h"

#define RUNNING_TIMEOUT 1.0  /* seconds: name of a running CSV; its node follows the data */
#define FOLLOWED_MS     5000 /* a running CSV is being followed if it was asked for this lately */

bool fresh_is_description(const struct place *place)
{
    return info_is(place) || place->kind == PLACE_IO;
}

struct freshness fresh_of(const struct fs *fs, const struct place *place,
                          const struct snapshot *snapshot)
{
    struct tree_clock clock = fs_clock(fs);
    if (fresh_is_description(place))
        return (struct freshness){.max_age = FS_INFO_MAX_AGE};
    if (place->kind != PLACE_PERIOD)
        return (struct freshness){.max_age = fs->realtime_ttl};
    int64_t closed_at = tree_closed_at(place, clock.zone);
    if (clock.now < closed_at)
        return (struct freshness){.max_age = FS_PERIOD_MAX_AGE};
    if (snapshot && snapshot->empty) /* it may come yet (spec §2) */
        return (struct freshness){.max_age = CEMM_EMPTY_AGE};
    /* One that was fetched before the period was closed may lack its end. */
    return (struct freshness){.max_age = cemm_clock_wall() - closed_at * 1000,
                              .since = closed_at * 1000,
                              .for_ever = true};
}

int64_t fresh_left(const struct node *node, const struct freshness *freshness)
{
    int64_t age = cemm_clock_wall() - node->snapshot->fetched;
    if (age < 0)
        return -1; /* the clock was set back: who knows how old */
    if (freshness->for_ever)
        return node->snapshot->fetched - freshness->since;
    return freshness->max_age - age;
}

bool fresh_is_followed(const struct node *node)
{
    if (fresh_is_description(&node->place))
        return true;
    return node->running && (node->pins > 0 || cemm_clock_wall() - node->asked <= FOLLOWED_MS);
}

bool fresh_may_run(const struct place *place)
{
    return fresh_is_description(place) ||
           (place->history == HISTORY_DAYS && place->form == CEMM_FORM_CSV);
}

double fresh_timeout(const struct node *node, const struct freshness *freshness)
{
    if (node->running || (fresh_may_run(&node->place) && !freshness->for_ever))
        return RUNNING_TIMEOUT;
    if (freshness->for_ever)
        return FS_CLOSED_TIMEOUT;
    if (!node->snapshot)
        return (double)freshness->max_age / 1000;
    return fresh_left(node, freshness) > 0 ? (double)fresh_left(node, freshness) / 1000 : 0;
}
