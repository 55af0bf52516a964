/*
 * The tables of devices, their routes and their meters. What was once known
 * stays, whatever its sources do now (spec §4).
 */
#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/engine/context.h"
#include "common/model/alias.h"
#include "common/protocol/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- devices ------------------------------------------------------------------ */

static size_t device_place(const struct cemm *cemm, const struct cemm_uid *uid, bool *ret_found)
{
    size_t low = 0;
    size_t high = cemm->device_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(cemm->devices[middle]->uid.text, uid->text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < cemm->device_count && strcmp(cemm->devices[low]->uid.text, uid->text) == 0;
    return low;
}

struct cemm_device *cemm_device_find(const struct cemm *cemm, const struct cemm_uid *uid)
{
    bool found;
    size_t place = device_place(cemm, uid, &found);

    return found ? cemm->devices[place] : NULL;
}

static struct cemm_device *device_get(struct cemm *cemm, const struct cemm_uid *uid)
{
    bool found;
    size_t place = device_place(cemm, uid, &found);

    if (found)
        return cemm->devices[place];
    if (cemm->device_count >= CEMM_DEVICES_MAX)
        return NULL;
    struct cemm_device **devices =
        reallocarray(cemm->devices, cemm->device_count + 1, sizeof(struct cemm_device *));
    if (!devices)
        return NULL;
    cemm->devices = devices;
    struct cemm_device *device = cemm_device_new(uid);
    if (!device)
        return NULL;
    memmove(devices + place + 1, devices + place,
            (cemm->device_count - place) * sizeof(struct cemm_device *));
    devices[place] = device;
    cemm->device_count++;
    return device;
}

void cemm_devices_free_one(struct cemm_device *device)
{
    for (size_t i = 0; i < device->route_count; i++)
        cemm_route_free(device->routes[i]);
    cemm_device_free(device);
}

/* Another device answers at a LAN address: the one that was there has lost this route. */
void cemm_route_detach(struct cemm_route *route)
{
    struct cemm_device *device = route->device;

    if (!device)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < device->route_count; i++)
        if (device->routes[i] != route)
            device->routes[kept++] = device->routes[i];
    device->route_count = kept;
    cemm_route_clear(route);
    route->source->devices--;
    cemm_find_searched(device);
}

struct cemm_route *cemm_route_get(struct cemm_source *source, const struct cemm_uid *uid)
{
    struct cemm_device *device = device_get(cemm_of(source->loop), uid);

    if (!device)
        return NULL;
    for (size_t i = 0; i < device->route_count; i++)
        if (device->routes[i]->source == source)
            return device->routes[i];
    struct cemm_route **routes =
        reallocarray(device->routes, device->route_count + 1, sizeof(struct cemm_route *));
    if (!routes)
        return NULL;
    device->routes = routes;
    struct cemm_route *route = cemm_route_new(source);
    if (!route)
        return NULL;
    cemm_route_detach(route);
    route->device = device;
    device->lost = false;
    source->devices++;
    size_t place = device->route_count++;
    if (source->config->kind == CEMM_LOCAL) {
        memmove(routes + 1, routes, place * sizeof(struct cemm_route *));
        place = 0;
    }
    routes[place] = route;
    return route;
}

int cemm_route_meter_found(struct cemm_route *route, const char *alias)
{
    struct cemm_device *device = route->device;

    /* The route's last: what is among those is not asked for again. */
    if (device && !cemm_names_have(&device->meters, alias)) {
        int r = cemm_names_add(&device->meters, alias);
        if (r < 0)
            return r;
        cemm_store_meter(&cemm_of(route->source->loop)->store, &device->uid, alias);
    }
    return cemm_names_add(&route->meters, alias);
}

int cemm_meter_known(struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    struct cemm_device *device = device_get(cemm, uid);

    return device ? cemm_names_add(&device->meters, alias) : -ENOMEM;
}

/* ---- what the archive knows ------------------------------------------------------ */

/* Only what the settings let through, as far as can be said without knowing who reaches it. */
static bool admitted(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    if (cemm->source_count == 0 || cemm->discovery.enabled)
        return true;
    for (size_t i = 0; i < cemm->source_count; i++) {
        const struct cemm_source *source = cemm->sources[i];
        const struct cemm_strings *devices = &source->config->devices;
        if (cemm_source_admits(source, alias) &&
            (devices->count == 0 || cemm_strings_has(devices, uid->text)))
            return true;
    }
    return false;
}

static int take_meter(void *data, const struct cemm_uid *uid, const char *alias)
{
    struct cemm *cemm = data;

    return admitted(cemm, uid, alias) ? cemm_meter_known(cemm, uid, alias) : 0;
}

void cemm_archive_use(struct cemm *cemm)
{
    cemm_store_open(&cemm->store, cemm_config_archive(cemm->config), take_meter, cemm);
}

/* ---- as the façade shows them ---------------------------------------------------- */

const struct cemm_device *cemm_device_at(const struct cemm *cemm, size_t index)
{
    return index < cemm->device_count ? cemm->devices[index] : NULL;
}

const struct cemm_device *cemm_device_named(const struct cemm *cemm, const struct cemm_uid *uid)
{
    return cemm_device_find(cemm, uid);
}

const char *cemm_device_account(const struct cemm_device *device)
{
    for (size_t i = 0; i < device->route_count; i++) {
        const struct cemm_source_config *config = device->routes[i]->source->config;
        if (config->kind == CEMM_CLOUD)
            return config->name;
    }
    return NULL;
}

static bool source_allows(const struct cemm_source *source, const char *alias)
{
    if (!cemm_source_admits(source, alias))
        return false;
    return cemm_alias_documented(alias) ||
           cemm_strings_has(&source->config->extra_aliases, alias) ||
           cemm_strings_has(&source->config->aliases, alias);
}

bool cemm_alias_allowed(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    const struct cemm_device *device = cemm_device_find(cemm, uid);
    bool known = device && device->route_count > 0;

    if (!cemm_name_valid(alias))
        return false;
    if (device && cemm_names_have(&device->meters, alias))
        return true;
    for (size_t i = 0; known && i < device->route_count; i++)
        if (source_allows(device->routes[i]->source, alias))
            return true;
    /* Of a device that only the archive knows, any source may have more. */
    for (size_t i = 0; !known && i < cemm->source_count; i++)
        if (source_allows(cemm->sources[i], alias))
            return true;
    /* Discovery may yet bring the device, or bring it back. */
    return cemm->discovery.enabled && cemm_alias_documented(alias);
}

/* What only the cloud has, it has only of the meters that it knows. Its list of meters (IO) has no
 * aliases, so nothing is found in it. */
static bool source_offers(const struct cemm_source *source, const char *alias,
                          enum cemm_endpoint endpoint)
{
    const struct cemm_source_config *config = source->config;

    if (!cemm_endpoint_offered(endpoint, config->kind))
        return false;
    if (!alias[0] || config->kind == CEMM_LOCAL)
        return true;
    return endpoint != CEMM_IO && cemm_source_admits(source, alias) &&
           (cemm_alias_in_cloud(alias) || cemm_strings_has(&config->aliases, alias));
}

static bool route_offers(const struct cemm_route *route, const char *alias,
                         enum cemm_endpoint endpoint)
{
    return source_offers(route->source, alias, endpoint) &&
           !cemm_names_have(&route->absent, alias) && !(endpoint == CEMM_IO && route->listless);
}

bool cemm_offers(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                 enum cemm_endpoint endpoint)
{
    const struct cemm_device *device = cemm_device_find(cemm, uid);
    bool known = device && device->route_count > 0;

    for (size_t i = 0; known && i < device->route_count; i++)
        if (route_offers(device->routes[i], alias, endpoint))
            return true;
    /* Who reaches it is not known yet, or no longer; an account may, until it says which. */
    for (size_t i = 0; i < cemm->source_count; i++) {
        const struct cemm_source *source = cemm->sources[i];
        bool may = !known || (source->config->kind == CEMM_CLOUD && !source->found);
        if (may && source_offers(source, alias, endpoint))
            return true;
    }
    return false;
}
