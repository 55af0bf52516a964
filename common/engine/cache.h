/*
 * One document for whoever asks: at hand, or on its way once however many want
 * it (single flight). It tries the device's routes in order, LAN before cloud,
 * and believes that something is absent only when every source that has the
 * endpoint says so (spec §1).
 */
#ifndef CEMM_ENGINE_CACHE_H
#define CEMM_ENGINE_CACHE_H

#include "common/engine/find.h"

TAILQ_HEAD(cemm_entry_list, cemm_entry);

struct cemm_cache {
    struct cemm_loop *loop;
    struct cemm_store *store;
    struct cemm_find *find;
    void *entries;               /* tree of struct cemm_entry, which is cache.c's own */
    struct cemm_entry_list used; /* least recently used first */
    size_t bytes;                /* of all documents at hand */
    bool zone_warned;
};

/* Why something is asked for. */
enum cemm_purpose {
    CEMM_WAITED_FOR,
    CEMM_LATER, /* nobody waits: at its source, all that is waited for goes before */
    CEMM_ONCE,  /* it is not kept at hand afterwards, unless somebody else has asked for it, too: of
                 * a fleet, that would take more room than all else */
};

void cemm_cache_init(struct cemm_cache *cache, struct cemm_store *store, struct cemm_find *find);

/* Cancels all who wait, and frees it. The requests have ended. */
void cemm_cache_clear(struct cemm_cache *cache);

/* As cemm_get(). */
int cemm_cache_get(struct cemm_cache *cache, const struct cemm_query *query, int64_t max_age,
                   enum cemm_purpose purpose, cemm_answer_fn *done, void *data,
                   struct cemm_ticket **ret_ticket);

/* What that source alone says now, whatever the archive has; nobody waits for it. */
int cemm_cache_get_of(struct cemm_cache *cache, const struct cemm_source *source,
                      const struct cemm_query *query, int64_t max_age, cemm_answer_fn *done,
                      void *data);

/* As cemm_peek(). */
struct cemm_document *cemm_cache_peek(const struct cemm_cache *cache,
                                      const struct cemm_query *query, int64_t max_age);

/* Whether a document is on its way. */
bool cemm_cache_under_way(const struct cemm_cache *cache, const struct cemm_query *query);

#endif
