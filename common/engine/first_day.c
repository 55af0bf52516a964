#include "common/engine/first_day.h"

#include "common/base/limits.h"
#include "common/base/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A look is not repeated sooner: one that found nothing, and one that failed. The years that have
 * answered are at hand then. */
#define AGAIN_MS  60000
#define FAILED_MS 10000

struct cemm_first_day {
    struct cemm_cache *cache;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    struct cemm_ticket_list waiters;
    unsigned pending; /* answers that this look waits for */
    bool in_month;    /* it has come to the month */
    int result;       /* its first failure */
    struct cemm_words words;
    int64_t looked; /* when the last one ended, Unix milliseconds; 0: never */
    bool found;
    bool known;             /* for good */
    struct cemm_period day; /* if found, perhaps just the beginning of its month or year */
    LIST_ENTRY(cemm_first_day) link;
};

void cemm_first_days_clear(struct cemm_first_days *first_days)
{
    struct cemm_first_day *first;

    while ((first = LIST_FIRST(&first_days->list))) {
        LIST_REMOVE(first, link);
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
    first->known = cemm_store_read_first(first->cache->store, uid, alias, &first->day);
    first->found = first->known;
    LIST_INSERT_HEAD(&first_days->list, first, link);
    return first;
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

/* A row may lie outside the period that was asked for, if our zone is not the meter's. */
static struct cemm_period clamp(const struct cemm_zone *zone, const struct cemm_period *asked,
                                int64_t time)
{
    int64_t start = cemm_period_start(zone, asked);
    int64_t last = cemm_period_end(zone, asked) - 1;
    int64_t seconds = time / 1000;

    if (seconds < start || seconds > last)
        seconds = seconds < start ? start : last;
    return cemm_period_at(zone, CEMM_DAY, seconds);
}

static void end_look(struct cemm_first_day *first)
{
    first->looked = first->cache->loop->wall;
    first->known = first->found && first->result == 0;
    if (first->known)
        cemm_store_write_first(first->cache->store, &first->uid, first->alias, &first->day);
    cemm_tickets_finish(&first->waiters, first->result, NULL, first->result ? &first->words : NULL);
}

static void note_failure(struct cemm_first_day *first, int result, const char *words)
{
    if (first->result || result == CEMM_ABSENT)
        return;
    first->result = result;
    cemm_words_set(&first->words, "%s", words);
}

static void take_period(void *data, const struct cemm_answer *answer);

static void ask(struct cemm_first_day *first, const struct cemm_period *period)
{
    struct cemm_query query = {.uid = first->uid, .endpoint = CEMM_DATA, .period = *period};

    strcpy(query.alias, first->alias);
    int r = cemm_cache_get(first->cache, &query, AGAIN_MS, CEMM_LATER, take_period, first, NULL);
    if (r < 0)
        note_failure(first, r, strerror(-r));
    else
        first->pending++;
}

static void step_done(struct cemm_first_day *first)
{
    struct cemm_period month = first->day;

    if (--first->pending > 0)
        return;
    if (first->in_month || !first->found) {
        end_look(first);
        return;
    }
    first->in_month = true;
    first->pending = 1;
    month.span = CEMM_MONTH;
    month.day = 1;
    ask(first, &month);
    step_done(first);
}

static void take_period(void *data, const struct cemm_answer *answer)
{
    struct cemm_first_day *first = data;

    if (answer->result) {
        note_failure(first, answer->result, answer->words);
    } else if (earliest(answer->document) > 0) {
        struct cemm_period day = clamp(first->cache->loop->zone, &answer->document->query.period,
                                       earliest(answer->document));
        if (first->in_month || !first->found || cemm_period_compare(&day, &first->day) < 0)
            first->day = day;
        first->found = true;
    }
    step_done(first);
}

static void look(struct cemm_first_day *first)
{
    const struct cemm_zone *zone = first->cache->loop->zone;
    struct cemm_period year = cemm_period_at(zone, CEMM_YEAR, first->cache->loop->wall / 1000);

    first->result = 0; /* what an earlier look has found stays so */
    first->in_month = false;
    first->pending = 1; /* until all have been asked for */
    for (; year.year >= CEMM_YEAR_FIRST; year = cemm_period_step(&year, -1))
        ask(first, &year);
    step_done(first);
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
    bool lately = cemm_loop_recent(loop, first->looked, first->result ? FAILED_MS : AGAIN_MS);
    if (first->pending == 0 && (first->known || lately))
        cemm_ticket_finish(ticket, first->known ? 0 : first->result, NULL,
                           first->known || !first->result ? NULL : &first->words);
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

    *ret_known = first && first->known;
    if (first && first->found)
        *ret_day = first->day;
    return first && first->found;
}
