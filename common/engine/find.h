/*
 * Finding devices, and the meters of a device (spec §1: found, not
 * configured). A look that is under way is joined, not repeated.
 *
 * Cloud: cemm/ lists the devices; each documented alias is asked once by
 * <alias>/, which says 200 or 412. LAN: the root names the device, io its
 * meters; older firmware has no io, so there each documented alias is tried by
 * realtime/. `usage` is a calculation, which no io lists: it is tried, too.
 * What is absent is not asked for again for a day.
 */
#ifndef CEMM_ENGINE_FIND_H
#define CEMM_ENGINE_FIND_H

#include "common/engine/discovery.h"
#include "common/engine/registry.h"

/* The registry, and what fills it. */
struct cemm_find {
    struct cemm_registry registry;
    struct cemm_discovery discovery;
    struct cemm_ticket_list finders; /* waiting for sources to tell their devices */
};

void cemm_find_init(struct cemm_find *find, struct cemm_loop *loop, struct cemm_store *store,
                    const struct cemm_config *config);
void cemm_find_clear(struct cemm_find *find);

/* Cancels all who wait. */
void cemm_find_cancel(struct cemm_find *find);

/* As cemm_find(). */
int cemm_find_meters(struct cemm_find *find, const struct cemm_uid *uid, int64_t max_age,
                     cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* The same for the devices of the sources named so (NULL: of all), a text that must outlive it.
 * With `wanted`, it ends as soon as that device is known. */
int cemm_find_devices(struct cemm_find *find, const char *source, const struct cemm_uid *wanted,
                      int64_t max_age, cemm_answer_fn *done, void *data,
                      struct cemm_ticket **ret_ticket);

/* Waits for the sources that are just being asked for their devices, have never told any, and may
 * serve that query, which must outlive the ticket; `only`: for that one alone. It asks nobody.
 * False: there is none. */
bool cemm_find_await(struct cemm_find *find, const struct cemm_source *only,
                     const struct cemm_query *query, cemm_answer_fn *done, void *data,
                     struct cemm_ticket **ret_ticket);

/* Whether some source named so (NULL: any) is just being asked for its devices. */
bool cemm_find_under_way(const struct cemm_find *find, const char *name);

/* Asks a source for its devices, unless that is under way or known well enough. */
void cemm_find_source(struct cemm_source *source, int64_t max_age);

#endif
