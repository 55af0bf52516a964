#include "common/engine/registry.h"

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/model/names.h"
#include "common/model/period.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- devices ------------------------------------------------------------------ */

/* The index of a device, or the index at which to insert it. */
static size_t device_place(const struct cemm_registry *registry, const struct cemm_uid *uid)
{
    size_t low = 0;
    size_t high = registry->device_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(registry->devices[middle]->uid.text, uid->text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct cemm_device *cemm_registry_find(const struct cemm_registry *registry,
                                       const struct cemm_uid *uid)
{
    size_t place = device_place(registry, uid);

    if (place == registry->device_count ||
        strcmp(registry->devices[place]->uid.text, uid->text) != 0)
        return NULL;
    return registry->devices[place];
}

static struct cemm_device *device_get(struct cemm_registry *registry, const struct cemm_uid *uid)
{
    struct cemm_device *device = cemm_registry_find(registry, uid);

    if (device || registry->device_count >= CEMM_DEVICES_MAX)
        return device;
    struct cemm_device **devices =
        reallocarray(registry->devices, registry->device_count + 1, sizeof(struct cemm_device *));
    if (!devices)
        return NULL;
    registry->devices = devices;
    device = calloc(1, sizeof(*device));
    if (!device)
        return NULL;
    device->uid = *uid;
    TAILQ_INIT(&device->routes);
    TAILQ_INIT(&device->meters);
    TAILQ_INIT(&device->searchers);
    size_t place = device_place(registry, uid);
    memmove(devices + place + 1, devices + place,
            (registry->device_count - place) * sizeof(struct cemm_device *));
    devices[place] = device;
    registry->device_count++;
    return device;
}

struct cemm_source *cemm_registry_add(struct cemm_registry *registry,
                                      const struct cemm_source_config *config, const char *name)
{
    struct cemm_source *source = cemm_source_new(registry->loop, config, name);

    if (!source)
        return NULL;
    source->registry = registry;
    TAILQ_INSERT_TAIL(&registry->sources, source, link);
    return source;
}

static void device_free(struct cemm_device *device)
{
    struct cemm_route *route;
    struct cemm_meter *meter;

    while ((route = TAILQ_FIRST(&device->routes))) {
        TAILQ_REMOVE(&device->routes, route, link);
        cemm_route_free(route);
    }
    while ((meter = TAILQ_FIRST(&device->meters))) {
        TAILQ_REMOVE(&device->meters, meter, link);
        free(meter->type);
        free(meter);
    }
    cemm_message_drop(&device->outcomes.last_message);
    free(device);
}

void cemm_registry_clear(struct cemm_registry *registry)
{
    struct cemm_source *source;

    for (size_t i = 0; i < registry->device_count; i++)
        device_free(registry->devices[i]);
    free(registry->devices);
    while ((source = TAILQ_FIRST(&registry->sources))) {
        TAILQ_REMOVE(&registry->sources, source, link);
        cemm_source_free(source);
    }
}

/* ---- what discovery adds -------------------------------------------------------- */

/* Whether a device may be forgotten: discovery has added it, no source reaches it any more, the
 * archive has none of its meters, and no request about it or search for its meters is under way. */
static bool forgettable(const struct cemm_registry *registry, const struct cemm_device *device)
{
    bool kept = registry->store->archive && cemm_device_alias(device, 0);

    return device->discovered && !cemm_device_reached(device) && device->requests == 0 && !kept &&
           TAILQ_EMPTY(&device->searchers);
}

bool cemm_registry_make_room(struct cemm_registry *registry, const struct cemm_uid *uid)
{
    struct cemm_device **newest = NULL;
    struct cemm_device **end = registry->devices + registry->device_count;
    size_t count = 0;

    for (struct cemm_device **i = registry->devices; i < end; i++) {
        count += (*i)->discovered > 0;
        if (forgettable(registry, *i) && (!newest || (*i)->discovered > (*newest)->discovered))
            newest = i;
    }
    if (cemm_registry_find(registry, uid) || count < CEMM_DISCOVERED_MAX)
        return true;
    if (!newest)
        return false;
    device_free(*newest);
    memmove(newest, newest + 1, (size_t)(end - newest - 1) * sizeof(*newest));
    registry->device_count--;
    return true;
}

/* ---- routes and meters ---------------------------------------------------------- */

void cemm_device_finish_searches(struct cemm_device *device)
{
    const struct cemm_search *failed = NULL;
    const struct cemm_route *route;

    TAILQ_FOREACH (route, &device->routes, link) {
        if (route->search.pending > 0)
            return;
        if (route->search.result && !failed)
            failed = &route->search;
    }
    cemm_tickets_finish(&device->searchers, failed ? failed->result : 0, NULL,
                        failed ? cemm_message_kept(&failed->message) : NULL);
}

void cemm_route_detach(struct cemm_route *route)
{
    struct cemm_device *device = route->device;

    if (!device)
        return;
    TAILQ_REMOVE(&device->routes, route, link);
    cemm_route_clear(route);
    route->source->list.failure_logged = false; /* it was about this device */
    route->source->devices--;
    cemm_device_finish_searches(device);
}

struct cemm_route *cemm_route_find(const struct cemm_device *device,
                                   const struct cemm_source *source)
{
    struct cemm_route *route = device ? TAILQ_FIRST(&device->routes) : NULL;

    while (route && route->source != source)
        route = TAILQ_NEXT(route, link);
    return route;
}

/* The route to a device that the account lists: its earlier route from `unlisted`, or a new one. */
static struct cemm_route *route_of_account(struct cemm_source *source,
                                           const struct cemm_device *device)
{
    struct cemm_route *route;

    TAILQ_FOREACH (route, &source->unlisted, link)
        if (route->device == device)
            break;
    if (route) {
        TAILQ_REMOVE(&source->unlisted, route, link);
        cemm_route_clear(route);
        cemm_log_device(source->loop, CEMM_LOG_INFO, "%s: %s is in the list of devices again",
                        source->name, device->uid.text);
    } else if ((route = calloc(1, sizeof(*route)))) {
        *route = (struct cemm_route){.source = source, .expected = -1};
    }
    return route;
}

struct cemm_route *cemm_route_get(struct cemm_source *source, const struct cemm_uid *uid)
{
    bool known = cemm_registry_find(source->registry, uid) != NULL;
    struct cemm_device *device = device_get(source->registry, uid);

    if (!device)
        return NULL;
    if (source->discovered && !known)
        device->discovered = ++source->registry->discovered;
    struct cemm_route *route = cemm_route_find(device, source);
    if (route)
        return route;
    route = source->config->kind == CEMM_LOCAL ? &source->own : route_of_account(source, device);
    if (!route)
        return NULL;
    cemm_route_detach(route);
    route->device = device;
    device->lost = false;
    source->devices++;
    if (source->config->kind == CEMM_LOCAL)
        TAILQ_INSERT_HEAD(&device->routes, route, link);
    else
        TAILQ_INSERT_TAIL(&device->routes, route, link);
    return route;
}

int cemm_route_meter_found(struct cemm_route *route, const char *alias)
{
    struct cemm_device *device = route->device;
    struct cemm_meter *meter = cemm_device_meter_get(device, alias);

    if (meter && !meter->found) {
        meter->found = true;
        cemm_store_meter(route->source->registry->store, &device->uid, alias);
    }
    return cemm_meters_add(&route->meters, device, alias);
}

int cemm_registry_know(void *data, const struct cemm_uid *uid, const char *alias)
{
    struct cemm_registry *registry = data;
    const struct cemm_source *source;
    bool admitted = TAILQ_EMPTY(&registry->sources) || registry->discovers;

    TAILQ_FOREACH (source, &registry->sources, link)
        admitted |= cemm_source_admits_meter(source, uid, alias);
    if (!admitted)
        return 0;
    struct cemm_device *device = device_get(registry, uid);
    struct cemm_meter *meter = device ? cemm_device_meter_get(device, alias) : NULL;
    if (!meter)
        return device && device->meter_count >= CEMM_METERS_MAX ? 0 : -ENOMEM;
    meter->found = true;
    return 0;
}

/* ---- what the frontends ask ---------------------------------------------------- */

bool cemm_registry_other_shard(const struct cemm_registry *registry, const struct cemm_uid *uid,
                               struct cemm_message *ret_message)
{
    const struct cemm_source *source;

    TAILQ_FOREACH (source, &registry->sources, link) {
        unsigned shards = source->config->shards;
        for (size_t j = 0; j < source->elsewhere_count; j++) {
            if (strcmp(source->elsewhere[j].text, uid->text) != 0)
                continue;
            cemm_message_set(
                ret_message,
                "the device %s belongs to shard %u/%u of %s, which another program reads",
                uid->text, cemm_shard_of(uid, shards), shards, source->name);
            return true;
        }
    }
    return false;
}

const char *cemm_device_account(const struct cemm_device *device)
{
    const struct cemm_route *route;

    TAILQ_FOREACH (route, &device->routes, link)
        if (route->source->config->kind == CEMM_CLOUD)
            return route->source->config->name;
    return NULL;
}

static bool source_allows(const struct cemm_source *source, const char *alias)
{
    return (cemm_alias_find(alias)->name && cemm_source_admits(source, alias)) ||
           cemm_strings_has(&source->config->extra_aliases, alias) ||
           cemm_strings_has(&source->config->aliases, alias);
}

bool cemm_registry_allows(const struct cemm_registry *registry, const struct cemm_uid *uid,
                          const char *alias)
{
    const struct cemm_device *device = cemm_registry_find(registry, uid);
    const struct cemm_source *source;

    if (!cemm_name_valid(alias))
        return false;
    if (cemm_device_has(device, alias))
        return true;
    /* If no source is known to reach the device, any source may reach it. */
    TAILQ_FOREACH (source, &registry->sources, link)
        if ((!cemm_device_reached(device) || cemm_route_find(device, source)) &&
            source_allows(source, alias))
            return true;
    /* Discovery may yet find the device, or find it again. */
    return registry->discovers && cemm_alias_find(alias)->name;
}

/* ---- what stored results depend on ---------------------------------------------- */

bool cemm_deps_contains(const char *deps, char sign, const char *name)
{
    struct cemm_message line; /* long enough for any name */

    cemm_message_set(&line, "\n%c%s\n", sign, name);
    return strstr(deps, line.text);
}

int cemm_deps_add(char **deps, char sign, const char *name)
{
    char *longer;

    if (cemm_deps_contains(*deps, sign, name))
        return 0;
    if (strlen(*deps) + strlen(name) + 2 > CEMM_DEPS_MAX)
        return -E2BIG;
    if (asprintf(&longer, "%s%c%s\n", *deps, sign, name) < 0)
        return -ENOMEM;
    free(*deps);
    *deps = longer;
    return 0;
}

char *cemm_deps_new(const struct cemm_registry *registry)
{
    char *deps;

    return asprintf(&deps, "%s\n", cemm_zone_name(registry->loop->zone)) < 0 ? NULL : deps;
}

int cemm_deps_complete(char **deps, const struct cemm_registry *registry,
                       const struct cemm_uid *uid)
{
    const struct cemm_device *device = cemm_registry_find(registry, uid);
    const struct cemm_source *source;
    int r = 0;

    TAILQ_FOREACH (source, &registry->sources, link)
        if (r == 0 && !source->discovered && source->list.finished && source->list.result == 0 &&
            !cemm_route_find(device, source))
            r = cemm_deps_add(deps, '-', source->name);
    return r == 0 && registry->discovers ? cemm_deps_add(deps, '-', CEMM_DISCOVERY) : r;
}

bool cemm_deps_same_zone(const char *deps, const struct cemm_registry *registry)
{
    const char *zone = cemm_zone_name(registry->loop->zone);
    size_t length = strlen(zone);

    return strncmp(deps, zone, length) == 0 && deps[length] == '\n';
}

/* Whether a source was asked, or does not reach the device. Any other source may have more data. */
static bool accounted_for(const char *deps, const struct cemm_device *device,
                          const struct cemm_source *source)
{
    if (cemm_deps_contains(deps, '+', source->name))
        return true;
    if (cemm_route_find(device, source))
        return false;
    return source->discovered || cemm_deps_contains(deps, '-', source->name);
}

bool cemm_deps_valid(const char *deps, const struct cemm_registry *registry,
                     const struct cemm_uid *uid, const char *alias)
{
    const struct cemm_device *device = cemm_registry_find(registry, uid);
    const struct cemm_source *source;

    if (!cemm_deps_same_zone(deps, registry))
        return false;
    TAILQ_FOREACH (source, &registry->sources, link)
        if (cemm_source_admits_meter(source, uid, alias) && !accounted_for(deps, device, source))
            return false;
    return !registry->discovers || cemm_deps_contains(deps, '+', CEMM_DISCOVERY) ||
           cemm_deps_contains(deps, '-', CEMM_DISCOVERY);
}
