/*
 * From an answer's bytes to a document. Pure: no network; the time is an
 * argument.
 */
#ifndef CEMM_PROTOCOL_ANSWER_H
#define CEMM_PROTOCOL_ANSWER_H

#include "common/frontend.h"
#include "common/model/document.h"

/* Most bytes that an answer from this endpoint may have. */
size_t cemm_answer_max(enum cemm_endpoint endpoint);

/*
 * Reads the answer to `query`, fetched at `now` (Unix milliseconds): rows of
 * history with a later time are not samples. Takes over `bytes`. Returns 0, -EIO
 * with a message if it does not have the documented form (then nothing of it is
 * used), or -ENOMEM.
 */
int cemm_answer_read(const struct cemm_query *query, char *bytes, size_t length, int64_t now,
                     struct cemm_document **ret_document, struct cemm_message *message);

/*
 * Removes the readings from a realtime answer without `totals` of a meter whose
 * earlier answers had `totals`: the readings of `data` do not match those.
 */
void cemm_answer_drop_readings(struct cemm_document *document);

/*
 * Removes rows outside the period, which lasts from `start` to `end` (Unix
 * milliseconds): they belong to other periods. A row exactly at the end is
 * usual; any other sets `stray`. The day's last reading (TOTALS) may be stamped
 * with its end.
 */
void cemm_answer_bound(struct cemm_document *document, int64_t start, int64_t end);

#endif
