#include "common/engine/timeout.h"

#include "common/base/words.h"
#include "common/engine/discovery.h"

/* An answer that comes at the last moment, or the reason why there is none, is worth more. */
#define GRACE_MS 100

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Those that reach the device, in turn. */
static int64_t of_device(const struct cemm_device *device, const struct cemm_query *query)
{
    int64_t sum = 0;

    for (size_t i = 0; i < device->route_count; i++)
        if (cemm_source_serves(device->routes[i]->source, query))
            sum += device->routes[i]->source->config->timeout_ms;
    return sum;
}

/* Where it is not known who reaches it: any on the LAN, then any account. They are asked side by
 * side for their devices. */
static int64_t of_any(const struct cemm_registry *registry, const struct cemm_query *query)
{
    int64_t local = registry->discovers ? CEMM_DISCOVERY_TIMEOUT_MS : 0;
    int64_t cloud = 0;

    for (size_t i = 0; i < registry->source_count; i++) {
        const struct cemm_source_config *config = registry->sources[i]->config;
        if (query && !cemm_source_serves(registry->sources[i], query))
            continue;
        if (config->kind == CEMM_LOCAL)
            local = longer(local, config->timeout_ms);
        else
            cloud = longer(cloud, config->timeout_ms);
    }
    return query ? local + cloud : longer(local, cloud);
}

void cemm_timeout_set(struct cemm_ticket *ticket, const struct cemm_registry *registry,
                      const struct cemm_query *query)
{
    const struct cemm_device *device = query ? cemm_registry_find(registry, &query->uid) : NULL;
    bool reached = device && device->route_count > 0;
    int64_t limit = reached ? of_device(device, query) : of_any(registry, query);
    struct cemm_words words;

    cemm_words_set(&words, "%s%s%s: not there within %.3g s; it is still asked for",
                   query ? query->uid.text : "devices", query && query->alias[0] ? " " : "",
                   query ? query->alias : "", (double)limit / 1000);
    cemm_ticket_limit(ticket, limit + GRACE_MS, &words);
}
