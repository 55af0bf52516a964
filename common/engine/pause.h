/*
 * Requests that their source has refused: with 403, or because it is asked too
 * often. A poller does not send such a request again for as long as Retry-After
 * says, and without it longer each time. Pure: time and a random number are
 * arguments.
 */
#ifndef CEMM_ENGINE_PAUSE_H
#define CEMM_ENGINE_PAUSE_H

#include "common/base/words.h"
#include "common/engine/health.h"
#include "common/frontend.h"

#include <sys/queue.h>

struct cemm_pause {
    struct cemm_query query;
    struct cemm_health health;
    int result;               /* of the refused request */
    struct cemm_words *words; /* kept */
    unsigned keys;            /* the source's count at that time */
    LIST_ENTRY(cemm_pause) link;
};

LIST_HEAD(cemm_pauses, cemm_pause);

/* NULL: none. It may be over. */
struct cemm_pause *cemm_pauses_find(const struct cemm_pauses *pauses,
                                    const struct cemm_query *query);

/* One more refusal; `retry_after_ms` -1: not sent. NULL: no memory. */
struct cemm_pause *cemm_pauses_refused(struct cemm_pauses *pauses, const struct cemm_query *query,
                                       int64_t now, int64_t retry_after_ms, struct cemm_rest rest,
                                       uint32_t chance);

/* It was not refused. */
void cemm_pauses_drop(struct cemm_pauses *pauses, const struct cemm_query *query);
void cemm_pauses_clear(struct cemm_pauses *pauses);

#endif
