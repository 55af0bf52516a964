/*
 * Documents: at hand, or on their way once however many want them. Tries the
 * device's routes in order, LAN before cloud, and believes that something is
 * absent only when every source that has the endpoint says so (spec §1).
 */
#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/engine/context.h"
#include "common/engine/request.h"
#include "common/protocol/url.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* A device that no source knew is asked for again after this long. */
#define UNKNOWN_AGE_MS (60 * 1000)

static int compare(const void *left, const void *right)
{
    const struct cemm_entry *a = left;
    const struct cemm_entry *b = right;

    return cemm_query_compare(&a->query, &b->query);
}

static struct cemm_entry *entry_find(struct cemm *cemm, const struct cemm_query *query)
{
    struct cemm_entry key = {.query = *query};
    struct cemm_entry **found = tfind(&key, &cemm->entries, compare);

    return found ? *found : NULL;
}

static void drop_document(struct cemm *cemm, struct cemm_entry *entry)
{
    if (!entry->document)
        return;
    cemm->cached -= cemm_document_size(entry->document);
    cemm_document_unref(entry->document);
    entry->document = NULL;
}

static void entry_free(struct cemm *cemm, struct cemm_entry *entry)
{
    drop_document(cemm, entry);
    cemm_words_drop(&entry->words);
    TAILQ_REMOVE(&cemm->used, entry, link);
    tdelete(entry, &cemm->entries, compare);
    free(entry);
}

static bool idle(const struct cemm_entry *entry)
{
    return !entry->request && !entry->finder && TAILQ_EMPTY(&entry->waiters);
}

/* Forgets what has not been used for longest, but nothing that somebody waits for. */
static void make_room(struct cemm *cemm, const struct cemm_entry *keep)
{
    struct cemm_entry *next;

    for (struct cemm_entry *entry = TAILQ_FIRST(&cemm->used);
         entry && cemm->cached > CEMM_CACHE_MAX; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if (entry != keep && idle(entry))
            entry_free(cemm, entry);
    }
}

static struct cemm_entry *entry_get(struct cemm *cemm, const struct cemm_query *query)
{
    struct cemm_entry *entry = entry_find(cemm, query);

    if (entry) {
        TAILQ_REMOVE(&cemm->used, entry, link);
        TAILQ_INSERT_TAIL(&cemm->used, entry, link);
        return entry;
    }
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    entry->query = *query;
    TAILQ_INIT(&entry->waiters);
    if (!tsearch(entry, &cemm->entries, compare)) {
        free(entry);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&cemm->used, entry, link);
    return entry;
}

void cemm_cache_free(struct cemm *cemm)
{
    struct cemm_words words = {.text = "cancelled"};
    struct cemm_entry *entry;

    while ((entry = TAILQ_FIRST(&cemm->used))) {
        cemm_tickets_finish(&entry->waiters, -ECANCELED, NULL, &words);
        if (entry->finder)
            cemm_ticket_drop(entry->finder);
        entry_free(cemm, entry);
    }
}

/* ---- one flight ---------------------------------------------------------------- */

static void try_next(struct cemm *cemm, struct cemm_entry *entry);

/* Rows outside the period that was asked for: our zone is not the meter's. Said once. */
static void check_zone(struct cemm *cemm, const struct cemm_document *document)
{
    const struct cemm_query *query = &document->query;

    if (query->endpoint != CEMM_DATA || cemm->zone_warned)
        return;
    int64_t start = cemm_period_start(cemm_zone(cemm), &query->period) * 1000;
    int64_t end = cemm_period_end(cemm_zone(cemm), &query->period) * 1000;
    for (size_t i = 0; i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        if (series->count == 0 ||
            (series->samples[0].time >= start && series->samples[series->count - 1].time < end))
            continue;
        cemm->zone_warned = true;
        cemm_log(&cemm->loop, CEMM_LOG_WARNING,
                 "%s: %s %s has rows outside the period that was asked for; the time zone is "
                 "probably not the meter's (set time-zone)",
                 cemm_document_source(document), query->uid.text, query->alias);
        return;
    }
}

/* Whether a source that may have it does not answer, and that was said. */
static bool troubled(struct cemm *cemm, const struct cemm_entry *entry)
{
    const struct cemm_device *device = cemm_registry_find(&cemm->find.registry, &entry->query.uid);
    bool reached = device && device->route_count > 0;

    for (size_t i = 0; reached && i < device->route_count; i++)
        if (device->routes[i]->health.pause > 0 || device->routes[i]->source->own.health.pause > 0)
            return true;
    for (size_t i = 0; !reached && i < cemm->find.registry.source_count; i++)
        if (cemm->find.registry.sources[i]->own.health.pause > 0)
            return true;
    return false;
}

/* Whether it was said before that nobody knows where the device is. */
static bool known_lost(struct cemm *cemm, const struct cemm_entry *entry)
{
    struct cemm_device *device = cemm_registry_find(&cemm->find.registry, &entry->query.uid);
    bool before = device && device->lost;

    if (device)
        device->lost = device->route_count == 0;
    return before && device->lost;
}

/* A source that does not answer is logged by its route; here, once, answers that are no use. */
static void complain(struct cemm *cemm, struct cemm_entry *entry, int result,
                     const struct cemm_words *words)
{
    bool fault = result == CEMM_DENIED || (result < 0 && result != -ECANCELED);

    if (fault && !entry->complained && !troubled(cemm, entry) && !known_lost(cemm, entry)) {
        entry->complained = true;
        cemm_log(&cemm->loop, CEMM_LOG_WARNING, "%s", words->text);
    } else if (result == 0 && entry->complained) {
        entry->complained = false;
        cemm_log(&cemm->loop, CEMM_LOG_INFO, "%s %s: all right again", entry->query.uid.text,
                 entry->query.alias);
    }
}

/* Takes over the reference. */
static void set_document(struct cemm *cemm, struct cemm_entry *entry,
                         struct cemm_document *document)
{
    drop_document(cemm, entry);
    entry->document = document;
    cemm->cached += cemm_document_size(document);
}

static void land(struct cemm *cemm, struct cemm_entry *entry, int result,
                 struct cemm_document *document, const struct cemm_words *words)
{
    complain(cemm, entry, result, words);
    if (document) {
        set_document(cemm, entry, document);
        check_zone(cemm, document);
        cemm_store_write(&cemm->store, document);
    }
    cemm_tickets_finish(&entry->waiters, result, document, words);
    if (entry->once)
        drop_document(cemm, entry);
    if (!entry->document && !entry->complained)
        entry_free(cemm, entry); /* nothing to remember */
    else
        make_room(cemm, entry);
}

/* One route has failed, or said that there is no such thing. */
static void take_failure(struct cemm_entry *entry, int result, const struct cemm_words *words)
{
    if (!entry->words || (result != CEMM_ABSENT && !entry->result))
        cemm_words_keep(&entry->words, words);
    if (result == CEMM_ABSENT)
        entry->absent = true;
    else if (!entry->result)
        entry->result = result;
}

static void take_answer(void *data, const struct cemm_query *query, int result,
                        struct cemm_document *document, const struct cemm_words *words)
{
    struct cemm *cemm = data;
    struct cemm_entry *entry = entry_find(cemm, query);

    entry->request = NULL;
    if (result == 0) {
        cemm_words_drop(&entry->words);
        land(cemm, entry, 0, document, NULL);
        return;
    }
    if (result == -EAGAIN)
        entry->tried_count--; /* the same route, but its root first */
    else
        take_failure(entry, result, words);
    try_next(cemm, entry);
}

static void give_up(struct cemm *cemm, struct cemm_entry *entry)
{
    struct cemm_words words = *cemm_words_kept(&entry->words);

    if (!entry->result && !entry->absent)
        cemm_words_set(&words, "no source has this for %s %s", entry->query.uid.text,
                       entry->query.alias);
    cemm_words_drop(&entry->words);
    land(cemm, entry, entry->result ? entry->result : CEMM_ABSENT, NULL, &words);
}

static bool was_tried(const struct cemm_entry *entry, const struct cemm_route *route)
{
    for (size_t i = 0; i < entry->tried_count; i++)
        if (entry->tried[i] == route)
            return true;
    return false;
}

/* The next route to try; remembered by itself, not by its place: routes come and go meanwhile. */
static struct cemm_route *next_route(struct cemm *cemm, const struct cemm_entry *entry)
{
    const struct cemm_query *query = &entry->query;
    const struct cemm_device *device = cemm_registry_find(&cemm->find.registry, &query->uid);

    for (size_t i = 0; device && i < device->route_count; i++) {
        struct cemm_route *route = device->routes[i];
        if (!was_tried(entry, route) && entry->tried_count < CEMM_ROUTES_MAX &&
            cemm_source_serves(route->source, query))
            return route;
    }
    return NULL;
}

/* A LAN device that had failed has said who it is: after a change of addresses, another one may
 * answer there. */
static void take_root(void *data, const struct cemm_query *query, int result,
                      struct cemm_document *document, const struct cemm_words *words)
{
    struct cemm_entry *entry = data;
    struct cemm_route *route = entry->tried[entry->tried_count - 1];
    struct cemm *cemm = cemm_of(route->source->loop);
    struct cemm_words gone;

    (void)query;
    entry->request = NULL;
    if (result == 0 && cemm_find_confirm(route, document)) {
        entry->tried_count--; /* now for what was wanted */
    } else if (result == 0) {
        cemm_words_set(&gone, "%s: another device answers at %s's address now", route->source->name,
                       entry->query.uid.text);
        take_failure(entry, -EHOSTUNREACH, &gone);
    } else {
        take_failure(entry, result, words);
    }
    cemm_document_unref(document);
    try_next(cemm, entry);
}

static void try_next(struct cemm *cemm, struct cemm_entry *entry)
{
    struct cemm_query root = {.uid = entry->query.uid, .endpoint = CEMM_ROOT};
    struct cemm_route *route;

    while ((route = next_route(cemm, entry))) {
        entry->tried[entry->tried_count++] = route;
        entry->request = route->source->suspect
                             ? cemm_request_start(route, &root, take_root, entry)
                             : cemm_request_start(route, &entry->query, take_answer, cemm);
        if (entry->request) {
            cemm_request_rank(entry->request, entry->later);
            return;
        }
        entry->result = -ENOMEM;
    }
    give_up(cemm, entry);
}

static void take_device(void *data, const struct cemm_answer *answer)
{
    struct cemm_entry *entry = data;
    struct cemm *cemm = cemm_of(entry->finder->loop);
    struct cemm_words words;

    entry->finder = NULL;
    if (answer->result == 0) {
        try_next(cemm, entry);
        return;
    }
    cemm_words_set(&words, "%s", answer->words);
    take_failure(entry, answer->result, &words);
    give_up(cemm, entry);
}

/* A LAN address whose device is not known yet may be this one's, for the next time. */
static void greet_strangers(struct cemm *cemm)
{
    for (size_t i = 0; i < cemm->find.registry.source_count; i++) {
        struct cemm_source *source = cemm->find.registry.sources[i];
        if (source->config->kind == CEMM_LOCAL && !source->discovered && !source->own.device &&
            !cemm_health_rests(&source->own.health, cemm->loop.now))
            cemm_find_source(source, INT64_MAX);
    }
}

static int take_off(struct cemm *cemm, struct cemm_entry *entry)
{
    entry->tried_count = 0;
    entry->absent = false;
    entry->result = 0;
    cemm_words_drop(&entry->words);
    if (entry->query.alias[0] &&
        !cemm_registry_allows(&cemm->find.registry, &entry->query.uid, entry->query.alias)) {
        give_up(cemm, entry);
        return 0;
    }
    greet_strangers(cemm);
    const struct cemm_device *device = cemm_registry_find(&cemm->find.registry, &entry->query.uid);
    if (!device || device->route_count == 0)
        return cemm_find_devices(&cemm->find, NULL, &entry->query.uid, UNKNOWN_AGE_MS, take_device,
                                 entry, &entry->finder);
    try_next(cemm, entry);
    return 0;
}

/* ---- the façade ------------------------------------------------------------------- */

static bool fresh(const struct cemm *cemm, const struct cemm_entry *entry, int64_t max_age_ms)
{
    if (!entry->document)
        return false;
    if (cemm_store_closed(&cemm->store, entry->document))
        return cemm_store_fresh(&cemm->store, entry->document);
    if (max_age_ms <= 0)
        return false;
    int64_t age = cemm->loop.wall - entry->document->fetched;
    return age >= 0 && age <= max_age_ms;
}

/* It goes before others as soon as one who waits for it would. */
static void rank(struct cemm_entry *entry, bool later)
{
    entry->later = later && (entry->later || idle(entry));
    if (entry->request)
        cemm_request_rank(entry->request, entry->later);
}

/* Why something is asked for: somebody waits for it, nobody does, or a sweep reads it once. */
enum purpose { WAITED_FOR, LATER, ONCE };

static int get(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
               enum purpose purpose, cemm_answer_fn *done, void *data,
               struct cemm_ticket **ret_ticket)
{
    bool whole = query->endpoint == CEMM_IO || query->endpoint == CEMM_ROOT;

    if (query->alias[0] ? !cemm_name_valid(query->alias) : !whole)
        return -EINVAL;
    if (cemm->loop.ending)
        return -ECANCELED;
    struct cemm_entry *entry = entry_get(cemm, query);
    if (!entry)
        return -ENOMEM;
    bool alone = idle(entry);
    rank(entry, purpose == LATER);
    struct cemm_ticket *ticket = cemm_ticket_new(&cemm->loop, &entry->waiters, done, data);
    if (!ticket)
        return -ENOMEM;
    entry->once = purpose == ONCE && (entry->once || (alone && !entry->document));
    bool at_hand = fresh(cemm, entry, max_age_ms);
    struct cemm_document *kept =
        at_hand || entry->request ? NULL : cemm_store_read(&cemm->store, query);
    if (kept)
        set_document(cemm, entry, kept);
    if (at_hand || kept)
        cemm_ticket_finish(ticket, 0, entry->document, NULL);
    else if (!entry->request && !entry->finder && take_off(cemm, entry) < 0)
        cemm_ticket_finish(ticket, -ENOMEM, NULL, &(struct cemm_words){.text = "out of memory"});
    if (kept)
        make_room(cemm, entry);
    if (ret_ticket)
        *ret_ticket = ticket;
    return 0;
}

int cemm_get(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
             cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    return get(cemm, query, max_age_ms, WAITED_FOR, done, data, ret_ticket);
}

int cemm_get_later(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
                   cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    return get(cemm, query, max_age_ms, LATER, done, data, ret_ticket);
}

int cemm_get_once(struct cemm *cemm, const struct cemm_query *query, cemm_answer_fn *done,
                  void *data)
{
    return get(cemm, query, 0, ONCE, done, data, NULL);
}

bool cemm_under_way(struct cemm *cemm, const struct cemm_query *query)
{
    const struct cemm_entry *entry = entry_find(cemm, query);

    return entry && !idle(entry);
}

struct cemm_document *cemm_peek(struct cemm *cemm, const struct cemm_query *query,
                                int64_t max_age_ms)
{
    struct cemm_entry *entry = entry_find(cemm, query);

    return entry && fresh(cemm, entry, max_age_ms) ? cemm_document_ref(entry->document) : NULL;
}
