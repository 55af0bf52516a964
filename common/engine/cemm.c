/*
 * The context: made, turned, freed. One turn reads the clocks once, does what
 * is due, waits, takes what the network brought, and lets completions run.
 */
#include "common/engine/context.h"

#include "common/base/words.h"
#include "common/engine/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "0.1.0"

const char *cemm_version(void)
{
    return VERSION;
}

/* ---- life ------------------------------------------------------------------------ */

static int add_configured(struct cemm *cemm, const struct cemm_source_config *config)
{
    struct cemm_words name;

    cemm_words_set(&name, "%s %s", config->kind == CEMM_CLOUD ? "cloud" : "local", config->name);
    return cemm_registry_add(&cemm->find.registry, config, name.text) ? 0 : -ENOMEM;
}

static int sources_init(struct cemm *cemm)
{
    const struct cemm_config *config = cemm->config;
    unsigned connections = CEMM_DISCOVERED_MAX;

    for (size_t i = 0; i < config->source_count; i++) {
        connections += config->sources[i].max_connections;
        int r = add_configured(cemm, &config->sources[i]);
        if (r < 0)
            return r;
    }
    return cemm_loop_init(&cemm->loop, connections);
}

struct cemm *cemm_new(const struct cemm_config *config, int rest_max, cemm_log_fn *log,
                      void *log_data)
{
    struct cemm *cemm = calloc(1, sizeof(*cemm));

    if (!cemm)
        return NULL;
    cemm->config = config;
    cemm->loop = (struct cemm_loop){
        .zone = config->zone,
        .rest_max = (int64_t)rest_max * 1000,
        .log = log,
        .log_data = log_data,
    };
    cemm->store.loop = &cemm->loop;
    cemm_find_init(&cemm->find, &cemm->loop, &cemm->store, config);
    TAILQ_INIT(&cemm->used);
    LIST_INIT(&cemm->firsts);
    if (sources_init(cemm) < 0) {
        cemm_free(cemm);
        return NULL;
    }
    return cemm;
}

/* Whatever still waits is told that it waits in vain; it may ask for more, in vain, too. */
static void cancel_all(struct cemm *cemm)
{
    cemm->loop.ending = true;
    for (size_t i = 0; i < cemm->find.registry.source_count; i++)
        cemm_requests_abort(cemm->find.registry.sources[i]);
    cemm_find_cancel(&cemm->find);
    cemm_cache_free(cemm);
    while (!TAILQ_EMPTY(&cemm->loop.ready))
        cemm_cancel(TAILQ_FIRST(&cemm->loop.ready));
    cemm_first_days_free(cemm);
}

void cemm_free(struct cemm *cemm)
{
    if (!cemm)
        return;
    cancel_all(cemm);
    cemm_find_clear(&cemm->find);
    cemm_loop_clear(&cemm->loop);
    cemm_store_close(&cemm->store);
    free(cemm);
}

const struct cemm_zone *cemm_zone(const struct cemm *cemm)
{
    return cemm->config->zone;
}

int cemm_turn(struct cemm *cemm, int timeout_ms, struct pollfd *extra, unsigned extra_count)
{
    return cemm_loop_turn(&cemm->loop, timeout_ms, extra, extra_count);
}

void cemm_wakeup(struct cemm *cemm)
{
    cemm_http_wakeup(cemm->loop.http);
}

bool cemm_source_at(const struct cemm *cemm, size_t index, struct cemm_source_state *ret_state)
{
    if (index >= cemm->find.registry.source_count)
        return false;
    const struct cemm_source *source = cemm->find.registry.sources[index];
    *ret_state = (struct cemm_source_state){
        .name = source->name,
        .cloud = source->config->kind == CEMM_CLOUD,
        .address = source->config->address ? source->config->address : source->config->url,
        .devices = source->devices,
        .last_success = source->last_success,
        .last_failure = source->last_failure,
        .last_words = source->last_failure ? cemm_words_kept(&source->last_words)->text : "",
    };
    return true;
}

bool cemm_archive_at(const struct cemm *cemm, struct cemm_archive_state *ret_state)
{
    return cemm_store_state(&cemm->store, ret_state);
}

bool cemm_archived(const struct cemm *cemm, const struct cemm_query *query)
{
    return cemm_store_has(&cemm->store, query);
}

void cemm_archive_use(struct cemm *cemm)
{
    cemm_store_open(&cemm->store, cemm_config_archive(cemm->config), cemm_registry_recall,
                    &cemm->find.registry);
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

bool cemm_offers(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                 enum cemm_endpoint endpoint)
{
    return cemm_registry_offers(&cemm->find.registry, uid, alias, endpoint);
}

int cemm_find(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
              cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    return uid ? cemm_find_meters(&cemm->find, uid, max_age_ms, done, data, ret_ticket)
               : cemm_find_devices(&cemm->find, NULL, NULL, max_age_ms, done, data, ret_ticket);
}

int cemm_locate(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
                cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    return cemm_find_devices(&cemm->find, NULL, uid, max_age_ms, done, data, ret_ticket);
}

int cemm_discover(struct cemm *cemm, cemm_answer_fn *done, void *data,
                  struct cemm_ticket **ret_ticket)
{
    return cemm_find_devices(&cemm->find, CEMM_DISCOVERY, NULL, 0, done, data, ret_ticket);
}

bool cemm_discovered_at(const struct cemm *cemm, size_t index, struct cemm_discovered *ret)
{
    return cemm_discovery_device(&cemm->find.discovery, index, ret);
}

void cemm_discovery_at(const struct cemm *cemm, struct cemm_discovery_state *ret)
{
    cemm_discovery_state(&cemm->find.discovery, ret);
}
