#include "common/engine/source.h"

#include "common/base/message.h"
#include "common/model/document.h"
#include "common/model/names.h"
#include "common/protocol/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define BACKOFF_FIRST_MS 1000 /* the first pause after a failure or a refusal */
#define KEY_AGE_MS       1000 /* how often the key file is read while refused requests pause */

/* ---- meters ----------------------------------------------------------------- */

/* The meter with this alias, or else the first meter that sorts after it; NULL: there is none. */
static struct cemm_meter *meter_from(const struct cemm_device *device, const char *alias)
{
    struct cemm_meter *meter;

    TAILQ_FOREACH (meter, &device->meters, link)
        if (strcmp(meter->alias, alias) >= 0)
            break;
    return meter;
}

struct cemm_meter *cemm_device_meter_find(const struct cemm_device *device, const char *alias)
{
    struct cemm_meter *meter = meter_from(device, alias);

    return meter && strcmp(meter->alias, alias) == 0 ? meter : NULL;
}

struct cemm_meter *cemm_device_meter_get(struct cemm_device *device, const char *alias)
{
    struct cemm_meter *next = meter_from(device, alias);

    if (next && strcmp(next->alias, alias) == 0)
        return next;
    struct cemm_meter *meter = device->meter_count < CEMM_METERS_MAX
                                   ? calloc(1, sizeof(*meter) + strlen(alias) + 1)
                                   : NULL;
    if (!meter)
        return NULL;
    strcpy(meter->alias, alias);
    if (next)
        TAILQ_INSERT_BEFORE(next, meter, link);
    else
        TAILQ_INSERT_TAIL(&device->meters, meter, link);
    device->meter_count++;
    return meter;
}

int cemm_meters_add(struct cemm_strings *meters, struct cemm_device *device, const char *alias)
{
    struct cemm_meter *meter = cemm_device_meter_get(device, alias);

    if (!meter)
        return device->meter_count < CEMM_METERS_MAX ? -ENOMEM : 0;
    if (cemm_strings_has(meters, alias))
        return 0;
    char **items = reallocarray(meters->items, meters->count + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    meters->items = items;
    items[meters->count++] = meter->alias;
    return 0;
}

void cemm_meters_clear(struct cemm_strings *meters)
{
    free(meters->items);
    *meters = (struct cemm_strings){0};
}

int cemm_device_set_types(struct cemm_device *device, const struct cemm_document *document)
{
    bool one = document->query.endpoint == CEMM_INFO; /* the document is about the query's meter */
    int r = 0;

    for (size_t i = 0; i < document->io_count; i++) {
        const char *alias = one ? document->query.alias : document->io[i].alias;
        const char *type = document->io[i].type;
        if (!alias[0] || !type[0])
            continue;
        struct cemm_meter *meter = cemm_device_meter_get(device, alias);
        char *copy = meter ? strdup(type) : NULL;
        if (copy) {
            free(meter->type);
            meter->type = copy;
        } else if (meter || device->meter_count < CEMM_METERS_MAX) {
            r = -ENOMEM;
        }
    }
    return r;
}

const char *cemm_device_type(const struct cemm_device *device, const char *alias)
{
    const struct cemm_meter *meter = cemm_device_meter_find(device, alias);

    return meter && meter->type ? meter->type : "";
}

/* ---- devices ---------------------------------------------------------------- */

const struct cemm_uid *cemm_device_uid(const struct cemm_device *device)
{
    return &device->uid;
}

const char *cemm_device_alias(const struct cemm_device *device, size_t index)
{
    const struct cemm_meter *meter;

    TAILQ_FOREACH (meter, &device->meters, link)
        if (meter->found && index-- == 0)
            return meter->alias;
    return NULL;
}

bool cemm_device_has(const struct cemm_device *device, const char *alias)
{
    const struct cemm_meter *meter = device ? cemm_device_meter_find(device, alias) : NULL;

    return meter && meter->found;
}

const struct cemm_outcomes *cemm_device_outcomes(const struct cemm_device *device)
{
    return &device->outcomes;
}

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
    cemm_message_drop(&source->outcomes.last_message);
    cemm_message_drop(&source->list.message);
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
    TAILQ_INIT(&source->waiting);
    TAILQ_INIT(&source->unlisted);
}

void cemm_source_free(struct cemm_source *source)
{
    clear(source);
    free(source->discovered);
    free(source->name);
    free(source);
}

bool cemm_source_admits(const struct cemm_source *source, const char *alias)
{
    const struct cemm_source_config *config = source->config;

    return config->aliases.count == 0 || cemm_strings_has(&config->aliases, alias) ||
           cemm_strings_has(&config->extra_aliases, alias);
}

bool cemm_source_admits_meter(const struct cemm_source *source, const struct cemm_uid *uid,
                              const char *alias)
{
    const struct cemm_strings *devices = &source->config->devices;

    return (devices->count == 0 || cemm_strings_has(devices, uid->text)) &&
           !cemm_source_other_shard(source, uid) && cemm_source_admits(source, alias);
}

bool cemm_source_other_shard(const struct cemm_source *source, const struct cemm_uid *uid)
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

static void refused_free(struct cemm_refused *refused)
{
    LIST_REMOVE(refused, link);
    cemm_message_drop(&refused->failure.message);
    free(refused);
}

void cemm_route_free(struct cemm_route *route)
{
    cemm_route_clear(route);
    if (route != &route->source->own)
        free(route);
}

void cemm_route_clear(struct cemm_route *route)
{
    cemm_meters_clear(&route->meters);
    cemm_meters_clear(&route->absent);
    while (!LIST_EMPTY(&route->refused))
        refused_free(LIST_FIRST(&route->refused));
    cemm_message_drop(&route->search.message);
    cemm_message_drop(&route->failure.message);
    /* Keeps what requests under way still need. */
    *route = (struct cemm_route){
        .source = route->source,
        .active = route->active,
        .expected = -1,
        .search = {.pending = route->search.pending, .result = route->search.result},
    };
}

const char *cemm_route_name(const struct cemm_route *route)
{
    if (route->device)
        return route->device->uid.text;
    return route->source->config->kind == CEMM_LOCAL ? route->source->config->address
                                                     : "the account";
}

bool cemm_route_may_log(const struct cemm_route *route)
{
    const struct cemm_source *source = route->source;

    if (route != &source->own)
        return cemm_log_has_room(source->loop);
    return !source->discovered || route->newest || cemm_log_remark_has_room(source->loop);
}

void cemm_route_failed(struct cemm_route *route, int result, const char *reason)
{
    struct cemm_source *source = route->source;
    struct cemm_loop *loop = source->loop;
    struct cemm_message message;

    route->failure.result = result;
    route->proven = false;
    source->unverified |= source->config->kind == CEMM_LOCAL && route->device;
    cemm_message_set(&message, "%s: %s: %s", source->name, cemm_route_name(route), reason);
    cemm_message_keep(&route->failure.message, message.text);
    const struct cemm_backoff backoff = {BACKOFF_FIRST_MS, loop->backoff_max};
    if (cemm_health_fail(&route->failure.health, loop->now, backoff, cemm_random()) &&
        !cemm_source_unconfirmed(source))
        cemm_route_log(route, CEMM_LOG_WARNING, "%s", message.text);
}

static void recover(struct cemm_route *route)
{
    const struct cemm_source *source = route->source;
    int64_t since = route->failure.health.down_since;

    if (cemm_health_recover(&route->failure.health) && !cemm_source_unconfirmed(source))
        cemm_route_log(route, CEMM_LOG_INFO, "%s: %s: answers again, after %lld s", source->name,
                       cemm_route_name(route), (long long)(source->loop->now - since) / 1000);
}

void cemm_route_answered(struct cemm_route *route)
{
    route->proven = true;
    recover(route);
    recover(&route->source->own); /* the account as a whole has answered, too */
}

/* ---- refusals ------------------------------------------------------------------ */

static bool is_refusal(const struct cemm_source *source, const struct cemm_last_reply *reply,
                       int result)
{
    bool polls = source->loop->backoff_max > CEMM_BACKOFF_INTERACTIVE * 1000;

    if (!polls || reply->status == 0)
        return false;
    return result == CEMM_DENIED ||
           (result < 0 && (reply->status == 429 || reply->retry_after_ms >= 0));
}

int64_t cemm_refusal_delay(const struct cemm_source *source, const struct cemm_last_reply *reply,
                           int result)
{
    int64_t delay = MIN(reply->retry_after_ms, CEMM_PAUSE_MAX);

    return delay > 0 && is_refusal(source, reply, result) ? delay / 1000 : 0;
}

static struct cemm_refused *refused_find(const struct cemm_route *route,
                                         const struct cemm_query *query)
{
    struct cemm_refused *refused;

    LIST_FOREACH (refused, &route->refused, link)
        if (cemm_query_compare(&refused->query, query) == 0)
            break;
    return refused;
}

/* Adds a refused request. If there are too many, drops the one whose pause ends first. */
static struct cemm_refused *refused_new(struct cemm_route *route, const struct cemm_query *query)
{
    struct cemm_refused *first = LIST_FIRST(&route->refused);
    struct cemm_refused *refused;
    size_t count = 0;

    LIST_FOREACH (refused, &route->refused, link) {
        count++;
        if (refused->failure.health.retry_at < first->failure.health.retry_at)
            first = refused;
    }
    if (count >= CEMM_REFUSED_MAX)
        refused_free(first);
    refused = calloc(1, sizeof(*refused));
    if (!refused)
        return NULL;
    refused->query = *query;
    LIST_INSERT_HEAD(&route->refused, refused, link);
    return refused;
}

void cemm_refusal_record(struct cemm_route *route, const struct cemm_query *query,
                         const struct cemm_last_reply *reply, int result, const char *message)
{
    const struct cemm_source *source = route->source;
    const struct cemm_backoff backoff = {BACKOFF_FIRST_MS, source->loop->backoff_max};
    struct cemm_refused *refused = refused_find(route, query);
    int64_t now = source->loop->now;

    if (reply->status == 0)
        return;
    if (!is_refusal(source, reply, result)) {
        if (refused)
            refused_free(refused);
        return;
    }
    if (!refused)
        refused = refused_new(route, query);
    if (!refused)
        return; /* no memory: the request will be sent, and refused, again */
    (void)cemm_health_fail(&refused->failure.health, now, backoff, cemm_random());
    if (reply->retry_after_ms >= 0)
        refused->failure.health.retry_at = now + MIN(reply->retry_after_ms, CEMM_PAUSE_MAX);
    refused->failure.result = result;
    refused->key_generation = reply->key_generation;
    cemm_message_keep(&refused->failure.message, message);
}

/* Reads the source's key file again, unless it was read less than `min_age` ago. Returns true if it
 * has another key, which is then used. */
static bool renew_key(struct cemm_source *source, int64_t min_age)
{
    const struct cemm_source_config *config = source->config;
    int64_t now = source->loop->now;
    struct cemm_secret fresh = {""};
    struct cemm_message message;

    if (config->kind != CEMM_CLOUD || (source->key_read && now - source->key_read < min_age))
        return false;
    source->key_read = now;
    int r = cemm_secret_load(&fresh, config->key_file, &message);
    bool other = r == 0 && strcmp(fresh.text, config->key->text) != 0;
    if (r < 0 && !source->key_lost)
        cemm_log(source->loop, CEMM_LOG_WARNING, "%s: %.160s; the old key is still used",
                 source->name, message.text);
    source->key_lost = r < 0;
    if (other) {
        *config->key = fresh;
        source->key_generation++;
        cemm_log(source->loop, CEMM_LOG_INFO, "%s: the key file has a new key, which is used now",
                 source->name);
    }
    cemm_secret_wipe(&fresh);
    return other;
}

bool cemm_refusal_of_old_key(struct cemm_source *source, const struct cemm_last_reply *reply,
                             int result)
{
    return result == CEMM_DENIED &&
           (reply->key_generation != source->key_generation || renew_key(source, 0));
}

const struct cemm_failure *cemm_route_failure(struct cemm_route *route,
                                              const struct cemm_query *query)
{
    struct cemm_source *source = route->source;
    int64_t now = source->loop->now;

    if (cemm_health_backs_off(&route->failure.health, now))
        return &route->failure;
    if (cemm_health_backs_off(&source->own.failure.health, now))
        return &source->own.failure;
    const struct cemm_refused *refused = refused_find(route, query);
    if (!refused || !cemm_health_backs_off(&refused->failure.health, now))
        return NULL;
    if (refused->failure.result == CEMM_DENIED &&
        (refused->key_generation != source->key_generation || renew_key(source, KEY_AGE_MS)))
        return NULL;
    return &refused->failure;
}
