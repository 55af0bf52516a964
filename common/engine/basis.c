#include "common/engine/basis.h"

#include "common/engine/discovery.h"

#include <string.h>

/* Of all that were discovered, together. */
static bool is_discovery(const struct cemm_source *source)
{
    return source->discovered != NULL;
}

static const struct cemm_route *route_of(const struct cemm_registry *registry,
                                         const struct cemm_uid *uid,
                                         const struct cemm_source *source)
{
    const struct cemm_device *device = cemm_registry_find(registry, uid);

    for (size_t i = 0; device && i < device->route_count; i++)
        if (device->routes[i]->source == source)
            return device->routes[i];
    return NULL;
}

static bool has_line(const char *basis, char sign, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = basis; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (*line == sign && strncmp(line + 1, name, length) == 0 && line[length + 1] == '\n')
            return true;
    }
    return false;
}

static void add(struct cemm_buffer *basis, char sign, const char *name)
{
    if (!basis->data || !has_line(basis->data, sign, name))
        cemm_buffer_format(basis, "%c%s\n", sign, name);
}

void cemm_basis_begin(struct cemm_buffer *basis, const struct cemm_registry *registry)
{
    cemm_buffer_format(basis, "%s\n", cemm_zone_name(registry->loop->zone));
}

void cemm_basis_asked(struct cemm_buffer *basis, const char *name)
{
    add(basis, '+', name);
}

void cemm_basis_end(struct cemm_buffer *basis, const struct cemm_registry *registry,
                    const struct cemm_uid *uid)
{
    for (size_t i = 0; i < registry->source_count; i++) {
        const struct cemm_source *source = registry->sources[i];
        if (!is_discovery(source) && source->found && source->found_result == 0 &&
            !route_of(registry, uid, source))
            add(basis, '-', source->name);
    }
    if (registry->discovers)
        add(basis, '-', CEMM_DISCOVERY);
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

bool cemm_basis_covers(const char *basis, const char *other)
{
    for (const char *line = strchr(other, '+'); line; line = strchr(line + 1, '+')) {
        size_t length = strcspn(line, "\n");
        const char *same = strstr(basis, "\n+");
        while (same && (strncmp(same + 1, line, length) != 0 || same[length + 1] != '\n'))
            same = strstr(same + 1, "\n+");
        if (!same && line > other && line[-1] == '\n')
            return false;
    }
    return true;
}

/* Whether its settings let it know the meter. */
static bool may_serve(const struct cemm_source *source, const struct cemm_uid *uid,
                      const char *alias)
{
    const struct cemm_strings *devices = &source->config->devices;

    return (devices->count == 0 || cemm_strings_has(devices, uid->text)) &&
           cemm_source_admits(source, alias);
}

/* A source that was not asked may know better, unless it does not reach the device. */
static bool accounted(const char *basis, const struct cemm_registry *registry,
                      const struct cemm_uid *uid, const struct cemm_source *source)
{
    if (has_line(basis, '+', source->name))
        return true;
    if (route_of(registry, uid, source))
        return false;
    return is_discovery(source) || has_line(basis, '-', source->name);
}

bool cemm_basis_holds(const char *basis, const struct cemm_registry *registry,
                      const struct cemm_uid *uid, const char *alias)
{
    if (!cemm_basis_zone(basis, registry))
        return false;
    for (size_t i = 0; i < registry->source_count; i++)
        if (may_serve(registry->sources[i], uid, alias) &&
            !accounted(basis, registry, uid, registry->sources[i]))
            return false;
    return !registry->discovers || has_line(basis, '+', CEMM_DISCOVERY) ||
           has_line(basis, '-', CEMM_DISCOVERY);
}
