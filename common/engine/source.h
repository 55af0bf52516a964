/*
 * Sources and routes. A source is a cloud account or a LAN address: its
 * settings, what is queued for it, how it fared. A route is one device by one
 * source: its health, and what is known of the device's meters that way.
 */
#ifndef CEMM_ENGINE_SOURCE_H
#define CEMM_ENGINE_SOURCE_H

#include "common/base/limits.h"
#include "common/config/config.h"
#include "common/engine/device.h"
#include "common/engine/health.h"
#include "common/engine/pause.h"
#include "common/protocol/beacon.h"

struct cemm_registry;
struct cemm_request;

TAILQ_HEAD(cemm_queue, cemm_queued);

/* A look for the meters of a route (find.c). */
struct cemm_search {
    unsigned pending;                 /* requests under way */
    int result;                       /* of this look so far: the first failure */
    struct cemm_words *words;         /* kept */
    int64_t finished;                 /* wall time of the last whole success; 0: never */
    const struct cemm_device *device; /* that it is about */
};

struct cemm_route {
    struct cemm_source *source;
    struct cemm_device *device; /* NULL: not known yet (LAN), or the account itself (cloud) */
    struct cemm_health health;
    struct cemm_words *trouble; /* why it rests; kept */
    int trouble_result;
    unsigned active;   /* transfers under way */
    bool complained;   /* a list of devices or meters failed, which was logged */
    bool proven;       /* it has answered: may have several requests at a time (cloud) */
    bool listless;     /* it has no list of the meters (io): older firmware */
    unsigned requests; /* begun; now and then one of them is a scout (promise.h) */
    int64_t expected;  /* milliseconds that it takes to keep a promise, learned; -1: unknown */
    struct cemm_names meters;
    struct cemm_names absent; /* aliases that the source has denied: not asked again today */
    int64_t absent_since;     /* wall time of the first of them */
    int64_t newest;           /* time of the newest sample that it has given, Unix milliseconds */
    struct cemm_search search;
    struct cemm_pauses pauses;        /* requests that the source has refused: of those who poll */
    bool listed;                      /* cloud: in the list of devices that has just come */
    bool heard;                       /* it has given something since the one before */
    const struct cemm_device *former; /* that it led to while it was listed; NULL: it is */
    struct cemm_route *next;          /* of those of its source that are listed no more */
};

/* What a discovered source has besides: its own settings, and what packets from there claimed. One
 * source is all that an address has, whatever it claims. */
struct cemm_found {
    struct cemm_source_config config;
    struct cemm_beacon beacon;                  /* of the device that was confirmed there */
    unsigned look;                              /* the last one in which that answered */
    struct cemm_beacon claims[CEMM_CLAIMS_MAX]; /* of other devices, in one look */
    size_t claim_count;
    unsigned claims_look;
    unsigned order;       /* of the first of them, among all of discovery's */
    struct cemm_uid root; /* what its root document said last; "": nothing yet */
    bool refused;         /* none of the claims: it is not asked unasked */
    bool told;            /* a claim that its root refuted was logged */
};

struct cemm_source {
    struct cemm_loop *loop;
    struct cemm_registry *registry; /* that it stands in */
    const struct cemm_source_config *config;
    char *name;                    /* "cloud home"; "discovery" of all that were discovered */
    struct cemm_found *discovered; /* NULL: it is configured */
    struct cemm_route own;         /* cloud: the account; LAN: the device behind the address */
    size_t devices;                /* that it reaches */
    unsigned keys;                 /* cloud: how often its key was replaced */
    bool key_lost;                 /* its file could not be read again, which was logged */
    int64_t key_looked;            /* monotonic: when a pause had it read last; 0: never */
    bool suspect;      /* LAN: it has failed; its root must say again which device it is */
    int64_t confirmed; /* monotonic: when its root said so last */
    /* Whether this root document is that of the route's device; if not, gives the route away. */
    bool (*confirm)(struct cemm_route *route, const struct cemm_document *root);
    struct cemm_outcomes outcomes;

    /* Its requests (request.c, queue.c). */
    struct cemm_queue queue;   /* ready to be sent for the first time */
    struct cemm_queue repeats; /* ready to be sent again: before those */
    struct cemm_queue busy;    /* sent, or waiting for something */
    size_t open;               /* in all of them */
    unsigned active;
    int64_t expected; /* of its devices, the last one learned: a hint for others; -1: unknown */
    struct cemm_request *scout;   /* of promises, under way; NULL: none */
    unsigned requests;            /* that could have been the scout */
    size_t left_out;              /* parts of its answers that did not fit */
    uint32_t told[CEMM_TOLD_MAX]; /* which of them were logged: what they are, as a checksum */
    size_t told_count;

    /* The look for its devices (find.c). */
    bool finding;                   /* it is under way */
    bool lack_warned;               /* there was no room for what it has, which was logged */
    int64_t found;                  /* wall time of the last one that succeeded; 0: never */
    int found_result;               /* of the last one */
    struct cemm_words *found_words; /* kept */
    struct cemm_route *unlisted;    /* to devices that it lists no more */
};

/* `name` is copied. NULL: no memory. */
struct cemm_source *cemm_source_new(struct cemm_loop *loop, const struct cemm_source_config *config,
                                    const char *name);
/* Its requests have ended, and its devices are gone. Reset: it is as new, with the same settings.
 */
void cemm_source_reset(struct cemm_source *source);
void cemm_source_free(struct cemm_source *source);

/* A key was refused: whether its file holds another one now, which is then used. */
bool cemm_source_renew_key(struct cemm_source *source);

/* Whether this source's settings let the alias through. */
bool cemm_source_admits(const struct cemm_source *source, const char *alias);

/* Whether they let that device's through. */
bool cemm_source_admits_of(const struct cemm_source *source, const struct cemm_uid *uid,
                           const char *alias);

/* Whether a source may be asked for that. */
bool cemm_source_serves(const struct cemm_source *source, const struct cemm_query *query);

/* Whether only packets say that a device is there: what comes of that is discovery's to log. */
bool cemm_source_unconfirmed(const struct cemm_source *source);

/* A route of a source that leads to a device; LAN: its only one. NULL: no memory. */
struct cemm_route *cemm_route_new(struct cemm_source *source);
void cemm_route_free(struct cemm_route *route);

/* The same that led there before its source listed the device no more; NULL: there is none. */
struct cemm_route *cemm_route_take_back(struct cemm_source *source,
                                        const struct cemm_device *device);

/* Forgets what was known of the device. */
void cemm_route_clear(struct cemm_route *route);

/* For people: the device's uid, or what there is instead. */
const char *cemm_route_name(const struct cemm_route *route);

/* What keeps a request from being sent now: its route rests, or the account as a whole. NULL:
 * nothing. */
struct cemm_route *cemm_route_resting(struct cemm_route *route);

/* It did not answer; `reason` is for people. */
void cemm_route_failed(struct cemm_route *route, int result, const char *reason);

/* It did, and so did its source. */
void cemm_route_answered(struct cemm_route *route);

#endif
