#include "common/model/document.h"

#include "common/base/json.h"
#include "common/base/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cemm_document *cemm_document_new(const struct cemm_query *query, char *bytes, size_t length)
{
    struct cemm_document *document = calloc(1, sizeof(*document));

    if (!document) {
        free(bytes);
        return NULL;
    }
    document->references = 1;
    document->query = *query;
    document->bytes = bytes;
    document->length = length;
    return document;
}

struct cemm_document *cemm_document_ref(struct cemm_document *document)
{
    document->references++;
    return document;
}

void cemm_document_unref(struct cemm_document *document)
{
    if (!document || --document->references > 0)
        return;
    free(document->texts);
    free(document->samples);
    free(document->series);
    free(document->io);
    free(document->uids);
    cemm_message_drop(&document->skipped_message);
    free(document->source);
    free(document->deps);
    free(document->bytes);
    free(document);
}

size_t cemm_document_size(const struct cemm_document *document)
{
    return sizeof(*document) + document->length + document->reserved;
}

int cemm_document_reserve(struct cemm_document *document, size_t series, size_t samples)
{
    document->series = calloc(series + 1, sizeof(*document->series));
    document->samples = calloc(samples + 1, sizeof(*document->samples));
    document->reserved = series * sizeof(*document->series) + samples * sizeof(*document->samples);
    return document->series && document->samples ? 0 : -ENOMEM;
}

struct cemm_series *cemm_document_add_series(struct cemm_document *document)
{
    struct cemm_series *series = &document->series[document->series_count];
    struct cemm_sample *samples = document->samples;

    if (document->series_count++ > 0)
        samples = series[-1].samples + series[-1].count;
    *series = (struct cemm_series){.unit = "", .samples = samples};
    return series;
}

int cemm_document_own_texts(struct cemm_document *document)
{
    size_t length = 0;

    for (size_t i = 0; i < document->series_count; i++)
        for (size_t j = 0; j < document->series[i].count; j++)
            length += document->series[i].samples[j].text_length + 1;
    char *text = document->texts = malloc(length + 1);
    if (!text)
        return -ENOMEM;
    document->reserved += length;
    for (size_t i = 0; i < document->series_count; i++)
        for (size_t j = 0; j < document->series[i].count; j++) {
            struct cemm_sample *sample = &document->series[i].samples[j];
            memcpy(text, sample->text, sample->text_length + 1);
            sample->text = text;
            text += sample->text_length + 1;
        }
    return 0;
}

const struct cemm_query *cemm_document_query(const struct cemm_document *document)
{
    return &document->query;
}

const struct cemm_series *cemm_document_series(const struct cemm_document *document,
                                               size_t *ret_count)
{
    *ret_count = document->series_count;
    return document->series;
}

const struct cemm_series *cemm_document_channel(const struct cemm_document *document,
                                                const char *channel)
{
    for (size_t i = 0; i < document->series_count; i++)
        if (strcmp(document->series[i].channel, channel) == 0)
            return &document->series[i];
    return NULL;
}

const char *cemm_document_source(const struct cemm_document *document)
{
    return document->source ? document->source : "";
}

const char *cemm_document_bytes(const struct cemm_document *document, size_t *ret_length)
{
    *ret_length = document->length;
    return document->bytes;
}

/* The bytes have been parsed before, so this fails only if there is no memory. json-c's objects are
 * not kept, because they take too much memory. */
struct json_object *cemm_document_json(const struct cemm_document *document)
{
    struct json_object *root = NULL;

    return cemm_json_parse(document->bytes, document->length, &root, NULL) == 0 ? root : NULL;
}

int64_t cemm_document_fetched(const struct cemm_document *document)
{
    return document->fetched;
}

int64_t cemm_document_newest(const struct cemm_document *document)
{
    return document->newest;
}

int64_t cemm_document_took(const struct cemm_document *document)
{
    return document->took;
}

const char *cemm_document_type(const struct cemm_document *document)
{
    return document->type;
}

bool cemm_document_closed(const struct cemm_document *document)
{
    return document->closed;
}

bool cemm_document_empty(const struct cemm_document *document)
{
    for (size_t i = 0; i < document->series_count; i++)
        if (document->series[i].count > 0)
            return false;
    return true;
}

size_t cemm_document_ahead(const struct cemm_document *document)
{
    return document->ahead;
}

bool cemm_query_has_period(const struct cemm_query *query)
{
    return query->endpoint == CEMM_DATA || query->endpoint == CEMM_TOTALS;
}

int cemm_query_compare(const struct cemm_query *a, const struct cemm_query *b)
{
    int r = strcmp(a->uid.text, b->uid.text);

    if (r == 0)
        r = strcmp(a->alias, b->alias);
    if (r == 0)
        r = (int)a->endpoint - (int)b->endpoint;
    if (r != 0 || !cemm_query_has_period(a))
        return r;
    r = (int)a->period.span - (int)b->period.span;
    return r ? r : cemm_period_compare(&a->period, &b->period);
}
