/*
 * Documents: at hand, or on their way once however many want them. Tries the
 * device's routes in order, LAN before cloud, and believes that something is
 * absent only when every source that has the endpoint says so (spec §1).
 */
#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/engine/call.h"
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
    cemm->cached -= entry->document->length;
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
    return !entry->call && !entry->finder && TAILQ_EMPTY(&entry->waiters);
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

void cemm_entries_free(struct cemm *cemm)
{
    struct cemm_words words = {.text = "cancelled"};
    struct cemm_entry *entry;

    while ((entry = TAILQ_FIRST(&cemm->used))) {
        cemm_tickets_finish(&entry->waiters, -ECANCELED, NULL, &words);
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
        cemm_log(cemm, CEMM_LOG_WARNING,
                 "%s: %s %s has rows outside the period that was asked for; the time zone is "
                 "probably not the meter's (set time-zone)",
                 cemm_document_source(document), query->uid.text, query->alias);
        return;
    }
}

static bool troubled(struct cemm *cemm, const struct cemm_entry *entry)
{
    const struct cemm_device *device = cemm_device_find(cemm, &entry->query.uid);

    for (size_t i = 0; device && i < device->route_count; i++)
        if (device->routes[i]->health.pause > 0)
            return true;
    return false;
}

/* A source that does not answer is logged by its route; here, once, answers that are no use. */
static void complain(struct cemm *cemm, struct cemm_entry *entry, int result,
                     const struct cemm_words *words)
{
    bool fault = result == CEMM_DENIED || (result < 0 && result != -ECANCELED);

    if (fault && !entry->complained && !troubled(cemm, entry)) {
        entry->complained = true;
        cemm_log(cemm, CEMM_LOG_WARNING, "%s", words->text);
    } else if (result == 0 && entry->complained) {
        entry->complained = false;
        cemm_log(cemm, CEMM_LOG_INFO, "%s %s: all right again", entry->query.uid.text,
                 entry->query.alias);
    }
}

static void land(struct cemm *cemm, struct cemm_entry *entry, int result,
                 struct cemm_document *document, const struct cemm_words *words)
{
    complain(cemm, entry, result, words);
    if (document) {
        drop_document(cemm, entry);
        entry->document = document;
        cemm->cached += document->length;
        check_zone(cemm, document);
    }
    cemm_tickets_finish(&entry->waiters, result, document, words);
    make_room(cemm, entry);
}

static void take_answer(void *data, const struct cemm_query *query, int result,
                        struct cemm_document *document, const struct cemm_words *words)
{
    struct cemm *cemm = data;
    struct cemm_entry *entry = entry_find(cemm, query);

    entry->call = NULL;
    if (result == 0) {
        cemm_words_drop(&entry->words);
        land(cemm, entry, 0, document, NULL);
        return;
    }
    if (!entry->words || (result != CEMM_ABSENT && !entry->result))
        cemm_words_keep(&entry->words, words);
    if (result == CEMM_ABSENT)
        entry->absent = true;
    else if (!entry->result)
        entry->result = result;
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

static void try_next(struct cemm *cemm, struct cemm_entry *entry)
{
    const struct cemm_query *query = &entry->query;
    const struct cemm_device *device = cemm_device_find(cemm, &query->uid);

    while (device && entry->next_route < device->route_count) {
        struct cemm_route *route = device->routes[entry->next_route++];
        if (!cemm_endpoint_offered(query->endpoint, route->source->config->kind) ||
            (query->alias[0] && !cemm_source_admits(route->source, query->alias)))
            continue;
        entry->call = cemm_call_start(route, query, take_answer, cemm);
        if (entry->call)
            return;
        entry->result = -ENOMEM;
    }
    give_up(cemm, entry);
}

static void take_device(void *data, const struct cemm_answer *answer)
{
    struct cemm_entry *entry = data;
    struct cemm *cemm = entry->finder->cemm;
    struct cemm_words words;

    entry->finder = NULL;
    if (answer->result == 0) {
        try_next(cemm, entry);
        return;
    }
    cemm_words_set(&words, "%s", answer->words);
    cemm_words_keep(&entry->words, &words);
    entry->absent = answer->result == CEMM_ABSENT;
    entry->result = entry->absent ? 0 : answer->result;
    give_up(cemm, entry);
}

static int take_off(struct cemm *cemm, struct cemm_entry *entry)
{
    entry->next_route = 0;
    entry->absent = false;
    entry->result = 0;
    cemm_words_drop(&entry->words);
    if (!cemm_device_find(cemm, &entry->query.uid))
        return cemm_find_devices(cemm, NULL, &entry->query.uid, UNKNOWN_AGE_MS, take_device, entry,
                                 &entry->finder);
    try_next(cemm, entry);
    return 0;
}

/* ---- the façade ------------------------------------------------------------------- */

static bool fresh(const struct cemm *cemm, const struct cemm_entry *entry, int64_t max_age_ms)
{
    if (!entry->document)
        return false;
    int64_t age = cemm->wall - entry->document->fetched;
    return age >= 0 && age <= max_age_ms;
}

int cemm_get(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
             cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket)
{
    if (query->alias[0] ? !cemm_name_valid(query->alias) : query->endpoint != CEMM_IO)
        return -EINVAL;
    if (cemm->ending)
        return -ECANCELED;
    struct cemm_entry *entry = entry_get(cemm, query);
    if (!entry)
        return -ENOMEM;
    struct cemm_ticket *ticket = cemm_ticket_new(cemm, &entry->waiters, done, data);
    if (!ticket)
        return -ENOMEM;
    if (fresh(cemm, entry, max_age_ms))
        cemm_ticket_finish(ticket, 0, entry->document, NULL);
    else if (!entry->call && !entry->finder && take_off(cemm, entry) < 0)
        cemm_ticket_finish(ticket, -ENOMEM, NULL, &(struct cemm_words){.text = "out of memory"});
    if (ret_ticket)
        *ret_ticket = ticket;
    return 0;
}

struct cemm_document *cemm_peek(struct cemm *cemm, const struct cemm_query *query,
                                int64_t max_age_ms)
{
    struct cemm_entry *entry = entry_find(cemm, query);

    return entry && fresh(cemm, entry, max_age_ms) ? cemm_document_ref(entry->document) : NULL;
}
