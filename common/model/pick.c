/*
 * Documents of some of a document's samples: what is to be given now, what was
 * missed. They stand by themselves, with texts of their own.
 */
#include "common/model/document.h"
#include "common/model/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define MINUTE_MS INT64_C(60000)

/* Chooses of one series: copies samples to `ret_samples`, which has room for all of them and one
 * more, and returns how many, or -ENOMEM. `*ret_cadence` is 0 before. */
typedef ssize_t choose_fn(const void *data, const struct cemm_document *document,
                          const struct cemm_series *series, struct cemm_sample *ret_samples,
                          unsigned *ret_cadence);

static int pick_series(struct cemm_document *picked, const struct cemm_document *document,
                       const struct cemm_series *series, choose_fn *choose, const void *data)
{
    struct cemm_series *added = cemm_document_add_series(picked);
    struct cemm_sample *samples = added->samples;
    unsigned cadence = 0;
    ssize_t count = choose(data, document, series, samples, &cadence);

    if (count <= 0) {
        picked->series_count--;
        return (int)count;
    }
    *added = *series;
    added->samples = samples;
    added->cadence = cadence;
    added->count = (size_t)count;
    return 0;
}

/* A sample more than it has, for each series: see choose_fn. */
static int make_room(struct cemm_document *picked, const struct cemm_document *document)
{
    size_t samples = document->series_count;

    for (size_t i = 0; i < document->series_count; i++)
        samples += document->series[i].count;
    return cemm_document_reserve(picked, document->series_count, samples);
}

static void find_newest(struct cemm_document *document)
{
    for (size_t i = 0; i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        if (series->count && !series->total &&
            series->samples[series->count - 1].time > document->newest)
            document->newest = series->samples[series->count - 1].time;
    }
}

static struct cemm_document *pick(const struct cemm_document *document, choose_fn *choose,
                                  const void *data)
{
    struct cemm_document *picked = cemm_document_new(&document->query, NULL, 0);
    int r = picked ? make_room(picked, document) : -ENOMEM;

    if (r == 0 && !(picked->source = strdup(cemm_document_source(document))))
        r = -ENOMEM;
    for (size_t i = 0; i < document->series_count && r == 0; i++)
        r = pick_series(picked, document, &document->series[i], choose, data);
    if (r == 0)
        r = cemm_document_own_texts(picked);
    if (r < 0) {
        cemm_document_unref(picked);
        return NULL;
    }
    find_newest(picked);
    memcpy(picked->type, document->type, sizeof(picked->type));
    picked->fetched = document->fetched;
    picked->early = document->early;
    return picked;
}

/* ---- what is to be given now ------------------------------------------------------ */

struct now {
    struct cemm_ledger *ledger;
    const struct cemm_document *shown;
};

/* Those that are to be given; none of them: the one that was shown last. */
static ssize_t choose_new(const void *data, const struct cemm_document *document,
                          const struct cemm_series *series, struct cemm_sample *ret_samples,
                          unsigned *ret_cadence)
{
    const struct now *now = data;
    const struct cemm_series *shown =
        now->shown ? cemm_document_channel(now->shown, series->channel) : NULL;
    ssize_t count = 0;

    struct cemm_ledger_entry *entry = cemm_ledger_entry(now->ledger, &document->query.uid,
                                                        document->query.alias, series->channel);
    if (!entry)
        return -ENOMEM;
    for (size_t i = 0; i < series->count; i++) {
        enum cemm_verdict verdict = cemm_ledger_take(entry, document, &series->samples[i]);
        if (verdict == CEMM_NO_ROOM)
            return -ENOMEM;
        if (verdict == CEMM_GIVE)
            ret_samples[count++] = series->samples[i];
    }
    if (count == 0 && series->count > 0 && shown && shown->count > 0)
        ret_samples[count++] = shown->samples[shown->count - 1];
    (void)cemm_ledger_cadence(entry, ret_cadence);
    return count;
}

struct cemm_document *cemm_ledger_pick(struct cemm_ledger *ledger,
                                       const struct cemm_document *document,
                                       const struct cemm_document *shown)
{
    const struct now now = {ledger, shown};

    return pick(document, choose_new, &now);
}

/* ---- what was missed ---------------------------------------------------------------- */

struct then {
    struct cemm_ledger_entry *entry;
    const char *taker;
    int64_t from;
    size_t most;
    int64_t now;
};

static ssize_t choose_missing(const void *data, const struct cemm_document *document,
                              const struct cemm_series *series, struct cemm_sample *ret_samples,
                              unsigned *ret_cadence)
{
    const struct then *then = data;
    int64_t from = then->from;
    int64_t until = 0;
    int64_t last = 0;
    ssize_t count = 0;

    (void)document;
    (void)ret_cadence;
    if (strcmp(series->channel, then->entry->channel) != 0)
        return 0;
    for (size_t i = 0; i < series->count && (size_t)count < then->most; i++) {
        int64_t minute = series->samples[i].time / MINUTE_MS * MINUTE_MS;
        if (minute < then->from)
            continue;
        if (minute >= until &&
            !cemm_ledger_missing(then->entry, then->taker, minute, then->now, &from, &until))
            break; /* nor is any later one */
        if (minute < from || minute == last)
            continue;
        last = minute;
        ret_samples[count++] = series->samples[i];
    }
    return count;
}

struct cemm_document *cemm_ledger_pick_missing(struct cemm_ledger_entry *entry, const char *taker,
                                               const struct cemm_document *day, int64_t from,
                                               size_t most, int64_t now)
{
    const struct then then = {entry, taker, from, most, now};

    return pick(day, choose_missing, &then);
}
