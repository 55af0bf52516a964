/*
 * A device: its uid, the routes to it, its meters, and how requests about it
 * have ended.
 */
#ifndef CEMM_ENGINE_DEVICE_H
#define CEMM_ENGINE_DEVICE_H

#include "common/engine/loop.h"

/* Sorted names. */
struct cemm_names {
    char (*items)[CEMM_NAME_SIZE];
    size_t count;
};

/* How the requests to a source, or about a device, have ended. */
struct cemm_outcomes {
    int64_t last_success; /* wall times; 0: never */
    int64_t last_failure;
    struct cemm_words *last_words; /* kept */
};

/* What is known of a meter besides its name. */
struct cemm_meter {
    char alias[CEMM_NAME_SIZE];
    char type[CEMM_NAME_SIZE]; /* "": unknown */
    bool totals;               /* LAN: it has given `totals` */
};

TAILQ_HEAD(cemm_route_list, cemm_route);

struct cemm_device {
    struct cemm_uid uid;
    struct cemm_route_list routes; /* LAN before cloud */
    struct cemm_names meters;      /* on all of its routes */
    struct cemm_meter *facts;      /* of some of them */
    size_t fact_count;
    struct cemm_outcomes outcomes;
    struct cemm_ticket_list searchers;
    unsigned requests; /* about it, under way */
    bool starting;     /* the searches of its routes are being started */
    bool lost;         /* it has no route, which was logged */
    unsigned
        discovered; /* its number among the discovered devices; 0: another source knew it first */
};

/* Whether any source reaches it; `device` may be NULL. */
static inline bool cemm_device_reached(const struct cemm_device *device)
{
    return device && !TAILQ_EMPTY(&device->routes);
}

bool cemm_names_have(const struct cemm_names *names, const char *name);
int cemm_names_add(struct cemm_names *names, const char *name); /* 0 or -ENOMEM */
void cemm_names_clear(struct cemm_names *names);

/* NULL: nothing is known of the meter. _get() makes an entry then; NULL: no memory, or too many. */
struct cemm_meter *cemm_device_meter(const struct cemm_device *device, const char *alias);
struct cemm_meter *cemm_device_meter_get(struct cemm_device *device, const char *alias);

/* Sets the types of its meters from an answer of IO or INFO; ignores other answers. */
void cemm_device_take_types(struct cemm_device *device, const struct cemm_document *document);

/* Without routes. NULL: no memory. */
struct cemm_device *cemm_device_new(const struct cemm_uid *uid);
void cemm_device_free(struct cemm_device *device); /* its routes have been freed */

/* Records how a request ended at `wall`. */
void cemm_outcomes_note(struct cemm_outcomes *outcomes, int64_t wall, int result,
                        const struct cemm_words *words);

#endif
