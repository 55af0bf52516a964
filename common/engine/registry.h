/*
 * The tables of sources and devices, and of the routes and meters of each.
 * Known devices and meters stay, even if their sources no longer list them.
 */
#ifndef CEMM_ENGINE_REGISTRY_H
#define CEMM_ENGINE_REGISTRY_H

#include "common/engine/source.h"
#include "common/engine/store.h"

#define CEMM_DISCOVERY "discovery" /* name of all discovered sources */

struct cemm_registry {
    struct cemm_loop *loop;
    struct cemm_store *store;
    bool discovers; /* devices are also looked for by broadcast */
    /* What find.c does for other parts: */
    /* Whether a LAN address still leads to the route's device, as its root document says. If not,
     * the route is given to the device that answers there. */
    bool (*confirm)(struct cemm_route *route, const struct cemm_document *root);
    /* Asks a discovered source for its root, unless the last one is at most `max_age` old. */
    void (*ask_root)(struct cemm_source *source, int64_t max_age);
    /* A scan of discovery has ended. */
    void (*scanned)(struct cemm_registry *registry);
    struct cemm_source_list sources;
    struct cemm_device **devices; /* sorted by uid */
    size_t device_count;
    unsigned discovered; /* counts the devices that discovery has brought */
};

void cemm_registry_clear(struct cemm_registry *registry);

/* Adds a source; NULL: no memory. `name` is copied. */
struct cemm_source *cemm_registry_add(struct cemm_registry *registry,
                                      const struct cemm_source_config *config, const char *name);

/* The device with this uid; NULL: it is not known. */
struct cemm_device *cemm_registry_find(const struct cemm_registry *registry,
                                       const struct cemm_uid *uid);

/* Adds a meter that is in the archive or has answered, if the filters of the configuration permit
 * it: 0 or a negative errno. A cemm_archive_meter_fn. */
int cemm_registry_know(void *registry, const struct cemm_uid *uid, const char *alias);

/* Like cemm_alias_allowed(). */
bool cemm_registry_allows(const struct cemm_registry *registry, const struct cemm_uid *uid,
                          const char *alias);

/* Like cemm_elsewhere(). */
bool cemm_registry_other_shard(const struct cemm_registry *registry, const struct cemm_uid *uid,
                               struct cemm_message *ret_message);

/* Makes room for a device that discovery adds: if there is none, forgets the newest one that it has
 * added and that has no address any more. True: the device is known, or there is room now. */
bool cemm_registry_make_room(struct cemm_registry *registry, const struct cemm_uid *uid);

/* The route to a device (NULL: unknown) through a source; NULL: it has none. */
struct cemm_route *cemm_route_find(const struct cemm_device *device,
                                   const struct cemm_source *source);

/* Finds the route through a source to a device, or makes it; NULL: no memory, or too many
 * devices. */
struct cemm_route *cemm_route_get(struct cemm_source *source, const struct cemm_uid *uid);

/* Takes the route from its device, if it has one. */
void cemm_route_detach(struct cemm_route *route);

/* A meter was found by this route: 0 or -ENOMEM. */
int cemm_route_meter_found(struct cemm_route *route, const char *alias);

/* Ends the waits for a device's meters, unless one of its routes still searches. */
void cemm_device_finish_searches(struct cemm_device *device);

/* ---- what stored results depend on ---------------------------------------------- */

/*
 * The deps of a stored result (a meter's first day, or that a period is empty)
 * say what it depends on: the time zone, and the sources that were asked. The
 * result is valid until another source may know better. As text:
 *
 *   Europe/Amsterdam
 *   +cloud home         it was asked
 *   -local garage       it does not reach the device
 */

/* New deps, in our zone. The caller frees them. NULL: no memory. */
char *cemm_deps_new(const struct cemm_registry *registry);

/* Adds a source: 0, -ENOMEM or -E2BIG. cemm_deps_have(): whether it is there. */
int cemm_deps_add(char **deps, char sign, const char *name);
bool cemm_deps_have(const char *deps, char sign, const char *name);

/* Adds the sources that were not asked because they do not reach the device. */
int cemm_deps_complete(char **deps, const struct cemm_registry *registry,
                       const struct cemm_uid *uid);

/* Whether the deps have our time zone. */
bool cemm_deps_zone(const char *deps, const struct cemm_registry *registry);

/* Whether a result with these deps is still valid for a meter of that device. */
bool cemm_deps_holds(const char *deps, const struct cemm_registry *registry,
                     const struct cemm_uid *uid, const char *alias);

#endif
