#include "common/engine/find.h"

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/engine/request.h"
#include "common/model/names.h"
#include "common/protocol/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A caller that waits for the sources' lists of devices, and then perhaps for a device's meters. */
struct waiter {
    struct cemm_ticket ticket; /* comes first: the waiter is freed as a ticket */
    struct cemm_wanted wanted;
};

static struct cemm_find *find_of(struct cemm_registry *registry)
{
    return (struct cemm_find *)((char *)registry - offsetof(struct cemm_find, registry));
}

/* Records a search's first failure. `message` "": memory ran out, or there are too many devices. */
static void search_failed(struct cemm_search *search, const struct cemm_source *source, int result,
                          const char *message)
{
    struct cemm_message lacking;

    if (search->result)
        return;
    search->result = result;
    cemm_message_set(&lacking, "%s: out of memory, or too many devices", source->name);
    cemm_message_keep(&search->message, message[0] ? message : lacking.text);
}

/* Ends a search. Logs, once, that searches fail, and that they work again. But if a source does not
 * answer, its route logs that; if a claim (discovery.h) is not confirmed, discovery.c logs that. */
static void search_ended(struct cemm_search *search, const struct cemm_route *route)
{
    const struct cemm_source *source = route->source;
    bool unanswered = search->result == -EHOSTUNREACH || search->result == -ETIMEDOUT;

    if (search->result == 0)
        search->finished = source->loop->wall;
    if (cemm_source_unconfirmed(source) ||
        (unanswered && (route->failure.health.pause > 0 || source->own.failure.health.pause > 0)))
        return;
    if (search->result && !search->failure_logged)
        cemm_route_log(route, CEMM_LOG_WARNING, "%s", cemm_message_kept(&search->message));
    else if (!search->result && search->failure_logged)
        cemm_route_log(route, CEMM_LOG_INFO, "%s: %s works again", source->name,
                       cemm_route_name(route));
    search->failure_logged = search->result;
}

/* ---- meters of a route --------------------------------------------------------- */

static void search_route(struct cemm_route *route, int64_t max_age);

static void search_request_ended(struct cemm_route *route)
{
    struct cemm_search *search = &route->search;

    if (--search->pending > 0 || !route->device)
        return;
    if (search->device != route->device) { /* another device had this route when the search began */
        if (!TAILQ_EMPTY(&route->device->searchers))
            search_route(route, 0);
        return;
    }
    search_ended(search, route);
    cemm_device_finish_searches(route->device);
}

static void ask(struct cemm_route *route, enum cemm_endpoint endpoint, const char *alias,
                cemm_request_done *done)
{
    struct cemm_query query = {.uid = route->device->uid, .endpoint = endpoint};

    strcpy(query.alias, alias);
    if (cemm_request_start(route, &query, done, route))
        route->search.pending++;
    else
        search_failed(&route->search, route->source, -ENOMEM, "");
}

static void on_probe(void *data, const struct cemm_query *query, const struct cemm_answer *answer)
{
    struct cemm_route *route = data;
    int result = answer->result;

    if (result == 0) {
        result = cemm_route_meter_found(route, query->alias);
        if (result == 0)
            result = cemm_device_set_types(route->device, answer->document);
    } else if (result == CEMM_ABSENT) {
        if (route->absent.count == 0)
            route->absent_since = route->source->loop->wall;
        result = cemm_meters_add(&route->absent, route->device, query->alias);
    }
    if (result)
        search_failed(&route->search, route->source, result,
                      result == answer->result ? answer->message : "");
    search_request_ended(route);
}

static void probe(struct cemm_route *route, const char *alias)
{
    bool cloud = route->source->config->kind == CEMM_CLOUD;

    if (!cemm_strings_has(&route->meters, alias) && !cemm_strings_has(&route->absent, alias))
        ask(route, cloud ? CEMM_INFO : CEMM_REALTIME, alias, on_probe);
}

/* Probes the configured aliases or, if there are none, all aliases in the API's documentation. */
static void probe_all(struct cemm_route *route)
{
    const struct cemm_source_config *config = route->source->config;

    for (size_t i = 0; i < config->aliases.count; i++)
        probe(route, config->aliases.items[i]);
    if (config->aliases.count > 0)
        return;
    for (const struct cemm_alias *alias = cemm_aliases; alias->name; alias++)
        if (config->kind == CEMM_LOCAL || alias->cloud)
            probe(route, alias->name);
}

static void on_io(void *data, const struct cemm_query *query, const struct cemm_answer *answer)
{
    struct cemm_route *route = data;
    const struct cemm_document *document = answer->document;
    int result = answer->result;
    const struct cemm_source_config *config = route->source->config;
    bool same_device = route->device && route->device == route->search.device;

    (void)query;
    for (size_t i = 0; result == 0 && i < document->io_count; i++) {
        const char *alias = document->io[i].alias;
        if (alias[0] && cemm_source_admits(route->source, alias))
            result = cemm_route_meter_found(route, alias);
    }
    if (result == 0)
        result = cemm_device_set_types(route->device, document);
    if (result == 0 && cemm_source_admits(route->source, CEMM_USAGE_ALIAS))
        probe(route, CEMM_USAGE_ALIAS);
    if (result == CEMM_ABSENT)
        probe_all(route);
    else if (result)
        search_failed(&route->search, route->source, result, answer->message);
    for (size_t i = 0; same_device && i < config->extra_aliases.count; i++)
        probe(route, config->extra_aliases.items[i]);
    search_request_ended(route);
}

/* See struct cemm_registry. */
static bool confirm(struct cemm_route *route, const struct cemm_document *root)
{
    struct cemm_source *source = route->source;

    source->unverified = false;
    source->confirmed = source->loop->now;
    if (route->device && strcmp(route->device->uid.text, root->uids[0].text) == 0)
        return true;
    if (!source->discovered)
        cemm_log(source->loop, CEMM_LOG_WARNING, "%s: %s answers at %s now", source->name,
                 root->uids[0].text, source->config->address);
    if (!source->discovered ||
        cemm_discovery_confirm(&find_of(source->registry)->discovery, source, root->uids))
        (void)cemm_route_get(source, root->uids);
    return false;
}

static void search_route(struct cemm_route *route, int64_t max_age)
{
    struct cemm_search *search = &route->search;

    if (search->pending > 0 || cemm_loop_recent(route->source->loop, search->finished, max_age))
        return;
    if (!cemm_loop_recent(route->source->loop, route->absent_since, CEMM_ABSENT_AGE))
        cemm_meters_clear(&route->absent);
    search->result = 0;
    search->device = route->device;
    search->pending = 1; /* so that the search does not end before all requests have been started */
    if (route->source->config->kind == CEMM_CLOUD)
        probe_all(route);
    else
        ask(route, CEMM_IO, "", on_io);
    search_request_ended(route);
}

/* Searches for the device's meters. From now on, the waiter waits for them. */
static void search_device(struct cemm_device *device, struct waiter *waiter)
{
    struct cemm_route *route;

    TAILQ_FOREACH (route, &device->routes, link)
        search_route(route, waiter->wanted.max_age);
    cemm_ticket_move(&waiter->ticket, &device->searchers);
    cemm_device_finish_searches(device);
}

/* ---- devices of the sources --------------------------------------------------------- */

/* Whether the search asks this source for its devices or, if `wanted->query` is set, waits for the
 * source's list. */
static bool concerns(const struct cemm_wanted *wanted, const struct cemm_source *source)
{
    if (wanted->query)
        return source->list.finished == 0 && (!wanted->only || wanted->only == source) &&
               cemm_source_serves(source, wanted->query);
    return !wanted->source || strcmp(wanted->source, source->name) == 0;
}

static bool concerns_discovery(const struct cemm_find *find, const struct cemm_wanted *wanted)
{
    if (wanted->query)
        return find->registry.discovers && find->discovery.state.searched == 0 && !wanted->only &&
               cemm_endpoint_offered(wanted->query->endpoint, CEMM_LOCAL);
    return wanted->source ? strcmp(wanted->source, CEMM_DISCOVERY) == 0 : find->registry.discovers;
}

/* Whether there is nothing left to wait for. *ret_failed: the first source that failed, or NULL. */
static bool is_complete(const struct cemm_find *find, const struct cemm_wanted *wanted,
                        const struct cemm_source **ret_failed)
{
    const struct cemm_source *source;

    *ret_failed = NULL;
    if (cemm_device_reached(cemm_registry_find(&find->registry, &wanted->uid)))
        return true;
    if (find->discovery.scanning && concerns_discovery(find, wanted))
        return false;
    TAILQ_FOREACH (source, &find->registry.sources, link) {
        if (!concerns(wanted, source))
            continue;
        if (source->list.pending)
            return false;
        /* A claim that was not confirmed is not a failure. */
        if (source->list.result && !source->discovered && !*ret_failed)
            *ret_failed = source;
    }
    return true;
}

bool cemm_find_under_way(const struct cemm_find *find, const struct cemm_wanted *wanted)
{
    const struct cemm_source *failed;

    return !is_complete(find, wanted, &failed);
}

static void finish_if_complete(const struct cemm_find *find, struct waiter *waiter)
{
    const struct cemm_registry *registry = &find->registry;
    const struct cemm_uid *uid = &waiter->wanted.uid;
    const struct cemm_source *failed;
    struct cemm_message unknown;

    if (!is_complete(find, &waiter->wanted, &failed))
        return;
    struct cemm_device *device = cemm_registry_find(registry, uid);
    if (device && waiter->wanted.meters) {
        search_device(device, waiter);
    } else if (cemm_device_reached(device) || (!failed && !uid->text[0])) {
        cemm_ticket_finish(&waiter->ticket, 0, NULL, NULL);
    } else if (failed) {
        cemm_ticket_finish(&waiter->ticket, failed->list.result, NULL,
                           cemm_message_kept(&failed->list.message));
    } else if (cemm_registry_other_shard(registry, uid, &unknown)) {
        cemm_ticket_finish(&waiter->ticket, CEMM_ABSENT, NULL, unknown.text);
    } else if (device) {
        cemm_message_set(&unknown, "the device %s is not where it was, and was not found elsewhere",
                         uid->text);
        cemm_ticket_finish(&waiter->ticket, -EHOSTUNREACH, NULL, unknown.text);
    } else {
        cemm_message_set(&unknown, "no source knows the device %s", uid->text);
        cemm_ticket_finish(&waiter->ticket, CEMM_ABSENT, NULL, unknown.text);
    }
}

/* Finishes the waiters that have nothing left to wait for. */
static void finish_complete(struct cemm_registry *registry)
{
    struct cemm_find *find = find_of(registry);
    struct cemm_ticket *next;

    for (struct cemm_ticket *ticket = TAILQ_FIRST(&find->waiters); ticket; ticket = next) {
        next = TAILQ_NEXT(ticket, link);
        finish_if_complete(find, (struct waiter *)ticket);
    }
}

/* Adds a route to the device, unless it belongs to another shard, which another program reads. */
static int add_device(struct cemm_source *source, const struct cemm_uid *uid)
{
    if (cemm_source_other_shard(source, uid)) {
        struct cemm_uid *elsewhere =
            reallocarray(source->elsewhere, source->elsewhere_count + 1, sizeof(*elsewhere));
        if (!elsewhere)
            return -ENOMEM;
        source->elsewhere = elsewhere;
        elsewhere[source->elsewhere_count++] = *uid;
        return 0;
    }
    struct cemm_route *route = cemm_route_get(source, uid);
    if (!route)
        return -ENOMEM;
    route->listed = true;
    return 0;
}

/* Removes the route from its device, but does not free it, because requests may be under way. */
static void unlist(struct cemm_route *route)
{
    struct cemm_source *source = route->source;
    struct cemm_device *device = route->device;

    cemm_log_device(
        source->loop, CEMM_LOG_WARNING,
        "%s: %s is no longer in the list of devices; it is not read until it is listed again",
        source->name, device->uid.text);
    TAILQ_REMOVE(&device->routes, route, link);
    TAILQ_INSERT_HEAD(&source->unlisted, route, link);
    source->devices--;
    device->lost = !cemm_device_reached(device); /* so that the loss is not logged again */
    device->discovered = 0;                      /* devices of an account are never forgotten */
    cemm_device_finish_searches(device);
}

/* Unlists the routes whose devices are not in the account's new list, unless a document has arrived
 * through them since the previous list. If the new list is incomplete (not `whole`), all stay. */
static void unlist_others(struct cemm_source *source, bool whole)
{
    const struct cemm_registry *registry = source->registry;

    for (size_t i = 0; i < registry->device_count; i++) {
        struct cemm_route *route = cemm_route_find(registry->devices[i], source);
        if (!route)
            continue;
        bool gone = whole && !route->listed && !route->delivered;
        route->listed = route->delivered = false;
        if (gone)
            unlist(route);
    }
}

static int add_devices(struct cemm_source *source, const struct cemm_document *document)
{
    int r = 0;

    source->elsewhere_count = 0;
    if (source->discovered &&
        !cemm_discovery_confirm(&find_of(source->registry)->discovery, source, document->uids))
        return -EIO;
    for (size_t i = 0; r == 0 && i < document->uid_count; i++)
        r = add_device(source, &document->uids[i]);
    if (r == 0 && source->config->kind == CEMM_CLOUD)
        unlist_others(source, document->skipped == 0);
    return r;
}

static int add_configured(struct cemm_source *source)
{
    const struct cemm_strings *devices = &source->config->devices;
    struct cemm_uid uid;
    int r = 0;

    source->elsewhere_count = 0;
    for (size_t i = 0; r == 0 && i < devices->count; i++)
        if (cemm_uid_parse(devices->items[i], &uid))
            r = add_device(source, &uid);
    return r;
}

static void list_ended(struct cemm_source *source, int result, const char *message)
{
    source->list.pending = 0;
    source->list.result = 0;
    if (result)
        search_failed(&source->list, source, result, message);
    search_ended(&source->list, &source->own);
    finish_complete(source->registry);
}

static void on_devices(void *data, const struct cemm_query *query, const struct cemm_answer *answer)
{
    struct cemm_source *source = data;
    int result = answer->result == CEMM_ABSENT ? -EIO : answer->result;

    (void)query;
    if (result == 0)
        result = add_devices(source, answer->document);
    if (result == 0) {
        source->unverified = false;
        source->confirmed = source->loop->now;
    } else if (source->discovered && answer->message[0]) {
        cemm_discovery_failed(source, answer->message);
    }
    list_ended(source, result, answer->message);
}

void cemm_find_source(struct cemm_source *source, int64_t max_age)
{
    bool cloud = source->config->kind == CEMM_CLOUD;
    const struct cemm_query query = {.endpoint = cloud ? CEMM_DEVICES : CEMM_ROOT};

    if (source->list.pending || cemm_loop_recent(source->loop, source->list.finished, max_age))
        return;
    source->list.pending = 1;
    if (source->config->devices.count > 0)
        list_ended(source, add_configured(source), "");
    else if (!cemm_request_start(&source->own, &query, on_devices, source))
        list_ended(source, -ENOMEM, "");
}

int cemm_find_start(struct cemm_find *find, const struct cemm_wanted *wanted, cemm_answer_fn *done,
                    void *data, struct cemm_ticket **ret_ticket)
{
    struct cemm_registry *registry = &find->registry;
    bool asks = !wanted->query && !cemm_device_reached(cemm_registry_find(registry, &wanted->uid));
    struct cemm_source *source;

    if (registry->loop->ending)
        return -ECANCELED;
    struct waiter *waiter =
        cemm_ticket_new(registry->loop, &find->waiters, sizeof(*waiter), done, data);
    if (!waiter)
        return -ENOMEM;
    waiter->wanted = *wanted;
    TAILQ_FOREACH (source, &registry->sources, link)
        if (asks && concerns(wanted, source) &&
            !(source->discovered && source->discovered->refused))
            cemm_find_source(source, wanted->max_age);
    if (asks && concerns_discovery(find, wanted))
        cemm_discovery_scan(&find->discovery, wanted->max_age);
    if (waiter->ticket.list == &find->waiters) /* list_ended() has not handled it */
        finish_if_complete(find, waiter);
    if (ret_ticket)
        *ret_ticket = &waiter->ticket;
    return 0;
}

/* ---- life --------------------------------------------------------------------------- */

void cemm_find_init(struct cemm_find *find, struct cemm_loop *loop, struct cemm_store *store,
                    const struct cemm_config *config)
{
    find->registry = (struct cemm_registry){
        .loop = loop,
        .store = store,
        .discovers = cemm_config_discovers(config),
        .confirm = confirm,
        .ask_root = cemm_find_source,
        .scanned = finish_complete,
    };
    TAILQ_INIT(&find->registry.sources);
    cemm_discovery_init(&find->discovery, &find->registry, config);
    TAILQ_INIT(&find->waiters);
}
