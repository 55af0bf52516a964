/*
 * Renders documents as text. The text depends only on the arguments (the zone is an argument, too).
 * The writers write into a buffer with a limit; the caller checks the buffer's error at the end.
 */
#ifndef CEMM_FORMAT_FORMAT_H
#define CEMM_FORMAT_FORMAT_H

#include "common/base/buffer.h"
#include "common/base/limits.h"
#include "common/model/document.h"

/* Writes cemmfs's CSV: `channel,value,unit,time` for realtime, `time,<channel>…` for history and
 * totals; IO and INFO answers as a table. */
void cemm_write_csv(struct cemm_buffer *out, const struct cemm_document *document,
                    const struct cemm_zone *zone);

/* Writes history as OpenMetrics, series by series, oldest sample first; without HELP and TYPE. */
void cemm_write_openmetrics(struct cemm_buffer *out, const struct cemm_document *document);

/* Walks several series side by side, oldest first: one step for each distinct time. All zeroes at
 * first, except `series` and `count`. */
struct cemm_merge {
    const struct cemm_series *series;
    size_t count;
    size_t position[CEMM_CHANNELS_MAX];
    int64_t time; /* the time of this step; INT64_MAX at the end */
};

/* Moves to the next time. Returns false at the end. */
bool cemm_merge_next(struct cemm_merge *merge);

/* Returns the sample that series `index` has at this step's time, or NULL if it has none. */
const struct cemm_sample *cemm_merge_sample(const struct cemm_merge *merge, size_t index);

#endif
