/*
 * Makes a document from some samples of another document: the samples that are to be sent now, or
 * that were missed. The new document has its own copies of the texts.
 */
#include "common/model/document.h"
#include "common/model/ledger.h"

#include <errno.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)

/* Makes a document with room for all samples of another one. Returns NULL if there is no memory. */
static struct cemm_document *begin(const struct cemm_document *document)
{
    struct cemm_document *picked = cemm_document_new(&document->query, NULL, 0);
    size_t samples = 0;

    for (size_t i = 0; i < document->series_count; i++)
        samples += document->series[i].count;
    if (!picked || cemm_document_reserve(picked, document->series_count, samples) < 0 ||
        !(picked->source = strdup(cemm_document_source(document)))) {
        cemm_document_unref(picked);
        return NULL;
    }
    memcpy(picked->type, document->type, sizeof(picked->type));
    picked->fetched = document->fetched;
    picked->ahead = document->ahead;
    return picked;
}

/* Appends a series with the properties of another one, but without samples. */
static struct cemm_series *add(struct cemm_document *picked, const struct cemm_series *series)
{
    struct cemm_series *added = cemm_document_add_series(picked);

    strcpy(added->channel, series->channel);
    added->unit = series->unit;
    added->total = series->total;
    return added;
}

/* Completes the document. If `r` is negative, or there is no memory, frees it and returns NULL. */
static struct cemm_document *end(struct cemm_document *picked, int r)
{
    if (r < 0 || cemm_document_own_texts(picked) < 0) {
        cemm_document_unref(picked);
        return NULL;
    }
    for (size_t i = 0; i < picked->series_count; i++) {
        const struct cemm_series *series = &picked->series[i];
        if (!series->total && series->samples[series->count - 1].time > picked->newest)
            picked->newest = series->samples[series->count - 1].time;
    }
    return picked;
}

/* Picks the sample of a realtime series if it is to be sent now, else the sample in `shown`,
 * the document that was sent before. */
static int pick_new(struct cemm_document *picked, struct cemm_ledger *ledger,
                    const struct cemm_document *document, const struct cemm_series *series,
                    const struct cemm_document *shown)
{
    struct cemm_ledger_entry *entry =
        cemm_ledger_entry(ledger, &document->query.uid, document->query.alias, series->channel);
    const struct cemm_series *from = shown ? cemm_document_channel(shown, series->channel) : NULL;

    if (!entry)
        return -ENOMEM;
    if (series->count > 0 && cemm_ledger_accept(entry, document, series->samples))
        from = series;
    if (series->count == 0 || !from)
        return 0;
    struct cemm_series *added = add(picked, series);
    added->samples[added->count++] = from->samples[0];
    (void)cemm_ledger_cadence(entry, &added->cadence);
    return 0;
}

struct cemm_document *cemm_ledger_pick(struct cemm_ledger *ledger,
                                       const struct cemm_document *document,
                                       const struct cemm_document *shown)
{
    struct cemm_document *picked = begin(document);
    int r = picked ? 0 : -ENOMEM;

    for (size_t i = 0; i < document->series_count && r == 0; i++)
        r = pick_new(picked, ledger, document, &document->series[i], shown);
    return end(picked, r);
}

struct cemm_document *cemm_ledger_pick_missing(struct cemm_ledger_entry *entry, const char *sink,
                                               const struct cemm_document *day, int64_t from,
                                               size_t most, int64_t limit)
{
    const struct cemm_series *series = cemm_document_channel(day, entry->channel);
    struct cemm_document *picked = begin(day);
    int64_t missing = from, until = 0, last = 0;

    if (!picked || !series)
        return picked;
    struct cemm_series *added = add(picked, series);
    for (size_t i = 0; i < series->count && added->count < most; i++) {
        int64_t minute = series->samples[i].time / MINUTE_MS * MINUTE_MS;
        if (minute < from)
            continue;
        if (minute >= until && !cemm_ledger_missing(entry, sink, minute, limit, &missing, &until))
            break; /* no later minute is missing */
        if (minute < missing || minute == last)
            continue;
        last = minute;
        added->samples[added->count++] = series->samples[i];
    }
    picked->series_count -= added->count == 0;
    return end(picked, 0);
}
