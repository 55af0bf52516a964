/*
 * The context creates all parts of the engine and passes on the calls of the frontends. No other
 * file of the engine looks inside the context; backfill.c uses it as a frontend would.
 */
#include "common/base/limits.h"
#include "common/engine/first_day.h"
#include "common/engine/request.h"
#include "common/engine/sweep.h"
#include "common/model/names.h"
#include "common/protocol/url.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#define VERSION "0.1.0"

/* cemm_limit() ends a wait this much later than the sources' timeouts, so that the answer, or the
 * reason why there is none, arrives first. */
#define GRACE_MS 100

struct cemm {
    const struct cemm_config *config;
    struct cemm_loop loop;
    struct cemm_store store;
    struct cemm_find find;
    struct cemm_cache cache;
    struct cemm_first_days first_days;
};

const char *cemm_version(void)
{
    return VERSION;
}

/* ---- life ---------------------------------------------------------------------- */

/* Adds the configured sources; increases *connections by their limits. Returns 0 or -ENOMEM. */
static int add_sources(struct cemm *cemm, unsigned *connections)
{
    const struct cemm_config *config = cemm->config;
    struct cemm_message name;

    for (size_t i = 0; i < config->source_count; i++) {
        const struct cemm_source_config *source = &config->sources[i];
        cemm_message_set(&name, "%s %s", source->kind == CEMM_CLOUD ? "cloud" : "local",
                         source->name);
        if (!cemm_registry_add(&cemm->find.registry, source, name.text))
            return -ENOMEM;
        *connections += source->max_connections;
    }
    return 0;
}

struct cemm *cemm_new(const struct cemm_config *config, int backoff_max, cemm_log_fn *log,
                      void *log_data)
{
    struct cemm *cemm = calloc(1, sizeof(*cemm));
    unsigned connections = CEMM_DISCOVERED_MAX; /* one for each discovered source */

    if (!cemm)
        return NULL;
    cemm->config = config;
    cemm->loop = (struct cemm_loop){
        .zone = config->zone,
        .backoff_max = (int64_t)backoff_max * 1000,
        .log = log,
        .log_data = log_data,
    };
    cemm->store.loop = &cemm->loop;
    cemm_find_init(&cemm->find, &cemm->loop, &cemm->store, config);
    cemm->cache =
        (struct cemm_cache){.loop = &cemm->loop, .store = &cemm->store, .find = &cemm->find};
    TAILQ_INIT(&cemm->cache.used);
    cemm->first_days.cache = &cemm->cache;
    if (add_sources(cemm, &connections) < 0 || cemm_loop_init(&cemm->loop, connections) < 0) {
        cemm_free(cemm);
        return NULL;
    }
    return cemm;
}

void cemm_free(struct cemm *cemm)
{
    struct cemm_source *source;

    if (!cemm)
        return;
    struct cemm_registry *registry = &cemm->find.registry;
    cemm->loop.ending = true; /* new requests fail */
    TAILQ_FOREACH (source, &registry->sources, link)
        cemm_requests_abort(source);
    cemm_tickets_finish(&cemm->find.waiters, -ECANCELED, NULL, NULL);
    for (size_t i = 0; i < registry->device_count; i++)
        cemm_tickets_finish(&registry->devices[i]->searchers, -ECANCELED, NULL, NULL);
    cemm_cache_clear(&cemm->cache);
    while (!TAILQ_EMPTY(&cemm->loop.ready))
        cemm_cancel(TAILQ_FIRST(&cemm->loop.ready));
    cemm_first_days_clear(&cemm->first_days);
    cemm_discovery_clear(&cemm->find.discovery);
    cemm_registry_clear(registry);
    cemm_http_free(cemm->loop.http);
    free(cemm);
}

const struct cemm_zone *cemm_zone(const struct cemm *cemm)
{
    return cemm->loop.zone;
}

int cemm_turn(struct cemm *cemm, int timeout_ms, struct pollfd *extra, unsigned extra_count)
{
    return cemm_loop_turn(&cemm->loop, timeout_ms, extra, extra_count);
}

void cemm_wakeup(struct cemm *cemm)
{
    cemm_http_wakeup(cemm->loop.http);
}

/* ---- documents ------------------------------------------------------------------- */

int cemm_get(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
             cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    return cemm_cache_get(&cemm->cache, NULL, query, max_age_ms, CEMM_WAITED_FOR, done, data,
                          ret_ticket);
}

void cemm_prefetch(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms)
{
    (void)cemm_cache_get(&cemm->cache, NULL, query, max_age_ms, CEMM_BACKGROUND, NULL, NULL, NULL);
}

struct cemm_document *cemm_peek(struct cemm *cemm, const struct cemm_query *query,
                                int64_t max_age_ms)
{
    return cemm_cache_peek(&cemm->cache, query, max_age_ms);
}

int cemm_sweep(struct cemm *cemm, const struct cemm_selection *selection, cemm_sweep_fn *meter,
               void *data)
{
    return cemm_sweep_start(&cemm->cache, selection, meter, data);
}

/* ---- limits ------------------------------------------------------------------------ */

/* Returns how long an answer to `query` may take. The sources that reach the device are asked in
 * turn, so their timeouts add up. If none is known to reach it, returns the sum of the longest LAN
 * timeout and the longest cloud timeout. If `query` is NULL, returns how long listing the devices
 * may take: all sources are asked at the same time, so the longest timeout counts. */
static int64_t timeout_of(const struct cemm_registry *registry, const struct cemm_query *query)
{
    const struct cemm_device *device = query ? cemm_registry_find(registry, &query->uid) : NULL;
    const struct cemm_source *source;
    int64_t sum = 0;
    int64_t local = registry->discovers ? CEMM_DISCOVERY_TIMEOUT_MS : 0;
    int64_t cloud = 0;

    TAILQ_FOREACH (source, &registry->sources, link) {
        int64_t timeout = source->config->timeout_ms;
        if (query && !cemm_source_serves(source, query))
            continue;
        if (cemm_route_find(device, source))
            sum += timeout;
        if (source->config->kind == CEMM_LOCAL)
            local = MAX(local, timeout);
        else
            cloud = MAX(cloud, timeout);
    }
    if (cemm_device_reached(device))
        return sum;
    return query ? local + cloud : MAX(local, cloud);
}

void cemm_limit(struct cemm_ticket *ticket, const struct cemm_query *query)
{
    const struct cemm *cemm =
        (const struct cemm *)((char *)ticket->loop - offsetof(struct cemm, loop));
    int64_t limit = timeout_of(&cemm->find.registry, query);
    struct cemm_message message;

    cemm_message_set(&message, "%s%s%s: no answer within %.3g s; the request goes on",
                     query ? query->uid.text : "devices", query && query->alias[0] ? " " : "",
                     query ? query->alias : "", (double)limit / 1000);
    cemm_ticket_limit(ticket, limit + GRACE_MS, message.text);
}

/* ---- the first day ----------------------------------------------------------------- */

int cemm_find_first(struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                    cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    return cemm_first_days_find(&cemm->first_days, uid, alias, done, data, ret_ticket);
}

bool cemm_first_day(struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                    struct cemm_period *ret_day, bool *ret_known)
{
    return cemm_first_days_get(&cemm->first_days, uid, alias, ret_day, ret_known);
}

/* ---- archive --------------------------------------------------------------------- */

void cemm_archive_use(struct cemm *cemm)
{
    cemm_store_open(&cemm->store, cemm_config_archive(cemm->config), cemm_registry_know,
                    &cemm->find.registry);
}

bool cemm_archive_at(const struct cemm *cemm, struct cemm_archive_state *ret_state)
{
    *ret_state = cemm->store.state;
    return cemm->store.archive != NULL;
}

bool cemm_archived(const struct cemm *cemm, const struct cemm_query *query)
{
    return cemm_store_has(&cemm->store, query);
}

bool cemm_archived_totals(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    return cemm->store.archive && cemm_archive_has_totals(cemm->store.archive, uid, alias);
}

/* ---- devices and sources ----------------------------------------------------------- */

int cemm_find(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
              cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    struct cemm_wanted wanted = {.meters = uid != NULL, .max_age = max_age_ms};

    if (uid)
        wanted.uid = *uid;
    return cemm_find_start(&cemm->find, &wanted, done, data, ret_ticket);
}

int cemm_locate(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
                cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    const struct cemm_wanted wanted = {.uid = *uid, .max_age = max_age_ms};

    return cemm_find_start(&cemm->find, &wanted, done, data, ret_ticket);
}

int cemm_discover(struct cemm *cemm, cemm_answer_fn *done, void *data,
                  struct cemm_ticket **ret_ticket)
{
    const struct cemm_wanted wanted = {.source = CEMM_DISCOVERY};

    return cemm_find_start(&cemm->find, &wanted, done, data, ret_ticket);
}

bool cemm_discovered_at(const struct cemm *cemm, size_t index, struct cemm_discovered *ret)
{
    const struct cemm_source *source;

    TAILQ_FOREACH (source, &cemm->find.registry.sources, link)
        if (source->discovered && source->own.device && index-- == 0)
            break;
    if (!source)
        return false;
    *ret = (struct cemm_discovered){
        .uid = source->discovered->beacon.uid,
        .address = source->config->address,
        .type = source->discovered->beacon.type,
        .core = source->discovered->beacon.version,
        .answered = source->discovered->scan == cemm->find.discovery.scan,
    };
    return true;
}

void cemm_discovery_at(const struct cemm *cemm, struct cemm_discovery_state *ret)
{
    *ret = cemm->find.discovery.state;
}

const struct cemm_device *cemm_device_at(const struct cemm *cemm, size_t index)
{
    return index < cemm->find.registry.device_count ? cemm->find.registry.devices[index] : NULL;
}

const struct cemm_device *cemm_device_named(const struct cemm *cemm, const struct cemm_uid *uid)
{
    return cemm_registry_find(&cemm->find.registry, uid);
}

bool cemm_alias_allowed(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    return cemm_registry_allows(&cemm->find.registry, uid, alias);
}

/* Whether a source has an endpoint for a meter, or (`alias` "") for the device. An account has
 * an endpoint only for aliases that its filter admits and that are documented for the cloud or
 * configured. It offers IO for a device, not for an alias: its lists of meters have no aliases. */
static bool source_offers(const struct cemm_source *source, const char *alias,
                          enum cemm_endpoint endpoint)
{
    const struct cemm_source_config *config = source->config;

    if (!cemm_endpoint_offered(endpoint, config->kind))
        return false;
    if (!alias[0] || config->kind == CEMM_LOCAL)
        return true;
    return endpoint != CEMM_IO && cemm_source_admits(source, alias) &&
           (cemm_alias_find(alias)->cloud || cemm_strings_has(&config->aliases, alias));
}

bool cemm_offers(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                 enum cemm_endpoint endpoint)
{
    const struct cemm_device *device = cemm_device_named(cemm, uid);
    const struct cemm_source *source;

    TAILQ_FOREACH (source, &cemm->find.registry.sources, link) {
        const struct cemm_route *route = cemm_route_find(device, source);
        /* If no source is known to reach the device, any source may reach it. An account that has
         * not listed its devices yet may reach it, too. */
        bool may = route ? !cemm_strings_has(&route->absent, alias) &&
                               !(endpoint == CEMM_IO && route->no_io)
                         : !cemm_device_reached(device) ||
                               (source->config->kind == CEMM_CLOUD && !source->list.finished);
        if (may && source_offers(source, alias, endpoint))
            return true;
    }
    return false;
}

bool cemm_source_at(const struct cemm *cemm, size_t index, struct cemm_source_state *ret_state)
{
    const struct cemm_source *source;

    /* A discovered source whose address was forgotten does not count. */
    TAILQ_FOREACH (source, &cemm->find.registry.sources, link)
        if ((!source->discovered || source->config->address[0]) && index-- == 0)
            break;
    if (!source)
        return false;
    *ret_state = (struct cemm_source_state){
        .name = source->name,
        .cloud = source->config->kind == CEMM_CLOUD,
        .address = source->config->address ? source->config->address : source->config->url,
        .devices = source->devices,
        .outcomes = source->outcomes,
        .left_out = source->left_out,
        .elsewhere = source->elsewhere_count,
    };
    return true;
}

bool cemm_elsewhere(const struct cemm *cemm, const struct cemm_uid *uid,
                    struct cemm_message *ret_message)
{
    return cemm_registry_other_shard(&cemm->find.registry, uid, ret_message);
}
