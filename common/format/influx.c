/*
 * InfluxDB line protocol: fields are the channels, as floats, in the
 * API's units, sorted by name as InfluxDB advises; times in nanoseconds. Names
 * that reach this place need no escaping (cemm_name_valid()).
 *
 * Gas, months and years of history carry a tag with their period, so that an
 * amount never lands in the series of a meter reading. Gas by the
 * minute is another field than gas by the hour.
 */
#include "common/format/format.h"

#include "common/model/channel.h"

#include <string.h>

const char *cemm_history_tag(const struct cemm_query *query, const char *channel)
{
    static const char *const spans[] = {
        [CEMM_DAY] = "day", [CEMM_MONTH] = "month", [CEMM_YEAR] = "year"};
    bool tagged = query->endpoint == CEMM_DATA &&
                  (query->period.span != CEMM_DAY || strcmp(channel, "gas") == 0);

    return tagged ? spans[query->period.span] : NULL;
}

static void write_tags(struct cemm_buffer *out, const struct cemm_query *query, const char *tag)
{
    cemm_buffer_text(out, "cemm,uid=");
    cemm_buffer_text(out, query->uid.text);
    cemm_buffer_text(out, ",alias=");
    cemm_buffer_text(out, query->alias);
    if (tag) {
        cemm_buffer_text(out, ",period=");
        cemm_buffer_text(out, tag);
    }
}

/* Writes the line of this moment, of the series with a tag or of those without. Returns whether
 * there are others. */
static bool write_line(struct cemm_buffer *out, const struct cemm_query *query,
                       const struct cemm_merge *merge, bool tagged)
{
    bool any = false, others = false;

    for (size_t i = 0; i < merge->count; i++) {
        const struct cemm_series *series = &merge->series[i];
        const struct cemm_sample *sample = cemm_merge_sample(merge, i);
        const char *tag = sample ? cemm_history_tag(query, series->channel) : NULL;
        if (!sample || (tag != NULL) != tagged) {
            others |= sample != NULL;
            continue;
        }
        if (!any)
            write_tags(out, query, tag);
        cemm_buffer_char(out, any ? ',' : ' ');
        cemm_buffer_text(out, cemm_row_channel(query, series, sample));
        cemm_buffer_char(out, '=');
        cemm_buffer_append(out, sample->text, sample->text_length);
        any = true;
    }
    if (any) {
        cemm_buffer_char(out, ' ');
        cemm_buffer_integer(out, merge->time);
        cemm_buffer_text(out, "000000\n");
    }
    return others;
}

void cemm_write_influx(struct cemm_buffer *out, const struct cemm_document *document,
                       const struct cemm_merge *merge)
{
    if (write_line(out, &document->query, merge, false))
        write_line(out, &document->query, merge, true);
}
