#include "common/engine/source.h"

#include "common/base/random.h"
#include "common/base/words.h"
#include "common/model/shard.h"
#include "common/protocol/url.h"

#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_MS 1000 /* of a source that does not answer */

/* ---- sources ---------------------------------------------------------------- */

struct cemm_source *cemm_source_new(struct cemm_loop *loop, const struct cemm_source_config *config,
                                    const char *name)
{
    struct cemm_source *source = calloc(1, sizeof(*source));
    char *copy = strdup(name);

    if (!source || !copy) {
        free(source);
        free(copy);
        return NULL;
    }
    source->loop = loop;
    source->config = config;
    source->name = copy;
    cemm_source_reset(source);
    return source;
}

static void clear(struct cemm_source *source)
{
    struct cemm_route *route;

    while ((route = TAILQ_FIRST(&source->unlisted))) {
        TAILQ_REMOVE(&source->unlisted, route, link);
        cemm_route_free(route);
    }
    cemm_route_clear(&source->own);
    cemm_words_drop(&source->outcomes.last_words);
    cemm_words_drop(&source->list_words);
    free(source->elsewhere);
}

void cemm_source_reset(struct cemm_source *source)
{
    clear(source);
    *source = (struct cemm_source){
        .loop = source->loop,
        .registry = source->registry,
        .link = source->link,
        .config = source->config,
        .name = source->name,
        .discovered = source->discovered,
        .own = {.source = source, .expected = -1},
        .expected = -1,
    };
    TAILQ_INIT(&source->queue);
    TAILQ_INIT(&source->repeats);
    TAILQ_INIT(&source->busy);
    TAILQ_INIT(&source->unlisted);
}

void cemm_source_free(struct cemm_source *source)
{
    clear(source);
    free(source->name);
    free(source);
}

bool cemm_source_renew_key(struct cemm_source *source)
{
    const struct cemm_source_config *config = source->config;
    struct cemm_secret fresh = {""};
    struct cemm_words words;

    if (config->kind != CEMM_CLOUD)
        return false;
    int r = cemm_secret_load(&fresh, config->key_file, &words);
    bool other = r == 0 && strcmp(fresh.text, config->key->text) != 0;
    if (r < 0 && !source->key_lost)
        cemm_log(source->loop, CEMM_LOG_WARNING, "%s: %.160s; the old key is still used",
                 source->name, words.text);
    source->key_lost = r < 0;
    if (other) {
        *config->key = fresh;
        source->keys++;
        cemm_log(source->loop, CEMM_LOG_INFO, "%s: the key file has a new key, which is used now",
                 source->name);
    }
    cemm_secret_wipe(&fresh);
    return other;
}

bool cemm_source_admits(const struct cemm_source *source, const char *alias)
{
    const struct cemm_source_config *config = source->config;

    return config->aliases.count == 0 || cemm_strings_has(&config->aliases, alias) ||
           cemm_strings_has(&config->extra_aliases, alias);
}

bool cemm_source_admits_of(const struct cemm_source *source, const struct cemm_uid *uid,
                           const char *alias)
{
    const struct cemm_strings *devices = &source->config->devices;

    return (devices->count == 0 || cemm_strings_has(devices, uid->text)) &&
           !cemm_source_leaves(source, uid) && cemm_source_admits(source, alias);
}

bool cemm_source_leaves(const struct cemm_source *source, const struct cemm_uid *uid)
{
    const struct cemm_source_config *config = source->config;

    return config->shards > 0 && cemm_shard_of(uid, config->shards) != config->shard;
}

bool cemm_source_serves(const struct cemm_source *source, const struct cemm_query *query)
{
    return cemm_endpoint_offered(query->endpoint, source->config->kind) &&
           (!query->alias[0] || cemm_source_admits(source, query->alias));
}

bool cemm_source_unconfirmed(const struct cemm_source *source)
{
    return source->discovered && !source->own.device;
}

/* ---- routes ----------------------------------------------------------------- */

struct cemm_route *cemm_route_new(struct cemm_source *source)
{
    if (source->config->kind == CEMM_LOCAL)
        return &source->own;
    struct cemm_route *route = calloc(1, sizeof(*route));
    if (route)
        *route = (struct cemm_route){.source = source, .expected = -1};
    return route;
}

void cemm_pause_free(struct cemm_pause *pause)
{
    LIST_REMOVE(pause, link);
    cemm_words_drop(&pause->words);
    free(pause);
}

static void clear_pauses(struct cemm_route *route)
{
    while (!LIST_EMPTY(&route->pauses))
        cemm_pause_free(LIST_FIRST(&route->pauses));
}

struct cemm_route *cemm_route_take_back(struct cemm_source *source,
                                        const struct cemm_device *device)
{
    struct cemm_route *route;

    TAILQ_FOREACH (route, &source->unlisted, link)
        if (route->former == device)
            break;
    if (!route)
        return NULL;
    TAILQ_REMOVE(&source->unlisted, route, link);
    route->former = NULL;
    route->health = (struct cemm_health){0};
    clear_pauses(route);
    return route;
}

void cemm_route_free(struct cemm_route *route)
{
    cemm_route_clear(route);
    if (route != &route->source->own)
        free(route);
}

void cemm_route_clear(struct cemm_route *route)
{
    cemm_names_clear(&route->meters);
    cemm_names_clear(&route->absent);
    clear_pauses(route);
    cemm_words_drop(&route->search.words);
    cemm_words_drop(&route->failure_words);
    route->search.finished = 0;
    route->health = (struct cemm_health){0};
    route->failure_result = 0;
    route->list_failure_logged = false;
    route->proven = false;
    route->no_io = false;
    route->newest = 0;
    route->device = NULL;
}

const char *cemm_route_name(const struct cemm_route *route)
{
    if (route->device || route->former)
        return (route->device ? route->device : route->former)->uid.text;
    return route->source->config->kind == CEMM_LOCAL ? route->source->config->address
                                                     : "the account";
}

struct cemm_route *cemm_route_backing_off(struct cemm_route *route)
{
    struct cemm_source *source = route->source;

    if (cemm_health_backs_off(&route->health, source->loop->now))
        return route;
    return cemm_health_backs_off(&source->own.health, source->loop->now) ? &source->own : NULL;
}

void cemm_route_log(const struct cemm_route *route, enum cemm_level level, const char *message)
{
    struct cemm_source *source = route->source;

    if (route == &source->own)
        cemm_log(source->loop, level, "%s", message);
    else
        cemm_log_device(source->loop, level, "%s", message);
}

void cemm_route_failed(struct cemm_route *route, int result, const char *reason)
{
    struct cemm_source *source = route->source;
    struct cemm_loop *loop = source->loop;
    struct cemm_words words;

    route->failure_result = result;
    route->proven = false;
    source->unverified |= source->config->kind == CEMM_LOCAL && route->device;
    cemm_words_set(&words, "%s: %s: %s", source->name, cemm_route_name(route), reason);
    cemm_words_keep(&route->failure_words, &words);
    const struct cemm_backoff backoff = {BACKOFF_FIRST_MS, loop->backoff_max};
    if (cemm_health_fail(&route->health, loop->now, backoff, cemm_random()) &&
        !cemm_source_unconfirmed(source))
        cemm_route_log(route, CEMM_LOG_WARNING, words.text);
}

static void recover(struct cemm_route *route)
{
    int64_t since = route->health.down_since;
    struct cemm_words words;

    if (!cemm_health_recover(&route->health) || cemm_source_unconfirmed(route->source))
        return;
    cemm_words_set(&words, "%s: %s: answers again, after %lld s", route->source->name,
                   cemm_route_name(route), (long long)(route->source->loop->now - since) / 1000);
    cemm_route_log(route, CEMM_LOG_INFO, words.text);
}

void cemm_route_answered(struct cemm_route *route)
{
    route->proven = true;
    recover(route);
    recover(&route->source->own); /* the account as a whole is there, too */
}
