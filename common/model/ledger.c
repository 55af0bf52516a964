/*
 * Remembers, per series, the newest sample that was given, so that each is
 * given once, and so that a counter does not step back when another source
 * answers (spec §2).
 */
#include "common/model/channel.h"
#include "common/model/document.h"
#include "common/model/record.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BACK_MAX 1.0 /* in the meter's own unit: a greater step is a new meter */

struct given {
    int64_t time;
    double value;
    const char *source; /* one of the ledger's; NULL: not known */
};

struct cemm_ledger {
    void *tree;    /* of records (record.h): struct given */
    void *sources; /* their names */
};

struct cemm_ledger *cemm_ledger_new(void)
{
    return calloc(1, sizeof(struct cemm_ledger));
}

static void given_free(void *key)
{
    free(cemm_record_of(key, sizeof(struct given)));
}

void cemm_ledger_free(struct cemm_ledger *ledger)
{
    if (!ledger)
        return;
    tdestroy(ledger->tree, given_free);
    tdestroy(ledger->sources, free);
    free(ledger);
}

/* The entry of a series, made if need be; NULL: no memory, or a name that is none. */
static struct given *entry(struct cemm_ledger *ledger, const struct cemm_minutes_key *key)
{
    return cemm_record_get(&ledger->tree, sizeof(struct given), key);
}

static int compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* The ledger's own text of that name; NULL: no memory. There are few. */
static const char *source_named(struct cemm_ledger *ledger, const char *name)
{
    char **found = tfind(name, &ledger->sources, compare);

    if (found)
        return *found;
    char *source = strdup(name);
    if (source && tsearch(source, &ledger->sources, compare))
        return source;
    free(source);
    return NULL;
}

static bool steps_back(const struct given *given, const struct cemm_series *series,
                       const struct cemm_sample *sample, const char *source)
{
    double back = given->value - sample->value;

    return given->time && cemm_channel_counts(series->channel) && given->source != source &&
           back > 0 && back < STEP_BACK_MAX;
}

enum cemm_verdict cemm_ledger_take(struct cemm_ledger *ledger, const struct cemm_document *document,
                                   const struct cemm_series *series,
                                   const struct cemm_sample *sample)
{
    const struct cemm_query *query = cemm_document_query(document);
    struct cemm_minutes_key key = {"", &query->uid, query->alias, series->channel};
    const char *source = source_named(ledger, cemm_document_source(document));
    struct given *given = entry(ledger, &key);

    if (!source || !given)
        return CEMM_NO_ROOM;
    if (sample->time <= given->time)
        return CEMM_REPEATED;
    if (steps_back(given, series, sample, source))
        return CEMM_WITHHELD;
    given->time = sample->time;
    given->value = sample->value;
    given->source = source;
    return CEMM_GIVE;
}

int cemm_ledger_know(struct cemm_ledger *ledger, const struct cemm_minutes_key *key, int64_t time)
{
    struct cemm_minutes_key untaken = {"", key->uid, key->alias, key->channel};
    struct given *given = entry(ledger, &untaken);

    if (!given)
        return -ENOMEM;
    if (time > given->time)
        given->time = time;
    return 0;
}
