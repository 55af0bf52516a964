/*
 * Renders documents as text, one file per form. Pure: the zone is an argument.
 * Each function writes into a buffer with a limit, whose error the caller
 * checks at the end.
 */
#ifndef CEMM_FORMAT_FORMAT_H
#define CEMM_FORMAT_FORMAT_H

#include "common/base/buffer.h"
#include "common/base/limits.h"
#include "common/model/document.h"

/* The whole document, indented by two, with a newline at the end. */
void cemm_write_json(struct cemm_buffer *out, const struct cemm_document *document);

/* cemmfs's CSV: `channel,value,unit,time` for realtime, `time,<channel>…` for history and totals;
 * IO and INFO answers as a table. */
void cemm_write_csv(struct cemm_buffer *out, const struct cemm_document *document,
                    const struct cemm_zone *zone);

/* A column for each member, a row for each entry of `data`. */
void cemm_write_table(struct cemm_buffer *out, const struct cemm_document *document);

/* The row of a sample; of a channel that was never read (`sample` NULL), one with neither value nor
 * time, which putval does not have. */
typedef void cemm_write_row(struct cemm_buffer *out, const struct cemm_document *document,
                            const struct cemm_series *series, const struct cemm_sample *sample,
                            const struct cemm_render_options *options);
cemm_write_row cemm_write_csv_row;
cemm_write_row cemm_write_json_row;
cemm_write_row cemm_write_putval_row;

struct cemm_merge;

/* The lines of the moment that `merge` has come to. It walks the document's series. */
void cemm_write_influx(struct cemm_buffer *out, const struct cemm_document *document,
                       const struct cemm_merge *merge);

/* History as OpenMetrics, series by series, oldest sample first; without HELP and TYPE. */
void cemm_write_openmetrics(struct cemm_buffer *out, const struct cemm_document *document);

/* The shortest text that reads back as the same number; it must be finite. */
void cemm_write_number(struct cemm_buffer *out, double number);

/* "day", "month", "year" where a channel's history is no continuation of its realtime:
 * gas, months, years. Else NULL. */
const char *cemm_history_tag(const struct cemm_query *query, const char *channel);

/*
 * Walks several series side by side, oldest first: one step for each distinct
 * time. `position` has one entry a series, zeroed at the start.
 */
struct cemm_merge {
    const struct cemm_series *series;
    size_t count;
    size_t position[CEMM_CHANNELS_MAX];
    int64_t time; /* of this step */
};

/* Moves to the next time; false at the end. */
bool cemm_merge_next(struct cemm_merge *merge);

/* This step's sample of series `index`, or NULL. */
const struct cemm_sample *cemm_merge_sample(const struct cemm_merge *merge, size_t index);

#endif
