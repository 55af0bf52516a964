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

/* ---- documents of what is to be given ------------------------------------------------ */

static const struct cemm_series *series_named(const struct cemm_document *document,
                                              const char *channel)
{
    for (size_t i = 0; document && i < document->series_count; i++)
        if (strcmp(document->series[i].channel, channel) == 0)
            return &document->series[i];
    return NULL;
}

/* The samples of a series that are to be given; none of them: the one that was shown last. */
static size_t choose(struct cemm_ledger *ledger, const struct cemm_document *document,
                     const struct cemm_series *series, const struct cemm_series *shown,
                     struct cemm_sample *ret_samples)
{
    size_t count = 0;

    for (size_t i = 0; i < series->count; i++)
        if (cemm_ledger_take(ledger, document, series, &series->samples[i]) == CEMM_GIVE)
            ret_samples[count++] = series->samples[i];
    if (count == 0 && series->count > 0 && shown && shown->count > 0)
        ret_samples[count++] = shown->samples[shown->count - 1];
    return count;
}

static int pick_series(struct cemm_document *picked, struct cemm_ledger *ledger,
                       const struct cemm_document *document, const struct cemm_series *series,
                       const struct cemm_document *shown)
{
    const struct cemm_series *before = series_named(shown, series->channel);
    struct cemm_sample *samples = calloc(series->count + 1, sizeof(*samples));

    if (!samples)
        return -ENOMEM;
    size_t count = choose(ledger, document, series, before, samples);
    struct cemm_series *added = count ? cemm_document_add_series(picked) : NULL;
    if (!added) {
        free(samples);
        return count ? -ENOMEM : 0;
    }
    *added = *series;
    added->samples = samples;
    added->count = count;
    return 0;
}

/* The samples' texts still lie in other documents; they get a place of their own. */
static int keep_texts(struct cemm_document *document)
{
    size_t length = 0;

    for (size_t i = 0; i < document->series_count; i++)
        for (size_t j = 0; j < document->series[i].count; j++)
            length += document->series[i].samples[j].text_length;
    document->bytes = malloc(length + 1);
    if (!document->bytes)
        return -ENOMEM;
    for (size_t i = 0; i < document->series_count; i++)
        for (size_t j = 0; j < document->series[i].count; j++) {
            struct cemm_sample *sample = &document->series[i].samples[j];
            char *place = document->bytes + document->length;
            memcpy(place, sample->text, sample->text_length);
            sample->text = place;
            document->length += sample->text_length;
            if (sample->time > document->newest)
                document->newest = sample->time;
        }
    document->bytes[document->length] = '\0';
    return 0;
}

struct cemm_document *cemm_ledger_pick(struct cemm_ledger *ledger,
                                       const struct cemm_document *document,
                                       const struct cemm_document *shown)
{
    struct cemm_document *picked = cemm_document_new(&document->query, NULL, 0);
    int r = picked ? 0 : -ENOMEM;

    if (r == 0 && !(picked->source = strdup(cemm_document_source(document))))
        r = -ENOMEM;
    for (size_t i = 0; i < document->series_count && r == 0; i++)
        r = pick_series(picked, ledger, document, &document->series[i], shown);
    if (r == 0)
        r = keep_texts(picked);
    if (r < 0) {
        cemm_document_unref(picked);
        return NULL;
    }
    picked->fetched = document->fetched;
    picked->early = document->early;
    return picked;
}
