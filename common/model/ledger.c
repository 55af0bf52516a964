/*
 * Remembers, per series, the newest sample that was given, so that each is
 * given once, and so that a counter does not step back when another source
 * answers (spec §2). The C library's tree keeps the series.
 */
#include "common/model/channel.h"
#include "common/model/document.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BACK_MAX 1.0 /* in the meter's own unit: a greater step is a new meter */

struct series_key {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    char channel[CEMM_NAME_SIZE];
};

struct given {
    struct series_key key;
    int64_t time;
    double value;
    char source[CEMM_NAME_SIZE + 8]; /* "cloud " and a name */
};

struct cemm_ledger {
    void *tree;
};

struct cemm_ledger *cemm_ledger_new(void)
{
    return calloc(1, sizeof(struct cemm_ledger));
}

void cemm_ledger_free(struct cemm_ledger *ledger)
{
    if (!ledger)
        return;
    tdestroy(ledger->tree, free);
    free(ledger);
}

static int compare(const void *left, const void *right)
{
    const struct series_key *a = left;
    const struct series_key *b = right;
    int r = strcmp(a->uid.text, b->uid.text);

    if (r == 0)
        r = strcmp(a->alias, b->alias);
    return r ? r : strcmp(a->channel, b->channel);
}

/* The entry of a series, made if need be; NULL: no memory, or the name is too long. */
static struct given *entry(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                           const char *alias, const char *channel)
{
    struct series_key key = {.uid = *uid};

    if (strlen(alias) >= sizeof(key.alias) || strlen(channel) >= sizeof(key.channel))
        return NULL;
    strcpy(key.alias, alias);
    strcpy(key.channel, channel);
    struct given **found = tfind(&key, &ledger->tree, compare);
    if (found)
        return *found;
    struct given *given = calloc(1, sizeof(*given));
    if (!given)
        return NULL;
    given->key = key;
    if (!tsearch(given, &ledger->tree, compare)) {
        free(given);
        return NULL;
    }
    return given;
}

static bool steps_back(const struct given *given, const struct cemm_series *series,
                       const struct cemm_sample *sample, const char *source)
{
    double back = given->value - sample->value;

    return given->time && cemm_channel_counts(series->channel) &&
           strcmp(given->source, source) != 0 && back > 0 && back < STEP_BACK_MAX;
}

enum cemm_verdict cemm_ledger_take(struct cemm_ledger *ledger, const struct cemm_document *document,
                                   const struct cemm_series *series,
                                   const struct cemm_sample *sample)
{
    const struct cemm_query *query = cemm_document_query(document);
    const char *source = cemm_document_source(document);
    struct given *given = entry(ledger, &query->uid, query->alias, series->channel);

    if (!given)
        return CEMM_NO_ROOM;
    if (sample->time <= given->time)
        return CEMM_REPEATED;
    if (steps_back(given, series, sample, source))
        return CEMM_WITHHELD;
    given->time = sample->time;
    given->value = sample->value;
    strncpy(given->source, source, sizeof(given->source) - 1);
    return CEMM_GIVE;
}

int cemm_ledger_know(struct cemm_ledger *ledger, const struct cemm_minutes_key *key, int64_t time)
{
    struct given *given = entry(ledger, key->uid, key->alias, key->channel);

    if (!given)
        return -ENOMEM;
    if (time > given->time)
        given->time = time;
    return 0;
}
