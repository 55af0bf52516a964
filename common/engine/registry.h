/*
 * The tables of sources and devices, and the routes and meters of each device. Devices and meters
 * stay when no source lists them any more. Only devices that discovery has added may be forgotten.
 */
#ifndef CEMM_ENGINE_REGISTRY_H
#define CEMM_ENGINE_REGISTRY_H

#include "common/engine/source.h"
#include "common/engine/store.h"

#define CEMM_DISCOVERY "discovery" /* name of all discovered sources */

struct cemm_registry {
    struct cemm_loop *loop;
    struct cemm_store *store;
    bool discovers; /* the configuration enables discovery */
    /* Functions of find.c, called by request.c and discovery.c, which must not include find.h: */
    /* Returns whether the root document at a LAN address still names the route's device. If not,
     * the route then leads to the device that is named, or to none if discovery refuses it. */
    bool (*confirm)(struct cemm_route *route, const struct cemm_document *root);
    /* Requests a discovered source's root document, unless it came at most `max_age` ms ago. */
    void (*ask_root)(struct cemm_source *source, int64_t max_age);
    /* Called when a scan of discovery has ended. */
    void (*scanned)(struct cemm_registry *registry);
    struct cemm_source_list sources;
    struct cemm_device **devices; /* sorted by uid */
    size_t device_count;
    unsigned discovered; /* number of devices that discovery has added so far */
};

void cemm_registry_clear(struct cemm_registry *registry);

/* Adds a source; NULL: no memory. `name` is copied, `config` must live as long as the source. */
struct cemm_source *cemm_registry_add(struct cemm_registry *registry,
                                      const struct cemm_source_config *config, const char *name);

/* The device with this uid; NULL: it is not known. */
struct cemm_device *cemm_registry_find(const struct cemm_registry *registry,
                                       const struct cemm_uid *uid);

/* Adds a meter that is in the archive or has answered, if the filters of the configuration permit
 * it. Returns 0 or a negative errno. Serves as a cemm_archive_meter_fn. */
int cemm_registry_know(void *registry, const struct cemm_uid *uid, const char *alias);

/* Like cemm_alias_allowed(). */
bool cemm_registry_allows(const struct cemm_registry *registry, const struct cemm_uid *uid,
                          const char *alias);

/* Like cemm_elsewhere(). */
bool cemm_registry_other_shard(const struct cemm_registry *registry, const struct cemm_uid *uid,
                               struct cemm_message *ret_message);

/* Makes room for a device that discovery wants to add. If there are too many discovered devices,
 * forgets the newest of those that nothing needs any more: an older one is more likely to be real.
 * Returns true if the device is known, or if there is room now. */
bool cemm_registry_make_room(struct cemm_registry *registry, const struct cemm_uid *uid);

/* The route to a device through a source, or NULL. `device` may be NULL: then there is no route. */
struct cemm_route *cemm_route_find(const struct cemm_device *device,
                                   const struct cemm_source *source);

/* Finds or makes the route to a device through a source. NULL: no memory, or too many devices. */
struct cemm_route *cemm_route_get(struct cemm_source *source, const struct cemm_uid *uid);

/* Removes a route from its device, if the route has one. */
void cemm_route_detach(struct cemm_route *route);

/* Records that a meter was found through this route. Returns 0 or -ENOMEM. */
int cemm_route_meter_found(struct cemm_route *route, const char *alias);

/* Ends the waits for a device's meters, unless a search through one of its routes is under way. */
void cemm_device_finish_searches(struct cemm_device *device);

/* ---- what stored results depend on ---------------------------------------------- */

/*
 * The deps of a stored result (a meter's first day, or the fact that a period is empty) say what
 * the result depends on: the time zone, and the sources that were asked. The result is valid unless
 * a source that was not asked may have more data. Deps are a text:
 *
 *   Europe/Amsterdam
 *   +cloud home         this source was asked
 *   -local garage       this source does not reach the device
 */

/* New deps with our time zone and no source. The caller frees them. NULL: no memory. */
char *cemm_deps_new(const struct cemm_registry *registry);

/* Adds a source, unless it is there already (cemm_deps_contains). Returns 0, -ENOMEM or, if the
 * archive could not read such long deps, -E2BIG. */
int cemm_deps_add(char **deps, char sign, const char *name);
bool cemm_deps_contains(const char *deps, char sign, const char *name);

/* Adds, with '-', the sources known not to reach the device. Returns like cemm_deps_add(). */
int cemm_deps_complete(char **deps, const struct cemm_registry *registry,
                       const struct cemm_uid *uid);

/* Whether the deps have our time zone. */
bool cemm_deps_same_zone(const char *deps, const struct cemm_registry *registry);

/* Whether a result with these deps is still valid for that meter. */
bool cemm_deps_valid(const char *deps, const struct cemm_registry *registry,
                     const struct cemm_uid *uid, const char *alias);

#endif
