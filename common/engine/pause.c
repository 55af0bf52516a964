#include "common/engine/pause.h"

#include "common/base/limits.h"
#include "common/model/document.h"

#include <stdlib.h>

static void pause_free(struct cemm_pause *pause)
{
    LIST_REMOVE(pause, link);
    cemm_words_drop(&pause->words);
    free(pause);
}

struct cemm_pause *cemm_pauses_find(const struct cemm_pauses *pauses,
                                    const struct cemm_query *query)
{
    struct cemm_pause *pause;

    LIST_FOREACH (pause, pauses, link)
        if (cemm_query_compare(&pause->query, query) == 0)
            return pause;
    return NULL;
}

/* If there are too many, the one that ends first goes. */
static void make_room(struct cemm_pauses *pauses)
{
    struct cemm_pause *first = LIST_FIRST(pauses);
    struct cemm_pause *pause;
    size_t count = 0;

    LIST_FOREACH (pause, pauses, link) {
        count++;
        if (pause->health.rest_until < first->health.rest_until)
            first = pause;
    }
    if (count >= CEMM_PAUSES_MAX)
        pause_free(first);
}

struct cemm_pause *cemm_pauses_refused(struct cemm_pauses *pauses, const struct cemm_query *query,
                                       int64_t now, int64_t retry_after_ms, struct cemm_rest rest,
                                       uint32_t chance)
{
    struct cemm_pause *pause = cemm_pauses_find(pauses, query);

    if (!pause) {
        make_room(pauses);
        pause = calloc(1, sizeof(*pause));
        if (!pause)
            return NULL;
        pause->query = *query;
        LIST_INSERT_HEAD(pauses, pause, link);
    }
    (void)cemm_health_fail(&pause->health, now, rest, chance);
    if (retry_after_ms >= 0)
        pause->health.rest_until =
            now + (retry_after_ms < CEMM_PAUSE_MAX ? retry_after_ms : CEMM_PAUSE_MAX);
    return pause;
}

void cemm_pauses_drop(struct cemm_pauses *pauses, const struct cemm_query *query)
{
    struct cemm_pause *pause = cemm_pauses_find(pauses, query);

    if (pause)
        pause_free(pause);
}

void cemm_pauses_clear(struct cemm_pauses *pauses)
{
    while (!LIST_EMPTY(pauses))
        pause_free(LIST_FIRST(pauses));
}
