/*
 * What the rooms of the engine share. One thread uses it all; the wake-up is
 * the only call that crosses threads.
 *
 *   source   a cloud account or a LAN address: its settings, its queue
 *   route    one device by one source: its health, its requests under way
 *   device   a uid, its routes (LAN first) and its meters
 *   request  one request on one route, promises included        (request.c)
 *   entry    one document, whoever answers: at hand, on its way (cache.c)
 *   ticket   somebody who waits for an entry or for a search
 *   keeping  closed documents in the archive                    (store.c)
 */
#ifndef CEMM_ENGINE_CONTEXT_H
#define CEMM_ENGINE_CONTEXT_H

#include "common/engine/find.h"

TAILQ_HEAD(cemm_entry_list, cemm_entry);
LIST_HEAD(cemm_first_day_list, cemm_first_day);

/* One document: at hand, on its way, or neither. */
struct cemm_entry {
    struct cemm_query query;
    struct cemm_document *document;
    struct cemm_ticket_list waiters;
    struct cemm_request *request;              /* on its way */
    bool later;                                /* nobody is in a hurry for it */
    bool once;                                 /* its document is dropped when it was given */
    struct cemm_ticket *finder;                /* first the device must be found */
    struct cemm_route *tried[CEMM_ROUTES_MAX]; /* in this flight */
    size_t tried_count;
    bool absent;                  /* some source said so */
    int result;                   /* the first other failure */
    bool complained;              /* it has failed since it last succeeded: said once */
    struct cemm_words *words;     /* of `absent` or `result`; kept */
    TAILQ_ENTRY(cemm_entry) link; /* least recently used first */
};

struct cemm {
    const struct cemm_config *config;
    struct cemm_loop loop;
    struct cemm_store store;
    struct cemm_find find;
    void *entries; /* tree of struct cemm_entry */
    struct cemm_entry_list used;
    size_t cached; /* bytes of all documents at hand */
    struct cemm_first_day_list firsts;
    bool zone_warned;
};

static inline struct cemm *cemm_of(struct cemm_loop *loop)
{
    return (struct cemm *)((char *)loop - offsetof(struct cemm, loop));
}

/* ---- cache.c ------------------------------------------------------------------- */

void cemm_cache_free(struct cemm *cemm);

/* As cemm_get(), afresh, of realtime data that is not kept at hand afterwards unless somebody else
 * has asked for it, too: of a fleet, that would take more room than all else. */
int cemm_get_once(struct cemm *cemm, const struct cemm_query *query, cemm_answer_fn *done,
                  void *data);

/* ---- first_day.c --------------------------------------------------------------------- */

void cemm_first_days_free(struct cemm *cemm);
/* Whether a document is on its way. */
bool cemm_under_way(struct cemm *cemm, const struct cemm_query *query);

#endif
