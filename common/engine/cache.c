#include "common/engine/cache.h"

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/engine/reply.h"
#include "common/engine/request.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* If no source is known to reach a device, lists of devices older than this are requested again. */
#define UNKNOWN_AGE_MS (60 * 1000)

/* The failure of a period is not logged if another period of the meter failed within this time. */
#define LOG_AGE_MS (60 * 60 * 1000)

/* One document: cached, being fetched, or neither. */
struct cemm_entry {
    struct cemm_cache *cache;
    struct cemm_query query;
    const struct cemm_source *only; /* only this source is asked; NULL: all are */
    struct cemm_document *document;
    /* An answer without a sample for a closed period; other sources may have samples. */
    struct cemm_document *empty;
    struct cemm_ticket_list waiters;
    struct cemm_request *request; /* the request that is under way */
    struct cemm_ticket *search;   /* waits for sources to list their devices */
    enum cemm_purpose purpose;    /* why the document is requested */

    /* About the current fetch: */
    bool awaited;                 /* it has waited for sources that had not listed their devices */
    int result;                   /* the first failure; CEMM_ABSENT is not a failure */
    struct cemm_message *message; /* about `result`, else about the first CEMM_ABSENT, or NULL */
    struct cemm_route *tried[CEMM_ROUTES_MAX];
    size_t tried_count;
    TAILQ_ENTRY(cemm_entry) link;

    /* What was logged; used only in the entry that log_entry() returns: */
    bool logged;                      /* a failure was logged */
    struct cemm_period logged_period; /* the period that failed; its success will be logged */
    int64_t failed;                   /* when a period of the meter last failed (monotonic) */
};

static int compare(const void *left, const void *right)
{
    const struct cemm_entry *a = left;
    const struct cemm_entry *b = right;

    if (a->only != b->only)
        return a->only < b->only ? -1 : 1;
    return cemm_query_compare(&a->query, &b->query);
}

static struct cemm_entry *entry_find(const struct cemm_cache *cache, const struct cemm_source *only,
                                     const struct cemm_query *query)
{
    struct cemm_entry key = {.query = *query, .only = only};
    struct cemm_entry **found = tfind(&key, &cache->entries, compare);

    return found ? *found : NULL;
}

/* The device of an entry; NULL: it is not known. */
static struct cemm_device *device_of(const struct cemm_entry *entry)
{
    return cemm_registry_find(&entry->cache->find->registry, &entry->query.uid);
}

static void drop_document(struct cemm_entry *entry)
{
    if (!entry->document)
        return;
    entry->cache->bytes -= cemm_document_size(entry->document);
    cemm_document_unref(entry->document);
    entry->document = NULL;
}

/* Sets the entry's document. Takes over the reference. */
static void set_document(struct cemm_entry *entry, struct cemm_document *document)
{
    struct cemm_device *device = device_of(entry);

    drop_document(entry);
    if (device)
        (void)cemm_device_set_types(device, document);
    if (device)
        strcpy(document->type, cemm_device_type(device, entry->query.alias));
    entry->document = document;
    entry->cache->bytes += cemm_document_size(document);
}

static void entry_free(struct cemm_entry *entry)
{
    drop_document(entry);
    cemm_document_unref(entry->empty);
    cemm_message_drop(&entry->message);
    TAILQ_REMOVE(&entry->cache->used, entry, link);
    tdelete(entry, &entry->cache->entries, compare);
    free(entry);
}

static bool idle(const struct cemm_entry *entry)
{
    return !entry->request && !entry->search && TAILQ_EMPTY(&entry->waiters);
}

/* If the cache is full, drops the least recently used documents, but not that of `keep` or any
 * that is being fetched. Frees their entries, too, unless an entry records what was logged. */
static void make_room(const struct cemm_entry *keep)
{
    struct cemm_cache *cache = keep->cache;
    struct cemm_entry *next;

    for (struct cemm_entry *entry = TAILQ_FIRST(&cache->used);
         entry && cache->bytes > CEMM_CACHE_MAX; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if (entry == keep || !idle(entry))
            continue;
        drop_document(entry);
        if (!entry->logged)
            entry_free(entry);
    }
}

static struct cemm_entry *entry_get(struct cemm_cache *cache, const struct cemm_source *only,
                                    const struct cemm_query *query)
{
    const struct cemm_entry key = {.cache = cache, .query = *query, .only = only};
    bool new;
    struct cemm_entry *entry = cemm_tree_get(&cache->entries, &key, sizeof(key), compare, &new);

    if (!entry)
        return NULL;
    if (new)
        TAILQ_INIT(&entry->waiters);
    else
        TAILQ_REMOVE(&cache->used, entry, link);
    TAILQ_INSERT_TAIL(&cache->used, entry, link);
    return entry;
}

void cemm_cache_clear(struct cemm_cache *cache)
{
    struct cemm_entry *entry;

    while ((entry = TAILQ_FIRST(&cache->used))) {
        cemm_tickets_finish(&entry->waiters, -ECANCELED, NULL, NULL);
        if (entry->search)
            entry->search->done = NULL; /* the completion would use the entry */
        entry_free(entry);
    }
}

/* ---- how a fetch ends -------------------------------------------------------- */

/* Updates device->lost. Returns whether it was set before (so the loss was logged) and still is. */
static bool known_lost(struct cemm_device *device)
{
    bool before = device && device->lost;

    if (device)
        device->lost = !cemm_device_reached(device);
    return before && device->lost;
}

/* The entry that records what was logged: `entry` itself, or the one that all periods of the meter
 * share, so that a thousand failed days are logged once. No caller can request the shared entry,
 * because it has no period. `make`: creates it if needed. NULL: there is none, or no memory. */
static struct cemm_entry *log_entry(struct cemm_entry *entry, bool make)
{
    struct cemm_query query = entry->query;

    if (!cemm_query_has_period(&query))
        return entry;
    query.period = (struct cemm_period){0};
    return make ? entry_get(entry->cache, entry->only, &query)
                : entry_find(entry->cache, entry->only, &query);
}

static bool was_logged(const struct cemm_entry *log, const struct cemm_entry *entry)
{
    return log->logged && log->logged_period.span == entry->query.period.span &&
           cemm_period_compare(&log->logged_period, &entry->query.period) == 0;
}

static void log_failure(struct cemm_entry *entry, const char *message)
{
    struct cemm_entry *log = log_entry(entry, true);
    struct cemm_loop *loop = entry->cache->loop;

    if (!log)
        return;
    bool again = was_logged(log, entry) || (log->logged && loop->now - log->failed < LOG_AGE_MS);
    log->failed = loop->now;
    if (again)
        return;
    cemm_log_device(loop, CEMM_LOG_WARNING, "%s", message);
    log->logged = true;
    log->logged_period = entry->query.period;
}

static void log_success(struct cemm_entry *entry)
{
    struct cemm_entry *log = log_entry(entry, false);

    if (!log || !was_logged(log, entry))
        return;
    log->logged = false;
    cemm_log_device(entry->cache->loop, CEMM_LOG_INFO, "%s %s works again", entry->query.uid.text,
                    entry->query.alias);
    if (log != entry)
        entry_free(log);
}

/* Whether a source that reaches the device (or any source, if none does) is not answering. */
static bool unanswered(const struct cemm_registry *registry, const struct cemm_device *device)
{
    const struct cemm_source *source;

    TAILQ_FOREACH (source, &registry->sources, link) {
        const struct cemm_route *route = cemm_route_find(device, source);
        if (!route && cemm_device_reached(device))
            continue;
        if (source->own.failure.health.pause > 0 || (route && route->failure.health.pause > 0))
            return true;
    }
    return false;
}

/* Logs, once, that answers can't be used or (-ENODATA) that an answer to REALTIME has no sample. If
 * a source does not answer, its route logs that. */
static void log_result(struct cemm_entry *entry, int result, const char *message)
{
    const struct cemm_registry *registry = &entry->cache->find->registry;
    struct cemm_device *device = device_of(entry);

    if (result == 0)
        log_success(entry);
    else if (result != CEMM_ABSENT &&
             (result == -ENODATA || (!unanswered(registry, device) && !known_lost(device))))
        log_failure(entry, message);
}

/* If a closed period has no sample, records which sources were asked: the deps (registry.h). If
 * memory runs out, records nothing, so the answer will not be used again. */
static void record_deps(const struct cemm_entry *entry, struct cemm_document *document)
{
    const struct cemm_registry *registry = &entry->cache->find->registry;

    if (!document->closed || document->newest != 0 || document->deps)
        return;
    char *deps = cemm_deps_new(registry);
    int r = deps ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < entry->tried_count; i++)
        r = cemm_deps_add(&deps, '+', entry->tried[i]->source->name);
    if (r == 0)
        r = cemm_deps_complete(&deps, registry, &entry->query.uid);
    if (r == 0)
        document->deps = deps;
    else
        free(deps);
}

/* Whether the answer may be archived: always, unless the caller chose the source (`only`); then
 * only if no other source reaches the device, and the archive has no answer yet. */
static bool may_be_archived(const struct cemm_entry *entry)
{
    const struct cemm_device *device = device_of(entry);
    bool alone = cemm_device_reached(device) && !TAILQ_NEXT(TAILQ_FIRST(&device->routes), link);

    return !entry->only || (alone && !cemm_store_has(entry->cache->store, &entry->query));
}

/* Ends a fetch: all waiters get the result. Takes over the reference to `document`. */
static void finish(struct cemm_entry *entry, int result, struct cemm_document *document)
{
    if (document) {
        set_document(entry, document);
        record_deps(entry, document);
        if (may_be_archived(entry))
            cemm_store_write(entry->cache->store, document);
    }
    cemm_tickets_finish(&entry->waiters, result, document, cemm_message_kept(&entry->message));
    cemm_message_drop(&entry->message);
    cemm_document_unref(entry->empty);
    entry->empty = NULL;
    if (entry->purpose == CEMM_ONCE)
        drop_document(entry);
    if (!entry->document && !entry->logged)
        entry_free(entry);
    else
        make_room(entry);
}

/* Ends a fetch when no route gave a document with a sample. Logs a failure even if the archive has
 * a document, perhaps an incomplete one, which is then used. */
static void give_up(struct cemm_entry *entry)
{
    struct cemm_message name, message;
    bool empty = entry->empty && !entry->result;
    struct cemm_document *document = NULL;
    int result = entry->result ? entry->result : CEMM_ABSENT;

    if (!entry->result && !entry->message) {
        cemm_reply_name(&entry->query, &name);
        cemm_message_set(&message, "no source has this document: %s", name.text);
        cemm_message_keep(&entry->message, message.text);
    }
    log_result(entry, empty ? 0 : result, cemm_message_kept(&entry->message));
    if (empty)
        document = cemm_document_ref(entry->empty);
    else if (!entry->only)
        document = cemm_store_read(entry->cache->store, CEMM_ARCHIVE_ANSWER, &entry->query);
    finish(entry, document ? 0 : result, document);
}

/* ---- route after route --------------------------------------------------------- */

static void try_next(struct cemm_entry *entry);

/* Records that a route has failed, or does not have the document. */
static void record_failure(struct cemm_entry *entry, int result, const char *message)
{
    if (!entry->message || (result != CEMM_ABSENT && !entry->result))
        cemm_message_keep(&entry->message, message);
    if (result != CEMM_ABSENT && !entry->result)
        entry->result = result;
}

/* Whether `document` is for a closed period and has no sample, but other sources may have some. */
static bool others_may_have_more(const struct cemm_entry *entry,
                                 const struct cemm_document *document)
{
    return !entry->only && document->query.endpoint == CEMM_DATA && document->closed &&
           document->newest == 0;
}

static void on_reply(void *data, const struct cemm_query *query, const struct cemm_answer *answer)
{
    struct cemm_entry *entry = data;
    struct cemm_document *document = answer->document;

    (void)query;
    entry->request = NULL;
    if (document && !others_may_have_more(entry, document)) {
        struct cemm_message reason;
        bool empty = cemm_reply_is_empty(document, &reason);
        log_result(entry, empty ? -ENODATA : 0, reason.text);
        finish(entry, 0, cemm_document_ref(document));
        return;
    }
    if (document) {
        cemm_document_unref(entry->empty);
        entry->empty = cemm_document_ref(document);
    } else {
        record_failure(entry, answer->result, answer->message);
    }
    try_next(entry);
}

static bool was_tried(const struct cemm_entry *entry, const struct cemm_route *route)
{
    for (size_t i = 0; i < entry->tried_count; i++)
        if (entry->tried[i] == route)
            return true;
    return false;
}

/* The next route to try. Searches from the first route, because routes may come and go. */
static struct cemm_route *next_route(const struct cemm_entry *entry)
{
    const struct cemm_device *device = device_of(entry);
    struct cemm_route *route;

    if (!device || entry->tried_count >= CEMM_ROUTES_MAX)
        return NULL;
    TAILQ_FOREACH (route, &device->routes, link)
        if (!was_tried(entry, route) && (!entry->only || entry->only == route->source) &&
            cemm_source_serves(route->source, &entry->query))
            break;
    return route;
}

/* Continues a fetch after its search for the device, or after its wait in try_next(). */
static void on_sources(void *data, const struct cemm_answer *answer)
{
    struct cemm_entry *entry = data;

    entry->search = NULL;
    /* A route may be known now even if the wait failed. */
    if (answer->result == 0 || entry->awaited) {
        try_next(entry);
        return;
    }
    record_failure(entry, answer->result, answer->message);
    give_up(entry);
}

static void try_next(struct cemm_entry *entry)
{
    struct cemm_route *route;

    while ((route = next_route(entry))) {
        entry->tried[entry->tried_count++] = route;
        entry->request = cemm_request_start(route, &entry->query, on_reply, entry);
        if (entry->request) {
            cemm_request_rank(entry->request, entry->purpose == CEMM_BACKGROUND);
            return;
        }
        record_failure(entry, -ENOMEM, "out of memory");
    }
    /* Waits, once per fetch, for sources that have not listed their devices yet. */
    const struct cemm_wanted wanted = {.query = &entry->query, .only = entry->only};
    bool awaited = entry->awaited;
    entry->awaited = true;
    if (awaited || !cemm_find_under_way(entry->cache->find, &wanted) ||
        cemm_find_start(entry->cache->find, &wanted, on_sources, entry, &entry->search) < 0)
        give_up(entry);
}

/* ---- asking -------------------------------------------------------------------- */

/* Asks configured LAN addresses whose devices are unknown: the wanted device may be there. */
static void ask_unknown_addresses(struct cemm_registry *registry)
{
    struct cemm_source *source;

    TAILQ_FOREACH (source, &registry->sources, link)
        if (source->config->kind == CEMM_LOCAL && !source->discovered && !source->own.device &&
            !cemm_health_backs_off(&source->own.failure.health, registry->loop->now))
            cemm_find_source(source, INT64_MAX);
}

static void fetch(struct cemm_entry *entry)
{
    struct cemm_find *find = entry->cache->find;
    const struct cemm_query *query = &entry->query;
    const struct cemm_wanted wanted = {.uid = query->uid, .max_age = UNKNOWN_AGE_MS};

    entry->tried_count = 0;
    entry->awaited = false;
    entry->result = 0;
    if (query->alias[0] && !cemm_registry_allows(&find->registry, &query->uid, query->alias)) {
        give_up(entry);
        return;
    }
    ask_unknown_addresses(&find->registry);
    if (cemm_device_reached(device_of(entry))) {
        try_next(entry);
    } else if (cemm_find_start(find, &wanted, on_sources, entry, &entry->search) < 0) {
        record_failure(entry, -ENOMEM, "out of memory");
        give_up(entry);
    }
}

/* Whether an answer without a sample for a closed period is still valid: it is at most a day old,
 * and its deps (registry.h) are valid. With `only`, no other source matters. */
static bool empty_is_valid(const struct cemm_entry *entry, const struct cemm_document *document)
{
    const struct cemm_query *query = &entry->query;

    return cemm_loop_recent(entry->cache->loop, document->fetched, CEMM_EMPTY_AGE) &&
           (entry->only ||
            (document->deps && cemm_deps_valid(document->deps, &entry->cache->find->registry,
                                               &query->uid, query->alias)));
}

static bool fresh(const struct cemm_entry *entry, int64_t max_age)
{
    const struct cemm_cache *cache = entry->cache;
    const struct cemm_document *document = entry->document;

    if (!document)
        return false;
    if (document->closed && document->newest == 0)
        return empty_is_valid(entry, document);
    if (document->closed) /* if its file in the archive was deleted, it is fetched again */
        return !document->archived || cemm_store_has(cache->store, &entry->query);
    return max_age > 0 && cemm_loop_recent(cache->loop, document->fetched, max_age);
}

/* The archive's answer, if it is complete and still valid; else NULL. */
static struct cemm_document *read_archive(const struct cemm_entry *entry)
{
    struct cemm_store *store = entry->cache->store;
    struct cemm_document *document = cemm_store_read(store, CEMM_ARCHIVE_ANSWER, &entry->query);

    if (document && document->closed)
        return document;
    cemm_document_unref(document);
    document = cemm_store_read(store, CEMM_ARCHIVE_EMPTY, &entry->query);
    if (document && document->closed && empty_is_valid(entry, document))
        return document;
    cemm_document_unref(document);
    return NULL;
}

int cemm_cache_get(struct cemm_cache *cache, const struct cemm_source *only,
                   const struct cemm_query *query, int64_t max_age, enum cemm_purpose purpose,
                   cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    bool about_device = query->endpoint == CEMM_IO || query->endpoint == CEMM_ROOT;

    if ((query->alias[0] ? !cemm_name_valid(query->alias) : !about_device) ||
        (cemm_query_has_period(query) && query->period.day < 1))
        return -EINVAL;
    if (cache->loop->ending)
        return -ECANCELED;
    struct cemm_entry *entry = entry_get(cache, only, query);
    if (!entry)
        return -ENOMEM;
    /* A document that was cached for another purpose stays cached after a sweep (CEMM_ONCE). */
    if (idle(entry) && !(purpose == CEMM_ONCE && entry->document))
        entry->purpose = purpose;
    else if (entry->purpose != purpose)
        entry->purpose = CEMM_WAITED_FOR; /* two purposes: it is cached, and takes precedence */
    if (entry->request) /* a background request takes precedence once somebody waits for it */
        cemm_request_rank(entry->request, entry->purpose == CEMM_BACKGROUND);
    struct cemm_ticket *ticket =
        cemm_ticket_new(cache->loop, &entry->waiters, sizeof(struct cemm_ticket), done, data);
    if (!ticket)
        return -ENOMEM;
    bool at_hand = fresh(entry, max_age);
    struct cemm_document *archived = at_hand || entry->request || only ? NULL : read_archive(entry);
    if (archived)
        set_document(entry, archived);
    if (at_hand || archived)
        cemm_ticket_finish(ticket, 0, entry->document, NULL);
    else if (!entry->request && !entry->search)
        fetch(entry);
    if (archived)
        make_room(entry);
    if (ret_ticket)
        *ret_ticket = ticket;
    return 0;
}

bool cemm_cache_under_way(const struct cemm_cache *cache, const struct cemm_query *query)
{
    const struct cemm_entry *entry = entry_find(cache, NULL, query);

    return entry && !idle(entry);
}

struct cemm_document *cemm_cache_peek(const struct cemm_cache *cache,
                                      const struct cemm_query *query, int64_t max_age)
{
    const struct cemm_entry *entry = entry_find(cache, NULL, query);

    return entry && fresh(entry, max_age) ? cemm_document_ref(entry->document) : NULL;
}
