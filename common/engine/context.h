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

#include "common/config/config.h"
#include "common/engine/health.h"
#include "common/engine/store.h"
#include "common/protocol/beacon.h"

struct cemm_request;
struct cemm_device;

TAILQ_HEAD(cemm_request_list, cemm_request);
TAILQ_HEAD(cemm_entry_list, cemm_entry);
LIST_HEAD(cemm_first_day_list, cemm_first_day);

/* Sorted names. */
struct cemm_names {
    char (*items)[CEMM_NAME_SIZE];
    size_t count;
};

/* One look for the meters of a route (spec §1: found, not configured). */
struct cemm_search {
    size_t pending;                   /* requests under way */
    int64_t finished;                 /* wall time of the last whole success; 0: never */
    int result;                       /* of this look so far: the first failure */
    struct cemm_words *words;         /* kept */
    const struct cemm_device *device; /* that it is about */
    struct cemm_names absent; /* aliases that the source has denied: not asked again today */
    int64_t absent_since;     /* wall time of the first of them */
    bool listless;            /* it has no list of the meters (io): older firmware */
};

struct cemm_route {
    struct cemm_source *source;
    struct cemm_device *device; /* NULL: not known yet (LAN), or the account itself (cloud) */
    struct cemm_health health;
    struct cemm_words *trouble; /* why it rests; kept */
    int trouble_result;
    unsigned active;   /* transfers under way */
    bool complained;   /* about its lists of devices or meters: said once */
    bool proven;       /* it has answered: may have several requests at a time (cloud) */
    unsigned requests; /* begun; now and then one of them is a scout (promise.h) */
    int64_t expected;  /* milliseconds that it takes to keep a promise, learned; -1: unknown */
    struct cemm_names meters;
    struct cemm_search search;
};

/* What a discovered source knows besides: its settings are its own, and what its packet claimed. */
struct cemm_found {
    struct cemm_source_config config;
    struct cemm_beacon beacon;
    unsigned look; /* the last one in which it answered */
    bool refused;  /* its root document gave another MAC: said once, and not asked unasked */
};

struct cemm_source {
    struct cemm *cemm;
    const struct cemm_source_config *config;
    char *name;                       /* "cloud home"; "discovery" of all that were discovered */
    struct cemm_found *discovered;    /* NULL: it is configured */
    struct cemm_route own;            /* cloud: the account; LAN: the device behind the address */
    struct cemm_request_list queue;   /* ready to be sent for the first time */
    struct cemm_request_list repeats; /* ready to be sent again: before those */
    struct cemm_request_list busy;    /* sent, or waiting for something */
    unsigned active;
    int64_t expected; /* of its devices, the last one learned: a hint for others; -1: unknown */
    struct cemm_request *scout;   /* of promises, under way; NULL: none */
    struct cemm_timer impatience; /* set while requests wait for a connection */
    size_t devices;
    bool suspect;      /* LAN: it has failed; its root must say again which device it is */
    int64_t confirmed; /* monotonic: when its root said so last */
    bool names_warned; /* that names in its answers are not allowed: said once */
    bool lack_told;    /* that we had no room for what it has: said once */
    bool finding;      /* a look for its devices is under way */
    int64_t found;     /* wall time of the last one that succeeded; 0: never */
    int found_result;  /* of the last one */
    struct cemm_words found_words;
    int64_t last_success;
    int64_t last_failure;
    struct cemm_words last_words;
};

/* Looking for devices on the LAN by broadcast. */
struct cemm_discovery {
    struct cemm *cemm;
    bool enabled; /* asked by those who look for devices by any source */
    int fd;       /* -1: no look is under way */
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

struct cemm_device {
    struct cemm_uid uid;
    struct cemm_route **routes; /* LAN before cloud */
    size_t route_count;
    struct cemm_names meters; /* of all its routes together */
    int64_t last_success;     /* wall times; 0: never */
    int64_t last_failure;
    struct cemm_words *last_words; /* kept */
    struct cemm_ticket_list searchers;
    bool starting; /* its routes are just being told to look for meters */
    bool lost;     /* it has no route: said once, not for each of its documents */
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
    struct cemm_source **sources;
    size_t source_count;
    struct cemm_discovery discovery;
    struct cemm_device **devices; /* sorted by uid */
    size_t device_count;
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

/* ---- cemm.c  */

/* One more source; NULL: no memory. `name` is copied. */
struct cemm_source *cemm_source_new(struct cemm *cemm, const struct cemm_source_config *config,
                                    const char *name);

/* ---- registry.c ------------------------------------------------------------------ */

bool cemm_names_have(const struct cemm_names *names, const char *name);
int cemm_names_add(struct cemm_names *names, const char *name); /* 0 or -ENOMEM */
void cemm_names_clear(struct cemm_names *names);

struct cemm_device *cemm_device_find(const struct cemm *cemm, const struct cemm_uid *uid);
void cemm_device_free(struct cemm_device *device);

/* How a request about a device ended: for people. */
void cemm_device_note(struct cemm *cemm, const struct cemm_uid *uid, int result,
                      const struct cemm_words *words);

/* The route of a device by a source, made if need be; NULL: no memory, or too many devices. */
struct cemm_route *cemm_route_get(struct cemm_source *source, const struct cemm_uid *uid);

/* Takes its route from the device that was behind a source. */
void cemm_route_detach(struct cemm_route *route);

/* A meter that was known in an earlier run: 0 or a negative errno. */
int cemm_meter_known(struct cemm *cemm, const struct cemm_uid *uid, const char *alias);

/* Whether this source's settings let the alias through. */
bool cemm_source_admits(const struct cemm_source *source, const char *alias);

/* Whether a source may be asked for that. */
bool cemm_source_serves(const struct cemm_source *source, const struct cemm_query *query);

/* A meter was found by this route: 0 or -ENOMEM. */
int cemm_route_meter_found(struct cemm_route *route, const char *alias);

/* ---- find.c -------------------------------------------------------------------- */

/* As cemm_find(), for the devices of the sources named so (NULL: of all), a text that must outlive
 * it. With `wanted`, it ends as soon as that device is known. */
int cemm_find_devices(struct cemm *cemm, const char *source, const struct cemm_uid *wanted,
                      int64_t max_age_ms, cemm_answer_fn *done, void *data,
                      struct cemm_ticket **ret_ticket);

/* Lets those who wait for a device's meters go, if no route of it is still looking. */
void cemm_find_searched(struct cemm_device *device);

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
