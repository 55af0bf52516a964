/*
 * From a document to text, one file a form. Pure: the zone is handed in. Each
 * writes into a capped buffer, whose sticky error the caller looks at.
 */
#ifndef CEMM_FORMAT_FORMAT_H
#define CEMM_FORMAT_FORMAT_H

#include "common/base/buffer.h"
#include "common/model/document.h"

/* The received bytes, indented anew by two, with a newline at the end; nothing else is touched. */
void cemm_write_json(struct cemm_buffer *out, const struct cemm_document *document);

/* cemmfs's CSV: `channel,value,unit,time` for realtime and totals, `time,<channel>…` for history;
 * of IO and INFO answers there is none. */
void cemm_write_csv(struct cemm_buffer *out, const struct cemm_document *document,
                    const struct cemm_zone *zone);

/* InfluxDB line protocol: one line for each distinct time, oldest first. */
void cemm_write_influx(struct cemm_buffer *out, const struct cemm_document *document);

/* One row a sample: uid, alias, channel, value, unit, time. A channel that was never read has one
 * row, with neither value nor time. */
void cemm_write_csv_rows(struct cemm_buffer *out, const struct cemm_document *document,
                         const struct cemm_zone *zone);
void cemm_write_json_rows(struct cemm_buffer *out, const struct cemm_document *document,
                          const struct cemm_zone *zone);

/*
 * Walks several series side by side, oldest first: one step for each distinct
 * time. `position` has one entry a series, zeroed at the start.
 */
struct cemm_merge {
    const struct cemm_series *series;
    size_t count;
    size_t position[256];
    int64_t time; /* of this step */
};

/* Moves to the next time; false at the end. */
bool cemm_merge_next(struct cemm_merge *merge);

/* This step's sample of series `index`, or NULL. */
const struct cemm_sample *cemm_merge_sample(const struct cemm_merge *merge, size_t index);

#endif
