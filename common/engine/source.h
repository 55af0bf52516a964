/*
 * Sources, devices and routes. A source is a cloud account or a LAN address. A route is one device
 * reached through one source.
 */
#ifndef CEMM_ENGINE_SOURCE_H
#define CEMM_ENGINE_SOURCE_H

#include "common/base/limits.h"
#include "common/config/config.h"
#include "common/engine/health.h"
#include "common/engine/loop.h"
#include "common/protocol/beacon.h"

/* A meter that a device has, or that was requested from it. */
struct cemm_meter {
    TAILQ_ENTRY(cemm_meter) link; /* sorted by alias */
    char *type;                   /* NULL: unknown */
    bool found;                   /* a source has it, or had it in an earlier run */
    bool totals;                  /* LAN: an answer had the member `totals` */
    char alias[];
};

TAILQ_HEAD(cemm_meter_list, cemm_meter);
TAILQ_HEAD(cemm_route_list, cemm_route);

struct cemm_device {
    struct cemm_uid uid;
    struct cemm_route_list routes; /* LAN before cloud */
    struct cemm_meter_list meters;
    size_t meter_count;
    struct cemm_outcomes outcomes;
    struct cemm_ticket_list searchers;
    unsigned requests;   /* requests about it that are under way */
    bool lost;           /* it has no route; already logged */
    unsigned discovered; /* its number among discovery's devices; 0: another source brought it */
};

/* Whether any source reaches it; `device` may be NULL. */
static inline bool cemm_device_reached(const struct cemm_device *device)
{
    return device && !TAILQ_EMPTY(&device->routes);
}

struct cemm_registry;

TAILQ_HEAD(cemm_request_list, cemm_request);
TAILQ_HEAD(cemm_source_list, cemm_source);

/* How the last request failed, after which none is sent for a while. */
struct cemm_failure {
    struct cemm_health health;
    int result;
    struct cemm_message *message; /* see cemm_message_keep() */
};

/* A request that was refused. */
struct cemm_refused {
    struct cemm_query query;
    struct cemm_failure failure;
    unsigned key_generation; /* source->key_generation when the request was sent */
    LIST_ENTRY(cemm_refused) link;
};

LIST_HEAD(cemm_refused_list, cemm_refused);

/* A search for the devices of a source, or for the meters of a route (find.c). */
struct cemm_search {
    unsigned pending;                 /* requests under way */
    int result;                       /* of the last search: its first failure */
    struct cemm_message *message;     /* see cemm_message_keep() */
    int64_t finished;                 /* when the last search succeeded (wall time); 0: never */
    const struct cemm_device *device; /* whose meters are searched for */
    bool failure_logged;              /* the last search failed; already logged */
};

struct cemm_route {
    struct cemm_source *source;
    struct cemm_device *device;  /* NULL: not known yet (LAN), or the account itself (cloud) */
    struct cemm_failure failure; /* it did not answer */
    int active;                  /* transfers under way */
    bool proven;       /* it answered, so it may have several requests at a time (cloud) */
    bool no_io;        /* older firmware: it has no list of the meters (io) */
    unsigned requests; /* requests begun; now and then one of them repeats early (promise.h) */
    int64_t expected;  /* learned: milliseconds until a promise is kept; -1: unknown */
    /* Aliases; the strings are those of the device's meters. */
    struct cemm_strings meters;
    struct cemm_strings absent; /* of meters that it lacks; not asked for again for a day */
    int64_t absent_since;       /* when the first of them was reported absent (wall time) */
    int64_t newest;             /* time of the newest sample that it has sent, Unix milliseconds */
    struct cemm_search search;
    struct cemm_refused_list refused; /* its requests that the source refuses */
    bool listed;                      /* cloud: its device is in the list that has just come */
    bool delivered;                   /* a document came by it since the previous list of devices */
    TAILQ_ENTRY(cemm_route) link;     /* in its device's `routes`, or in its source's `unlisted` */
};

/* What discovery knows of one of its sources. There is one source per address, whichever devices
 * the packets from there claim to be. */
struct cemm_discovered_source {
    struct cemm_source_config config;
    char address[16]; /* IPv4; config.address points here; "": the address was forgotten */
    char url[48];
    struct cemm_beacon beacon; /* last packet of the device that was confirmed there */
    unsigned scan;             /* last scan in which `beacon`'s device answered */
    struct cemm_beacon claim;  /* last packet of a device that had not been confirmed there */
    unsigned claim_scan;       /* scan in which `claim` came */
    unsigned order;            /* of all sources, the one with the lowest has the oldest claim */
    struct cemm_uid root;      /* the device that its root document named last; "": none yet */
    /* Nothing is requested from it until a new claim comes: the root named another device, there
     * was no room for the device, or the address was forgotten. */
    bool refused;
    bool logged; /* a wrong claim, or a root that failed, was logged */
};

struct cemm_source {
    struct cemm_loop *loop;
    struct cemm_registry *registry;
    TAILQ_ENTRY(cemm_source) link;
    const struct cemm_source_config *config;
    char *name; /* "cloud home"; "discovery" for all that are discovered */
    struct cemm_discovered_source *discovered; /* owned; NULL: it is configured */
    struct cemm_route own;   /* cloud: the account; LAN: the device behind the address */
    size_t devices;          /* number of devices that it reaches */
    unsigned key_generation; /* cloud: how often its key was replaced */
    bool key_lost;           /* its key file could not be read again; already logged */
    int64_t key_read;  /* when its key file was last read after a refusal (monotonic); 0: never */
    bool unverified;   /* LAN: it has failed; its root must say again which device it is */
    int64_t confirmed; /* when its root last said which device it is (monotonic) */
    struct cemm_outcomes outcomes;

    /* Its requests (request.c). */
    struct cemm_request_list queue;   /* ready to be sent for the first time */
    struct cemm_request_list repeats; /* ready to be sent again; these go first */
    struct cemm_request_list busy;    /* sent, or waiting for something */
    size_t open;                      /* number of requests in these three lists */
    int active;                       /* number of requests that have a connection */
    int64_t expected; /* `expected` of one route, as a hint for those without; -1: unknown */
    size_t left_out;  /* parts of its answers that lack the documented form */
    uint32_t logged[CEMM_LOGGED_MAX]; /* checksums of the logged messages about left-out parts */
    size_t logged_count;

    struct cemm_search list;         /* of its devices */
    struct cemm_route_list unlisted; /* routes to devices that it no longer lists */
    struct cemm_uid *elsewhere;      /* devices that belong to other shards */
    size_t elsewhere_count;
};

/* The device's meter; adds it if there is none. NULL: no memory, or too many. */
struct cemm_meter *cemm_device_meter_get(struct cemm_device *device, const char *alias);

/* Adds the alias of a device's meter to a route's list, unless the device has too many meters: 0 or
 * -ENOMEM. */
int cemm_meters_add(struct cemm_strings *meters, struct cemm_device *device, const char *alias);
void cemm_meters_clear(struct cemm_strings *meters);

/* Sets the types of the device's meters from an answer to IO or INFO; ignores other answers. 0 or
 * -ENOMEM. */
int cemm_device_set_types(struct cemm_device *device, const struct cemm_document *document);

/* `name` is copied. NULL: no memory. */
struct cemm_source *cemm_source_new(struct cemm_loop *loop, const struct cemm_source_config *config,
                                    const char *name);
/* Resets it to its initial state. Its requests must have ended, and its devices been removed. */
void cemm_source_reset(struct cemm_source *source);
void cemm_source_free(struct cemm_source *source);

/* Whether the source's filters permit that alias of any device, or that meter of one device. */
bool cemm_source_admits(const struct cemm_source *source, const char *alias);
bool cemm_source_admits_meter(const struct cemm_source *source, const struct cemm_uid *uid,
                              const char *alias);

/* Whether that device belongs to a shard that the source is not configured to read. */
bool cemm_source_other_shard(const struct cemm_source *source, const struct cemm_uid *uid);

/* Whether the source has that endpoint, and its filters permit the meter. */
bool cemm_source_serves(const struct cemm_source *source, const struct cemm_query *query);

/* Whether only packets claim that a device is there. Then only discovery logs about it. */
bool cemm_source_unconfirmed(const struct cemm_source *source);

/* Forgets what was known of the route's device. */
void cemm_route_clear(struct cemm_route *route);
void cemm_route_free(struct cemm_route *route);

/* For messages: the device's uid, else the address or "the account". */
const char *cemm_route_name(const struct cemm_route *route);

/* Why this request may not be sent yet: the route, or the account as a whole, does not answer, or
 * has refused it. NULL: it may be sent. */
const struct cemm_failure *cemm_route_failure(struct cemm_route *route,
                                              const struct cemm_query *query);

/* Like cemm_log_device(), for a message about the route; without its limit for the source's own. */
#define cemm_route_log(route, level, ...) \
    (cemm_route_may_log(route) ? cemm_log((route)->source->loop, level, __VA_ARGS__) : (void)0)
bool cemm_route_may_log(const struct cemm_route *route);

/* The route has not answered; `reason` is for people. */
void cemm_route_failed(struct cemm_route *route, int result, const char *reason);

/* The route has answered. */
void cemm_route_answered(struct cemm_route *route);

/* ---- refusals ------------------------------------------------------------------- */

/* A source refuses a request with 401 or 403, or because it is asked too often (429, Retry-After).
 * Programs that poll do not repeat it for as long as Retry-After says, or else longer after each
 * refusal. If a key was refused, its file is read again, because it may have been rewritten. */

/* The last reply to a request. */
struct cemm_last_reply {
    int status;              /* the HTTP status; 0: no reply has come */
    int64_t retry_after_ms;  /* -1: the reply has no Retry-After */
    unsigned key_generation; /* source->key_generation when the request was sent */
};

/* For how many seconds the request will not be repeated, because the source said so; or 0. */
int64_t cemm_refusal_delay(const struct cemm_source *source, const struct cemm_last_reply *reply,
                           int result);

/* A request has ended with `result`. */
void cemm_refusal_record(struct cemm_route *route, const struct cemm_query *query,
                         const struct cemm_last_reply *reply, int result, const char *message);

/* Whether a request was refused because of a key that has been replaced meanwhile. */
bool cemm_refusal_of_old_key(struct cemm_source *source, const struct cemm_last_reply *reply,
                             int result);

#endif
