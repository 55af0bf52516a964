#include "common/engine/deps.h"

#include "common/base/limits.h"
#include "common/engine/discovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cemm_deps_have(const char *deps, char sign, const char *name)
{
    struct cemm_message line; /* names are shorter */

    cemm_message_set(&line, "\n%c%s\n", sign, name);
    return strstr(deps, line.text);
}

int cemm_deps_add(char **deps, char sign, const char *name)
{
    char *longer;

    if (cemm_deps_have(*deps, sign, name))
        return 0;
    if (strlen(*deps) + strlen(name) + 2 > CEMM_NOTE_MAX)
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
        if (r == 0 && !source->discovered && source->list_time && source->list_result == 0 &&
            !cemm_route_find(device, source))
            r = cemm_deps_add(deps, '-', source->name);
    return r == 0 && registry->discovers ? cemm_deps_add(deps, '-', CEMM_DISCOVERY) : r;
}

bool cemm_deps_zone(const char *deps, const struct cemm_registry *registry)
{
    const char *zone = cemm_zone_name(registry->loop->zone);
    size_t length = strlen(zone);

    return strncmp(deps, zone, length) == 0 && deps[length] == '\n';
}

/* Whether a source was asked, or does not reach the device; otherwise it may know better. */
static bool accounted(const char *deps, const struct cemm_device *device,
                      const struct cemm_source *source)
{
    if (cemm_deps_have(deps, '+', source->name))
        return true;
    if (cemm_route_find(device, source))
        return false;
    return source->discovered || cemm_deps_have(deps, '-', source->name);
}

bool cemm_deps_holds(const char *deps, const struct cemm_registry *registry,
                     const struct cemm_uid *uid, const char *alias)
{
    const struct cemm_device *device = cemm_registry_find(registry, uid);
    const struct cemm_source *source;

    if (!cemm_deps_zone(deps, registry))
        return false;
    TAILQ_FOREACH (source, &registry->sources, link)
        if (cemm_source_admits_of(source, uid, alias) && !accounted(deps, device, source))
            return false;
    return !registry->discovers || cemm_deps_have(deps, '+', CEMM_DISCOVERY) ||
           cemm_deps_have(deps, '-', CEMM_DISCOVERY);
}
