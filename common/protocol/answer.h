/*
 * Makes a document from an answer's bytes. Pure: no network; the time is an argument.
 */
#ifndef CEMM_PROTOCOL_ANSWER_H
#define CEMM_PROTOCOL_ANSWER_H

#include "common/frontend.h"
#include "common/model/document.h"

/* The largest number of bytes that an answer from this endpoint may have. */
size_t cemm_answer_max(enum cemm_endpoint endpoint);

/* Reads the answer to `query`, fetched at `now` (Unix milliseconds). Leaves out rows of history
 * with a later time, as future rows. Takes over `bytes`. Returns 0; -EIO with a message if the
 * answer does not have the documented form; or -ENOMEM. */
int cemm_answer_read(const struct cemm_query *query, char *bytes, size_t length, int64_t now,
                     struct cemm_document **ret_document, struct cemm_message *message);

/* Removes a realtime answer's meter readings. Called if it has no `totals` although earlier answers
 * from the meter had it: the readings in `data` do not match those in `totals`. */
void cemm_answer_drop_readings(struct cemm_document *document);

/* Removes rows outside the period, which lasts from `start` to `end` (Unix milliseconds), and sets
 * `stray` if there are any. A row exactly at `end` is usual, and does not set `stray`; TOTALS keep
 * it, because the day's last reading may have that time. */
void cemm_answer_bound(struct cemm_document *document, int64_t start, int64_t end);

#endif
