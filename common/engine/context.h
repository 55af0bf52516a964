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

#include "common/engine/registry.h"

TAILQ_HEAD(cemm_entry_list, cemm_entry);
LIST_HEAD(cemm_first_day_list, cemm_first_day);

/* Looking for devices on the LAN by broadcast. */
struct cemm_discovery {
    struct cemm *cemm;
    int fd; /* -1: no look is under way */
    bool own_port;
    bool port_said; /* that somebody else has it */
    bool looking;
    unsigned look;  /* counts them */
    int64_t looked; /* wall time of the last one's end; 0: never */
    int64_t ends;   /* monotonic: when this one does */
    unsigned asked; /* broadcast addresses that took the query */
    size_t junk;    /* packets that were no answers of a CEMM */
    struct cemm_timer timer;
    struct cemm_words words; /* what hindered the last look; "": nothing */
};

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
    struct cemm_registry registry;
    struct cemm_discovery discovery;
    struct cemm_ticket_list finders; /* waiting for sources to tell their devices */
    void *entries;                   /* tree of struct cemm_entry */
    struct cemm_entry_list used;
    size_t cached; /* bytes of all documents at hand */
    struct cemm_first_day_list firsts;
    bool zone_warned;
};

static inline struct cemm *cemm_of(struct cemm_loop *loop)
{
    return (struct cemm *)((char *)loop - offsetof(struct cemm, loop));
}

/* ---- find.c -------------------------------------------------------------------- */

/* As cemm_find(), for the devices of the sources named so (NULL: of all), a text that must outlive
 * it. With `wanted`, it ends as soon as that device is known. */
int cemm_find_devices(struct cemm *cemm, const char *source, const struct cemm_uid *wanted,
                      int64_t max_age_ms, cemm_answer_fn *done, void *data,
                      struct cemm_ticket **ret_ticket);

/* Asks a source for its devices, unless that is under way or known well enough. */
void cemm_find_source(struct cemm_source *source, int64_t max_age);

/* Whether the root document of a LAN route is its device's. If not, the route is given to the one
 * that it names. */
bool cemm_route_confirm(struct cemm_route *route, const struct cemm_document *root);

/* Lets those who wait for devices go, if there is nothing more to wait for. */
void cemm_find_settle(struct cemm *cemm);

/* ---- discovery.c ---------------------------------------------------------------- */

#define CEMM_DISCOVERY            "discovery" /* name of all discovered sources */
#define CEMM_DISCOVERY_TIMEOUT_MS 10000       /* of their answers */

void cemm_discovery_init(struct cemm *cemm);
void cemm_discovery_end(struct cemm *cemm);

/* Starts a look, unless one is under way or the last one is fresh enough. */
void cemm_discovery_look(struct cemm_discovery *discovery, int64_t max_age);

/* Whether the device that answered there is the one that its packet claimed. If so, it takes over
 * from the address that this device had before. */
bool cemm_discovery_confirm(struct cemm_source *source, const struct cemm_uid *uid);

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
