/*
 * From an answer's bytes to a document. Pure: no network, and the time is
 * handed in.
 */
#ifndef CEMM_PROTOCOL_ANSWER_H
#define CEMM_PROTOCOL_ANSWER_H

#include "common/frontend.h"
#include "common/model/document.h"

/* Most bytes that an answer of this endpoint may have (spec §7). */
size_t cemm_answer_max(enum cemm_endpoint endpoint);

/*
 * Reads the answer to `query`, fetched at `now` (Unix milliseconds): rows of
 * history that lie later are no samples. Takes over `bytes`. Returns 0, -EIO
 * with words when it does not fit the API's document (then nothing of it is
 * used), or -ENOMEM.
 */
int cemm_answer_read(const struct cemm_query *query, char *bytes, size_t length, int64_t now,
                     struct cemm_document **ret_document, struct cemm_words *words);

/*
 * Takes the readings out of a realtime answer without `totals` of a meter that
 * has given them before: those of `data` are another set (spec §2).
 */
void cemm_answer_drop_readings(struct cemm_document *document);

/*
 * Takes the rows out that lie outside of a period, which lasts from `start` to
 * `end` (Unix milliseconds): they belong to others. One at the end is usual; any
 * other makes the document a stray one. The day's last reading (TOTALS) may be
 * stamped with its end.
 */
void cemm_answer_bound(struct cemm_document *document, int64_t start, int64_t end);

#endif
