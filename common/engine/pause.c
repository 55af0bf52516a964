#include "common/engine/pause.h"

#include "common/base/limits.h"
#include "common/model/document.h"

#include <stdlib.h>

static void pause_free(struct cemm_pauses *pauses, struct cemm_pause *pause)
{
    SLIST_REMOVE(pauses, pause, cemm_pause, link);
    cemm_words_drop(&pause->words);
    free(pause);
}

struct cemm_pause *cemm_pauses_find(const struct cemm_pauses *pauses,
                                    const struct cemm_query *query)
{
    struct cemm_pause *pause;

    SLIST_FOREACH(pause, pauses, link)
    if (cemm_query_compare(&pause->query, query) == 0)
        return pause;
    return NULL;
}

static struct cemm_pause *ends_first(const struct cemm_pauses *pauses, size_t *ret_count)
{
    struct cemm_pause *first = SLIST_FIRST(pauses);
    struct cemm_pause *pause;

    *ret_count = 0;
    SLIST_FOREACH(pause, pauses, link)
    {
        ++*ret_count;
        if (pause->health.rest_until < first->health.rest_until)
            first = pause;
    }
    return first;
}

/* If there are too many, the one that ends first goes. */
static void make_room(struct cemm_pauses *pauses)
{
    size_t count;
    struct cemm_pause *first = ends_first(pauses, &count);

    if (count >= CEMM_PAUSES_MAX)
        pause_free(pauses, first);
}

static struct cemm_pause *get(struct cemm_pauses *pauses, const struct cemm_query *query)
{
    struct cemm_pause *pause = cemm_pauses_find(pauses, query);

    if (pause)
        return pause;
    make_room(pauses);
    pause = calloc(1, sizeof(*pause));
    if (!pause)
        return NULL;
    pause->query = *query;
    SLIST_INSERT_HEAD(pauses, pause, link);
    return pause;
}

struct cemm_pause *cemm_pauses_refused(struct cemm_pauses *pauses, const struct cemm_query *query,
                                       int64_t now, int64_t told_ms, struct cemm_rest rest,
                                       uint32_t chance)
{
    struct cemm_pause *pause = get(pauses, query);

    if (!pause)
        return NULL;
    (void)cemm_health_fail(&pause->health, now, rest, chance);
    if (told_ms >= 0)
        pause->health.rest_until = now + (told_ms < CEMM_PAUSE_MAX ? told_ms : CEMM_PAUSE_MAX);
    return pause;
}

void cemm_pauses_drop(struct cemm_pauses *pauses, const struct cemm_query *query)
{
    struct cemm_pause *pause = cemm_pauses_find(pauses, query);

    if (pause)
        pause_free(pauses, pause);
}

void cemm_pauses_clear(struct cemm_pauses *pauses)
{
    while (!SLIST_EMPTY(pauses))
        pause_free(pauses, SLIST_FIRST(pauses));
}
