#include "common/engine/first_day.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How soon a search may be repeated after it found nothing, and after it failed. Answers not older
 * than AGAIN_MS are then taken from the cache. */
#define AGAIN_MS  60000
#define FAILED_MS 10000

/* The first day of one meter. A day whose year is 0 is not known. */
struct cemm_first_day {
    struct cemm_cache *cache;
    struct cemm_query meter; /* DATA of the meter, without a period */
    struct cemm_ticket_list waiters;
    unsigned pending; /* number of sources that the current search waits for */
    int result;       /* the first failure of the current or last search */
    struct cemm_message message;
    bool list_failed;       /* `result` says how a list of devices failed */
    int64_t searched;       /* when the last search ended, Unix milliseconds; 0: never */
    char *deps;             /* the time zone, and the sources that were asked (registry.h) */
    size_t saved;           /* length of `deps` when they were last saved */
    struct cemm_period day; /* the earliest day from sources that answered all requests */
    /* The earliest day from any source in the last search; the 1st if only its month is known. */
    struct cemm_period seen;
    struct cemm_period old; /* the saved day if it is from another time zone */
    LIST_ENTRY(cemm_first_day) link;
};

/* The part of a search that asks one source. It has two steps: all years, then one month. */
struct ask {
    struct cemm_first_day *first;
    const struct cemm_source *source;
    unsigned pending; /* number of answers that it waits for */
    bool in_month;    /* the second step has begun */
    bool failed;
    struct cemm_period earliest;
};

void cemm_first_days_clear(struct cemm_first_days *first_days)
{
    struct cemm_first_day *first;

    while ((first = LIST_FIRST(&first_days->list))) {
        LIST_REMOVE(first, link);
        free(first->deps);
        free(first);
    }
}

/* Finds or adds a meter. NULL: no memory. */
static struct cemm_first_day *first_get(struct cemm_first_days *first_days,
                                        const struct cemm_uid *uid, const char *alias)
{
    struct cemm_first_day *first;

    LIST_FOREACH (first, &first_days->list, link)
        if (strcmp(first->meter.uid.text, uid->text) == 0 && strcmp(first->meter.alias, alias) == 0)
            return first;
    first = calloc(1, sizeof(*first));
    if (!first)
        return NULL;
    first->cache = first_days->cache;
    first->meter = (struct cemm_query){.uid = *uid, .endpoint = CEMM_DATA};
    strcpy(first->meter.alias, alias);
    TAILQ_INIT(&first->waiters);
    if (!cemm_store_read_first(first->cache->store, &first->meter, &first->day, &first->deps))
        first->day = (struct cemm_period){0};
    first->saved = first->deps ? strlen(first->deps) : 0;
    LIST_INSERT_HEAD(&first_days->list, first, link);
    return first;
}

/* Whether the day is known: every source that could have an earlier one has been asked. */
static bool is_known(const struct cemm_first_day *first)
{
    return first->day.year && first->deps &&
           cemm_deps_valid(first->deps, &first->cache->find->registry, &first->meter.uid,
                           first->meter.alias);
}

static void keep_earlier(struct cemm_period *day, const struct cemm_period *other)
{
    if (other->year && (!day->year || cemm_period_compare(other, day) < 0))
        *day = *other;
}

/* The time of a document's earliest sample (Unix milliseconds); 0: there is none. */
static int64_t earliest(const struct cemm_document *document)
{
    int64_t time = 0;

    for (size_t i = 0; i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        if (series->count > 0 && (time == 0 || series->samples[0].time < time))
            time = series->samples[0].time;
    }
    return time;
}

/* Decides, after all sources were asked again, whether to keep the old day. It may be up to a month
 * too early, because in the old zone a month's row could fall into the previous month. It is kept
 * if the archive has it, or if it is more than a month before the new day. A wrong zone cannot
 * explain such a difference: the source of the old day is gone. */
static void leave_old_zone(struct cemm_first_day *first)
{
    struct cemm_query query = first->meter;
    struct cemm_period moved = cemm_period_step(&first->old, 31);

    query.period = first->old;
    if (cemm_period_compare(&moved, &first->day) < 0 || cemm_store_has(first->cache->store, &query))
        keep_earlier(&first->day, &first->old);
    first->old = (struct cemm_period){0};
}

/* Saves the day if more sources were asked than when it was last saved. After a change of the zone,
 * saves nothing until all were asked again: leave_old_zone() needs all answers, and a program that
 * starts with the saved deps does not ask the sources in them again. */
static void save(struct cemm_first_day *first)
{
    if (cemm_deps_complete(&first->deps, &first->cache->find->registry, &first->meter.uid) < 0 ||
        strlen(first->deps) == first->saved || (first->old.year && !is_known(first)))
        return;
    if (first->old.year)
        leave_old_zone(first);
    first->saved = strlen(first->deps);
    cemm_store_write_first(first->cache->store, &first->meter, &first->day, first->deps);
}

/* Ends a search. The failure of a list of devices is ignored if other sources have given a day,
 * although the source of that list may have an earlier day. */
static void end_search(struct cemm_first_day *first)
{
    first->searched = first->cache->loop->wall;
    if (first->list_failed && (first->day.year || first->old.year))
        first->result = 0;
    if (first->day.year && first->deps) {
        save(first);
    } else { /* no source has data yet: all will be asked again */
        free(first->deps);
        first->deps = NULL;
    }
    cemm_tickets_finish(&first->waiters, first->result, NULL, first->message.text);
}

/* ---- one source ------------------------------------------------------------------ */

/* Keeps the first failure other than a failed list of devices, which end_search() may ignore. */
static void record_failure(struct cemm_first_day *first, int result, const char *message)
{
    if ((first->result && !first->list_failed) || result == CEMM_ABSENT)
        return;
    first->list_failed = false;
    first->result = result;
    cemm_message_set(&first->message, "%s", message);
}

static void end_ask(struct ask *ask)
{
    struct cemm_first_day *first = ask->first;

    keep_earlier(&first->seen, &ask->earliest);
    if (!ask->failed) {
        keep_earlier(&first->day, &ask->earliest);
        int r = cemm_deps_add(&first->deps, '+', ask->source->name);
        if (r < 0)
            record_failure(first, r, strerror(-r));
    }
    free(ask);
    if (--first->pending == 0)
        end_search(first);
}

static void on_period(void *data, const struct cemm_answer *answer);

static void ask_period(struct ask *ask, const struct cemm_period *period)
{
    struct cemm_first_day *first = ask->first;
    struct cemm_query query = first->meter;

    query.period = *period;
    int r = cemm_cache_get(first->cache, ask->source, &query, AGAIN_MS, CEMM_BACKGROUND, on_period,
                           ask, NULL);
    if (r < 0) {
        record_failure(first, r, strerror(-r));
        ask->failed = true;
    } else {
        ask->pending++;
    }
}

/* Called after each answer. After a step's last answer, begins the next step or ends the ask. */
static void step_done(struct ask *ask)
{
    struct cemm_period month = ask->earliest;

    if (--ask->pending > 0)
        return;
    if (ask->in_month || !ask->earliest.year) {
        end_ask(ask);
        return;
    }
    ask->in_month = true;
    ask->pending = 1;
    month.span = CEMM_MONTH;
    month.day = 1;
    ask_period(ask, &month);
    step_done(ask);
}

static void on_period(void *data, const struct cemm_answer *answer)
{
    struct ask *ask = data;

    if (answer->result) {
        record_failure(ask->first, answer->result, answer->message);
        ask->failed |= answer->result != CEMM_ABSENT;
    } else if (earliest(answer->document) > 0) {
        struct cemm_period day = cemm_period_at(ask->first->cache->loop->zone, CEMM_DAY,
                                                earliest(answer->document) / 1000);
        if (ask->in_month)
            ask->earliest = day; /* later than the 1st, which stood for the month */
        keep_earlier(&ask->earliest, &day);
    }
    step_done(ask);
}

static void ask_source(struct cemm_first_day *first, const struct cemm_source *source)
{
    const struct cemm_zone *zone = first->cache->loop->zone;
    struct cemm_period year = cemm_period_at(zone, CEMM_YEAR, first->cache->loop->wall / 1000);
    struct ask *ask = calloc(1, sizeof(*ask));

    if (!ask) {
        record_failure(first, -ENOMEM, "out of memory");
        return;
    }
    *ask = (struct ask){.first = first, .source = source};
    first->pending++;
    ask->pending = 1; /* so that this step does not end before all years have been requested */
    for (; year.year >= CEMM_YEAR_FIRST; year = cemm_period_step(&year, -1))
        ask_period(ask, &year);
    step_done(ask);
}

/* ---- all sources ------------------------------------------------------------------- */

/* Starts with new deps, because the zone has changed or no source has been asked yet. */
static void begin_anew(struct cemm_first_day *first)
{
    if (first->deps && *first->deps && first->day.year) {
        first->old = first->day; /* it is still returned, so no file of cemmfs disappears */
        first->day = first->seen = (struct cemm_period){0};
    }
    free(first->deps);
    first->saved = 0;
    first->deps = cemm_deps_new(&first->cache->find->registry);
    if (!first->deps)
        record_failure(first, -ENOMEM, "out of memory");
}

/* Called when each source has listed its devices or has failed. Asks the sources that reach the
 * device and were not asked before. */
static void on_sources(void *data, const struct cemm_answer *answer)
{
    struct cemm_first_day *first = data;
    const struct cemm_registry *registry = &first->cache->find->registry;
    const struct cemm_device *device = cemm_registry_find(registry, &first->meter.uid);
    const struct cemm_route *route;

    if (answer->result)
        record_failure(first, answer->result, answer->message);
    first->list_failed = answer->result != 0;
    if (!first->deps || !cemm_deps_same_zone(first->deps, registry))
        begin_anew(first);
    bool allowed =
        first->deps && cemm_registry_allows(registry, &first->meter.uid, first->meter.alias);
    if (allowed && device)
        TAILQ_FOREACH (route, &device->routes, link)
            if (cemm_source_serves(route->source, &first->meter) &&
                !cemm_deps_contains(first->deps, '+', route->source->name))
                ask_source(first, route->source);
    if (--first->pending == 0)
        end_search(first);
}

static void search(struct cemm_first_day *first)
{
    first->result = 0;
    first->list_failed = false;
    first->seen = first->day;
    first->pending = 1; /* the search for devices */
    int r = cemm_find_start(first->cache->find, &(struct cemm_wanted){.max_age = CEMM_LIST_AGE},
                            on_sources, first, NULL);
    if (r < 0)
        on_sources(first, &(struct cemm_answer){.result = r, .message = strerror(-r)});
}

int cemm_first_days_find(struct cemm_first_days *first_days, const struct cemm_uid *uid,
                         const char *alias, cemm_answer_fn *done, void *data,
                         struct cemm_ticket **ret_ticket)
{
    struct cemm_loop *loop = first_days->cache->loop;

    if (!cemm_name_valid(alias))
        return -EINVAL;
    if (loop->ending)
        return -ECANCELED;
    struct cemm_first_day *first = first_get(first_days, uid, alias);
    struct cemm_ticket *ticket =
        first ? cemm_ticket_new(loop, &first->waiters, sizeof(*ticket), done, data) : NULL;
    if (!ticket)
        return -ENOMEM;
    bool known = is_known(first);
    bool lately = cemm_loop_recent(loop, first->searched, first->result ? FAILED_MS : AGAIN_MS);
    if (first->pending == 0 && (known || lately))
        cemm_ticket_finish(ticket, known ? 0 : first->result, NULL, first->message.text);
    else if (first->pending == 0)
        search(first);
    if (ret_ticket)
        *ret_ticket = ticket;
    return 0;
}

bool cemm_first_days_get(struct cemm_first_days *first_days, const struct cemm_uid *uid,
                         const char *alias, struct cemm_period *ret_day, bool *ret_known)
{
    const struct cemm_first_day *first =
        cemm_name_valid(alias) ? first_get(first_days, uid, alias) : NULL;

    *ret_known = first && is_known(first);
    if (!first)
        return false;
    *ret_day = first->day;
    keep_earlier(ret_day, &first->seen);
    keep_earlier(ret_day, &first->old);
    return ret_day->year != 0;
}
