#include "common/engine/basis.h"

#include "common/base/limits.h"
#include "common/engine/discovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_line(const char *basis, char sign, const char *name)
{
    struct cemm_words line; /* names are shorter */

    cemm_words_set(&line, "\n%c%s\n", sign, name);
    return strstr(basis, line.text);
}

static int add(char **basis, char sign, const char *name)
{
    char *longer;

    if (has_line(*basis, sign, name))
        return 0;
    if (strlen(*basis) + strlen(name) + 2 > CEMM_NOTE_MAX)
        return -E2BIG;
    if (asprintf(&longer, "%s%c%s\n", *basis, sign, name) < 0)
        return -ENOMEM;
    free(*basis);
    *basis = longer;
    return 0;
}

char *cemm_basis_new(const struct cemm_registry *registry)
{
    char *basis;

    return asprintf(&basis, "%s\n", cemm_zone_name(registry->loop->zone)) < 0 ? NULL : basis;
}

int cemm_basis_asked(char **basis, const char *name)
{
    return add(basis, '+', name);
}

int cemm_basis_complete(char **basis, const struct cemm_registry *registry,
                        const struct cemm_uid *uid)
{
    const struct cemm_device *device = cemm_registry_find(registry, uid);
    const struct cemm_source *source;
    int r = 0;

    TAILQ_FOREACH (source, &registry->sources, link)
        if (r == 0 && !source->discovered && source->list_time && source->list_result == 0 &&
            !cemm_route_find(device, source))
            r = add(basis, '-', source->name);
    return r == 0 && registry->discovers ? add(basis, '-', CEMM_DISCOVERY) : r;
}

bool cemm_basis_zone(const char *basis, const struct cemm_registry *registry)
{
    const char *zone = cemm_zone_name(registry->loop->zone);
    size_t length = strlen(zone);

    return strncmp(basis, zone, length) == 0 && basis[length] == '\n';
}

bool cemm_basis_has(const char *basis, const char *name)
{
    return has_line(basis, '+', name);
}

/* Whether a source was asked, or does not reach the device; otherwise it may know better. */
static bool accounted(const char *basis, const struct cemm_device *device,
                      const struct cemm_source *source)
{
    if (has_line(basis, '+', source->name))
        return true;
    if (cemm_route_find(device, source))
        return false;
    return source->discovered || has_line(basis, '-', source->name);
}

bool cemm_basis_holds(const char *basis, const struct cemm_registry *registry,
                      const struct cemm_uid *uid, const char *alias)
{
    const struct cemm_device *device = cemm_registry_find(registry, uid);
    const struct cemm_source *source;

    if (!cemm_basis_zone(basis, registry))
        return false;
    TAILQ_FOREACH (source, &registry->sources, link)
        if (cemm_source_admits_of(source, uid, alias) && !accounted(basis, device, source))
            return false;
    return !registry->discovers || has_line(basis, '+', CEMM_DISCOVERY) ||
           has_line(basis, '-', CEMM_DISCOVERY);
}
