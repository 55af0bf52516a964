/*
 * InfluxDB line protocol (spec §6): fields are the channels, as floats, in the
 * API's units, sorted by name as InfluxDB advises; times in nanoseconds. Names
 * that reach this place need no escaping (cemm_name_valid()).
 *
 * Gas, months and years of history carry a tag with their period, so that an
 * amount never lands in the series of a meter reading (spec §2).
 */
#include "common/format/format.h"

#include "common/base/limits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_channel(const void *left, const void *right)
{
    const struct cemm_series *a = left;
    const struct cemm_series *b = right;

    return strcmp(a->channel, b->channel);
}

static bool tagged(const struct cemm_query *query, const struct cemm_series *series)
{
    return query->endpoint == CEMM_DATA &&
           (query->period.span != CEMM_DAY || strcmp(series->channel, "gas") == 0);
}

static void write_tags(struct cemm_buffer *out, const struct cemm_query *query, bool tag)
{
    static const char *const spans[] = {
        [CEMM_DAY] = "day", [CEMM_MONTH] = "month", [CEMM_YEAR] = "year"};

    cemm_buffer_format(out, "cemm,uid=%s,alias=%s", query->uid.text, query->alias);
    if (tag)
        cemm_buffer_format(out, ",period=%s", spans[query->period.span]);
}

/* The line of this step's time, from the series that are tagged or from those that are not. */
static void write_line(struct cemm_buffer *out, const struct cemm_query *query,
                       const struct cemm_merge *merge, bool tag)
{
    bool any = false;

    for (size_t i = 0; i < merge->count; i++) {
        const struct cemm_series *series = &merge->series[i];
        const struct cemm_sample *sample = cemm_merge_sample(merge, i);
        if (!sample || tagged(query, series) != tag)
            continue;
        if (!any)
            write_tags(out, query, tag);
        cemm_buffer_format(out, "%c%s=", any ? ',' : ' ', series->channel);
        cemm_buffer_append(out, sample->text, sample->text_length);
        any = true;
    }
    if (any)
        cemm_buffer_format(out, " %" PRId64 "000000\n", merge->time);
}

void cemm_write_influx(struct cemm_buffer *out, const struct cemm_document *document)
{
    struct cemm_series sorted[CEMM_CHANNELS_MAX];
    struct cemm_merge merge = {.series = sorted, .count = document->series_count};

    if (document->series_count)
        memcpy(sorted, document->series, document->series_count * sizeof(*sorted));
    qsort(sorted, document->series_count, sizeof(*sorted), by_channel);
    while (cemm_merge_next(&merge)) {
        write_line(out, &document->query, &merge, false);
        write_line(out, &document->query, &merge, true);
    }
}
