/*
 * cemmfs's CSV files, after RFC 4180 with bare newlines. Names and
 * numbers need no quoting, because the parser has checked them.
 */
#include "common/format/format.h"

static void write_newest(struct cemm_buffer *out, const struct cemm_document *document,
                         const struct cemm_zone *zone)
{
    char time[CEMM_TIME_SIZE];

    cemm_buffer_text(out, "channel,value,unit,time\n");
    for (size_t i = 0; i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        if (series->count == 0) {
            cemm_buffer_format(out, "%s,,%s,\n", series->channel, series->unit);
            continue;
        }
        const struct cemm_sample *sample = &series->samples[series->count - 1];
        cemm_time_format(zone, sample->time, time);
        cemm_buffer_format(out, "%s,%.*s,%s,%s\n", series->channel, (int)sample->text_length,
                           sample->text, series->unit, time);
    }
}

static void write_history(struct cemm_buffer *out, const struct cemm_document *document,
                          const struct cemm_zone *zone)
{
    struct cemm_merge merge = {.series = document->series, .count = document->series_count};
    char time[CEMM_TIME_SIZE];

    cemm_buffer_text(out, "time");
    for (size_t i = 0; i < document->series_count; i++)
        cemm_buffer_format(out, ",%s", document->series[i].channel);
    cemm_buffer_char(out, '\n');
    while (cemm_merge_next(&merge)) {
        cemm_time_format(zone, merge.time, time);
        cemm_buffer_text(out, time);
        for (size_t i = 0; i < merge.count; i++) {
            const struct cemm_sample *sample = cemm_merge_sample(&merge, i);
            cemm_buffer_char(out, ',');
            if (sample)
                cemm_buffer_append(out, sample->text, sample->text_length);
        }
        cemm_buffer_char(out, '\n');
    }
}

void cemm_write_csv(struct cemm_buffer *out, const struct cemm_document *document,
                    const struct cemm_zone *zone)
{
    switch (document->query.endpoint) {
    case CEMM_DATA:
    case CEMM_TOTALS:
        write_history(out, document, zone);
        break;
    case CEMM_IO:
    case CEMM_INFO:
        cemm_write_table(out, document);
        break;
    default:
        write_newest(out, document, zone);
    }
}
