/*
 * Caches documents. Concurrent requests for one document share one fetch, which tries the device's
 * routes (the sources that reach it) in turn, LAN before cloud. A document is absent only if every
 * source that offers its endpoint reports that it does not exist.
 */
#ifndef CEMM_ENGINE_CACHE_H
#define CEMM_ENGINE_CACHE_H

#include "common/engine/find.h"

TAILQ_HEAD(cemm_entry_list, cemm_entry);

struct cemm_cache {
    struct cemm_loop *loop;
    struct cemm_store *store;
    struct cemm_find *find;
    void *entries;               /* tree of struct cemm_entry, which only cache.c knows */
    struct cemm_entry_list used; /* least recently used first */
    size_t bytes;                /* size of all cached documents */
};

/* Why a document is requested. */
enum cemm_purpose {
    CEMM_WAITED_FOR,
    CEMM_BACKGROUND, /* nobody waits for it, so other requests to its source take precedence */
    CEMM_ONCE,       /* for a sweep (sweep.h): cached only if also requested for another purpose */
};

/* Cancels all waits and frees all entries. No request may be under way. */
void cemm_cache_clear(struct cemm_cache *cache);

/* Like cemm_get(). If `only` is not NULL, asks only this source, and does not read the archive. */
int cemm_cache_get(struct cemm_cache *cache, const struct cemm_source *only,
                   const struct cemm_query *query, int64_t max_age, enum cemm_purpose purpose,
                   cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* Like cemm_peek(). */
struct cemm_document *cemm_cache_peek(const struct cemm_cache *cache,
                                      const struct cemm_query *query, int64_t max_age);

/* Whether a document is being fetched. */
bool cemm_cache_under_way(const struct cemm_cache *cache, const struct cemm_query *query);

#endif
