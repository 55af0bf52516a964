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
    bool found;                   /* a source has the meter, or had it in an earlier run */
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
    struct cemm_ticket_list searchers; /* callers that wait for its meters to be found */
    unsigned requests;                 /* number of requests about it that are under way */
    bool lost;                         /* it has no route, which was logged */
    unsigned discovered; /* n: the n-th device that discovery added; 0: it is never forgotten */
};

/* Whether any source reaches the device; `device` may be NULL. */
static inline bool cemm_device_reached(const struct cemm_device *device)
{
    return device && !TAILQ_EMPTY(&device->routes);
}

struct cemm_registry;

TAILQ_HEAD(cemm_request_list, cemm_request);
TAILQ_HEAD(cemm_source_list, cemm_source);

/* How the last request failed; after a failure, no request is sent for a while. */
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
    unsigned pending;                 /* number of requests under way */
    int result;                       /* the first failure of the last search */
    struct cemm_message *message;     /* see cemm_message_keep() */
    int64_t finished;                 /* when a search last succeeded (wall time); 0: never */
    const struct cemm_device *device; /* the device whose meters are searched for */
    bool failure_logged;              /* the last search failed, which was logged */
};

struct cemm_route {
    struct cemm_source *source;
    struct cemm_device *device;  /* NULL: not known yet (LAN), or the account itself (cloud) */
    struct cemm_failure failure; /* set if it did not answer */
    int active;                  /* number of transfers under way */
    bool proven;                 /* it answered, so it may have several transfers at a time */
    bool no_io;                  /* it has no list of meters (io): its firmware is too old */
    unsigned requests;           /* number of requests that began while `expected` (its own or the
                                  * source's) was known; one in EARLY_EVERY is repeated early */
    int64_t expected;            /* how long a promise (promise.h) takes, in ms; -1: unknown */
    /* Lists of aliases; they point to the strings of the device's meters. */
    struct cemm_strings meters; /* of meters found through this route */
    struct cemm_strings absent; /* of meters that it lacks; they are not requested for a day */
    int64_t absent_since;       /* when the first of them was reported absent (wall time) */
    int64_t newest;             /* time of the newest sample that it has sent, Unix milliseconds */
    struct cemm_search search;
    struct cemm_refused_list refused; /* requests that the source refused */
    bool listed;                      /* cloud: its device is in the list that is being read */
    bool delivered;                   /* it has delivered a document since the last device list */
    TAILQ_ENTRY(cemm_route) link;     /* in its device's `routes`, or in its source's `unlisted` */
};

/* What discovery knows of one of its sources, an address that has sent packets. A packet claims
 * that a device is at the address; the root document there confirms or refutes the claim. */
struct cemm_discovered_source {
    struct cemm_source_config config;
    char address[16]; /* IPv4; config.address points here; "": the address was forgotten */
    char url[48];
    struct cemm_beacon beacon; /* last packet of the confirmed device */
    unsigned scan;             /* last scan in which `beacon`'s device answered */
    struct cemm_beacon claim;  /* last claim that had to be confirmed */
    unsigned claim_scan;       /* scan in which `claim` arrived */
    struct cemm_beacon later;  /* last packet of that scan that claims another device */
    unsigned order;            /* a source with a lower number has an older claim */
    struct cemm_uid root;      /* the device that its root document named last; "": none yet */
    /* Its root document named another device, there was no room for the device, or the address was
     * forgotten: nothing is requested from the source until a new claim arrives. */
    bool refused;
    bool logged; /* it was logged that a claim was wrong, or that its root document failed */
};

struct cemm_source {
    struct cemm_loop *loop;
    struct cemm_registry *registry;
    TAILQ_ENTRY(cemm_source) link;
    const struct cemm_source_config *config;
    char *name; /* "cloud home"; "discovery" for all discovered sources */
    struct cemm_discovered_source *discovered; /* owned; NULL: it is configured */
    struct cemm_route own;   /* cloud: the account; LAN: the device behind the address */
    size_t devices;          /* number of devices that it reaches */
    unsigned key_generation; /* cloud: how often its key was replaced */
    bool key_lost;           /* its key file can no longer be read, which was logged */
    int64_t key_read;  /* when its key file was last read after a refusal (monotonic); 0: never */
    bool unverified;   /* LAN: it failed, so its root document must name its device again */
    int64_t confirmed; /* when its root document last named its device (monotonic) */
    struct cemm_outcomes outcomes;

    /* Its requests (request.c). */
    struct cemm_request_list queue;   /* ready to be sent for the first time */
    struct cemm_request_list repeats; /* ready to be sent again; these go first */
    struct cemm_request_list waiting; /* they wait for a response or for their timer */
    size_t open;                      /* number of requests in these three lists */
    int active;                       /* number of requests that have a connection */
    int64_t expected; /* the last `expected` that a route learned, for routes without one; or -1 */
    size_t left_out;  /* number of parts left out of its answers, for lack of the documented form */
    uint32_t logged[CEMM_LOGGED_MAX]; /* checksums of the logged messages about left-out parts */
    size_t logged_count;

    struct cemm_search list;         /* the search for its devices */
    struct cemm_route_list unlisted; /* routes to devices that it no longer lists */
    struct cemm_uid *elsewhere;      /* devices that belong to other shards */
    size_t elsewhere_count;
};

/* The device's meter with this alias; NULL: it has none. cemm_device_meter_get() then adds one, and
 * returns NULL if there is no memory, or there are too many meters. */
struct cemm_meter *cemm_device_meter_find(const struct cemm_device *device, const char *alias);
struct cemm_meter *cemm_device_meter_get(struct cemm_device *device, const char *alias);

/* Adds an alias to a route's list, and the meter to the device if it is new. Does nothing if the
 * device has too many meters. Returns 0 or -ENOMEM. */
int cemm_meters_add(struct cemm_strings *meters, struct cemm_device *device, const char *alias);
void cemm_meters_clear(struct cemm_strings *meters);

/* Sets the types of the device's meters from an answer to IO or INFO; ignores other answers.
 * Returns 0 or -ENOMEM. */
int cemm_device_set_types(struct cemm_device *device, const struct cemm_document *document);

/* `name` is copied. NULL: no memory. */
struct cemm_source *cemm_source_new(struct cemm_loop *loop, const struct cemm_source_config *config,
                                    const char *name);
/* Resets a source to its initial state. It must have no requests and no devices. */
void cemm_source_reset(struct cemm_source *source);
void cemm_source_free(struct cemm_source *source);

/* Whether the source's filters permit an alias; the second function also checks the device. */
bool cemm_source_admits(const struct cemm_source *source, const char *alias);
bool cemm_source_admits_meter(const struct cemm_source *source, const struct cemm_uid *uid,
                              const char *alias);

/* Whether the device belongs to a shard that the source is not configured to read. */
bool cemm_source_other_shard(const struct cemm_source *source, const struct cemm_uid *uid);

/* Whether the source has the endpoint of `query`, and its filters permit the meter. */
bool cemm_source_serves(const struct cemm_source *source, const struct cemm_query *query);

/* Whether a discovered source has no confirmed device. Only discovery logs about such a source. */
bool cemm_source_unconfirmed(const struct cemm_source *source);

/* Forgets the route's device, and what is known about the route. */
void cemm_route_clear(struct cemm_route *route);
void cemm_route_free(struct cemm_route *route);

/* The route's name in messages: the device's uid, else the address or "the account". */
const char *cemm_route_name(const struct cemm_route *route);

/* The reason why this request must not be sent yet: the route, or the account as a whole, has not
 * answered, or the source has refused this request. NULL: it may be sent. May read the file of a
 * refused key again. */
const struct cemm_failure *cemm_route_failure(struct cemm_route *route,
                                              const struct cemm_query *query);

/* Like cemm_log_device(), but lines about a source's own route are not limited. If the source was
 * discovered and has sent no sample, it may be forged: its lines are limited as remarks. */
#define cemm_route_log(route, level, ...) \
    (cemm_route_may_log(route) ? cemm_log((route)->source->loop, level, __VA_ARGS__) : (void)0)
bool cemm_route_may_log(const struct cemm_route *route);

/* Record that the route has not answered (`reason` is for people), or has answered. */
void cemm_route_failed(struct cemm_route *route, int result, const char *reason);
void cemm_route_answered(struct cemm_route *route);

/* ---- refusals ------------------------------------------------------------------- */

/* A source refuses a request with 401 or 403, or because it is asked too often (429, Retry-After).
 * In a program that polls, that request then pauses for as long as Retry-After says; without
 * Retry-After, each pause is longer than the last. If a key was refused, its file is read again,
 * because the file may have a new key by then. */

/* The last reply to a request. */
struct cemm_last_reply {
    int status;              /* the HTTP status; 0: no reply has come */
    int64_t retry_after_ms;  /* -1: the reply has no Retry-After */
    unsigned key_generation; /* source->key_generation when the request was sent */
};

/* The number of seconds for which the source asked us not to repeat the request, or 0. */
int64_t cemm_refusal_delay(const struct cemm_source *source, const struct cemm_last_reply *reply,
                           int result);

/* Records that a request has ended with `result`. */
void cemm_refusal_record(struct cemm_route *route, const struct cemm_query *query,
                         const struct cemm_last_reply *reply, int result, const char *message);

/* Whether a request was refused because of an old key; may read the key file again to find out. */
bool cemm_refusal_of_old_key(struct cemm_source *source, const struct cemm_last_reply *reply,
                             int result);

#endif
