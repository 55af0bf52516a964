#include "common/engine/first_day.h"

#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/engine/basis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A look is not repeated sooner: one that found nothing, and one that failed. The years that have
 * answered are at hand then. */
#define AGAIN_MS  60000
#define FAILED_MS 10000

#define FIND_AGE_MS (10 * 60 * 1000) /* how old the sources' lists of devices may be */

struct cemm_day {
    bool found;
    struct cemm_period day;
};

struct cemm_first_day {
    struct cemm_cache *cache;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    struct cemm_ticket_list waiters;
    unsigned pending; /* sources that this look waits for */
    int result;       /* its first failure */
    struct cemm_words words;
    bool unheard;   /* that was a source which did not tell its devices */
    bool news;      /* some source has answered all */
    int64_t looked; /* when the last one ended, Unix milliseconds; 0: never */
    char *basis;    /* of `kept`: who was asked (basis.h) */
    char *former;   /* the same in another zone, as long as not all of those were asked again */
    struct cemm_day kept; /* what sources have said that answered all that they were asked */
    struct cemm_day anew; /* the same of this zone alone */
    struct cemm_day
        seen; /* by any, in the last look; perhaps just the beginning of a month or year */
    LIST_ENTRY(cemm_first_day) link;
};

/* What one source is asked in a look. */
struct ask {
    struct cemm_first_day *first;
    const struct cemm_source *source;
    unsigned pending; /* answers */
    bool in_month;    /* it has come to the month */
    bool failed;
    struct cemm_day earliest;
};

void cemm_first_days_clear(struct cemm_first_days *first_days)
{
    struct cemm_first_day *first;

    while ((first = LIST_FIRST(&first_days->list))) {
        LIST_REMOVE(first, link);
        free(first->basis);
        free(first->former);
        free(first);
    }
}

static struct cemm_first_day *first_get(struct cemm_first_days *first_days,
                                        const struct cemm_uid *uid, const char *alias)
{
    struct cemm_first_day *first;

    LIST_FOREACH (first, &first_days->list, link)
        if (strcmp(first->uid.text, uid->text) == 0 && strcmp(first->alias, alias) == 0)
            return first;
    first = calloc(1, sizeof(*first));
    if (!first)
        return NULL;
    first->cache = first_days->cache;
    first->uid = *uid;
    strcpy(first->alias, alias);
    TAILQ_INIT(&first->waiters);
    first->kept.found =
        cemm_store_read_first(first->cache->store, uid, alias, &first->kept.day, &first->basis);
    LIST_INSERT_HEAD(&first_days->list, first, link);
    return first;
}

static const struct cemm_registry *registry_of(const struct cemm_first_day *first)
{
    return &first->cache->find->registry;
}

/* Whether nothing lies before: no source that was not asked may know better. */
static bool is_known(const struct cemm_first_day *first)
{
    return first->kept.found && first->basis &&
           cemm_basis_holds(first->basis, registry_of(first), &first->uid, first->alias);
}

static void take_earlier(struct cemm_day *day, const struct cemm_day *other)
{
    if (other->found && (!day->found || cemm_period_compare(&other->day, &day->day) < 0))
        *day = *other;
}

/* Earliest sample's time (Unix milliseconds); 0: there is none. */
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

/* ---- one source ------------------------------------------------------------------ */

static void note_failure(struct cemm_first_day *first, int result, const char *words)
{
    if ((first->result && !first->unheard) || result == CEMM_ABSENT)
        return;
    first->unheard = false;
    first->result = result;
    cemm_words_set(&first->words, "%s", words);
}

static void end_look(struct cemm_first_day *first);

static void end_ask(struct ask *ask)
{
    struct cemm_first_day *first = ask->first;

    take_earlier(&first->seen, &ask->earliest);
    if (!ask->failed) {
        take_earlier(&first->kept, &ask->earliest);
        take_earlier(&first->anew, &ask->earliest);
        first->news = true;
        if (cemm_basis_asked(&first->basis, ask->source->name) < 0)
            note_failure(first, -ENOMEM, "out of memory");
    }
    free(ask);
    if (--first->pending == 0)
        end_look(first);
}

static void take_period(void *data, const struct cemm_answer *answer);

static void ask_period(struct ask *ask, const struct cemm_period *period)
{
    struct cemm_first_day *first = ask->first;
    struct cemm_query query = {.uid = first->uid, .endpoint = CEMM_DATA, .period = *period};

    strcpy(query.alias, first->alias);
    int r = cemm_cache_get_of(first->cache, ask->source, &query, AGAIN_MS, take_period, ask);
    if (r < 0) {
        note_failure(first, r, strerror(-r));
        ask->failed = true;
    } else {
        ask->pending++;
    }
}

static void step_done(struct ask *ask)
{
    struct cemm_period month = ask->earliest.day;

    if (--ask->pending > 0)
        return;
    if (ask->in_month || !ask->earliest.found) {
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

static void take_period(void *data, const struct cemm_answer *answer)
{
    struct ask *ask = data;
    struct cemm_day day = {.found = true};

    if (answer->result) {
        note_failure(ask->first, answer->result, answer->words);
        ask->failed |= answer->result != CEMM_ABSENT;
    } else if (earliest(answer->document) > 0) {
        day.day = cemm_period_at(ask->first->cache->loop->zone, CEMM_DAY,
                                 earliest(answer->document) / 1000);
        if (ask->in_month)
            ask->earliest = day;
        take_earlier(&ask->earliest, &day);
    }
    step_done(ask);
}

static void ask_source(struct cemm_first_day *first, const struct cemm_source *source)
{
    const struct cemm_zone *zone = first->cache->loop->zone;
    struct cemm_period year = cemm_period_at(zone, CEMM_YEAR, first->cache->loop->wall / 1000);
    struct ask *ask = calloc(1, sizeof(*ask));

    if (!ask) {
        note_failure(first, -ENOMEM, "out of memory");
        return;
    }
    *ask = (struct ask){.first = first, .source = source};
    first->pending++;
    ask->pending = 1; /* until all have been asked for */
    for (; year.year >= CEMM_YEAR_FIRST; year = cemm_period_step(&year, -1))
        ask_period(ask, &year);
    step_done(ask);
}

/* ---- all that serve it ------------------------------------------------------------- */

/* Keeps what was found out, and by whom. In another zone not before all have told it that can: a
 * later run must ask those again of whose words correct() is in need. */
static void keep(struct cemm_first_day *first)
{
    char *basis = strdup(first->basis);

    if (!basis || cemm_basis_complete(&basis, registry_of(first), &first->uid) < 0) {
        free(basis);
        return;
    }
    bool same = !first->news && strcmp(basis, first->basis) == 0;
    free(first->basis);
    first->basis = basis;
    if (same || (first->former && !is_known(first)))
        return;
    first->news = false;
    cemm_store_write_first(first->cache->store, &first->uid, first->alias, &first->kept.day, basis);
}

/* In another zone it was another day, if those who told it tell another one now. What is archived
 * of it stays listed. */
static void correct(struct cemm_first_day *first)
{
    struct cemm_query query = {.uid = first->uid, .endpoint = CEMM_DATA, .period = first->kept.day};

    strcpy(query.alias, first->alias);
    if (!first->former || !first->anew.found || !cemm_basis_covers(first->basis, first->former))
        return;
    if (!cemm_store_has(first->cache->store, &query))
        first->kept = first->seen = first->anew;
    free(first->former);
    first->former = NULL;
}

/* That a source could not be heard is no failure where others have told the day; but it may tell an
 * earlier one yet. */
static void end_look(struct cemm_first_day *first)
{
    first->looked = first->cache->loop->wall;
    if (first->unheard && first->kept.found)
        first->result = 0;
    if (first->basis)
        correct(first);
    if (first->kept.found && first->basis) {
        keep(first);
    } else { /* none has any yet: all are asked again */
        free(first->basis);
        first->basis = NULL;
    }
    cemm_tickets_finish(&first->waiters, first->result, NULL, first->result ? &first->words : NULL);
}

/* Another zone, or nobody has been asked yet. What was found then stays: periods that were listed
 * do not go. */
static void begin_anew(struct cemm_first_day *first)
{
    bool asked = first->basis && *first->basis;

    free(first->former);
    first->former = asked ? first->basis : NULL;
    if (!asked)
        free(first->basis);
    first->anew = (struct cemm_day){0};
    first->basis = cemm_basis_new(registry_of(first));
    if (!first->basis)
        note_failure(first, -ENOMEM, "out of memory");
}

/* All sources have said whether they reach the device, or have failed. Those that do are asked, but
 * for those that were. */
static void take_sources(void *data, const struct cemm_answer *answer)
{
    struct cemm_first_day *first = data;
    const struct cemm_registry *registry = registry_of(first);
    const struct cemm_device *device = cemm_registry_find(registry, &first->uid);
    struct cemm_query query = {.uid = first->uid, .endpoint = CEMM_DATA};

    if (answer->result)
        note_failure(first, answer->result, answer->words);
    first->unheard = answer->result != 0;
    strcpy(query.alias, first->alias);
    if (!first->basis || !cemm_basis_zone(first->basis, registry))
        begin_anew(first);
    bool allowed = first->basis && cemm_registry_allows(registry, &first->uid, first->alias);
    for (size_t i = 0; allowed && device && i < device->route_count; i++) {
        const struct cemm_source *source = device->routes[i]->source;
        if (cemm_source_serves(source, &query) && !cemm_basis_has(first->basis, source->name))
            ask_source(first, source);
    }
    if (--first->pending == 0)
        end_look(first);
}

static void look(struct cemm_first_day *first)
{
    first->result = 0; /* what an earlier look has found stays so */
    first->unheard = false;
    first->seen = first->kept;
    first->pending = 1; /* until the sources have been asked for */
    int r =
        cemm_find_devices(first->cache->find, NULL, NULL, FIND_AGE_MS, take_sources, first, NULL);
    if (r < 0) {
        note_failure(first, r, strerror(-r));
        first->pending = 0;
        end_look(first);
    }
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
    struct cemm_ticket *ticket = first ? cemm_ticket_new(loop, &first->waiters, done, data) : NULL;
    if (!ticket)
        return -ENOMEM;
    bool known = is_known(first);
    bool lately = cemm_loop_recent(loop, first->looked, first->result ? FAILED_MS : AGAIN_MS);
    if (first->pending == 0 && (known || lately))
        cemm_ticket_finish(ticket, known ? 0 : first->result, NULL,
                           known || !first->result ? NULL : &first->words);
    else if (first->pending == 0)
        look(first);
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
    struct cemm_day day = first->kept;
    take_earlier(&day, &first->seen);
    if (day.found)
        *ret_day = day.day;
    return day.found;
}
