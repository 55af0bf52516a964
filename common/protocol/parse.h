/*
 * From an answer's bytes to a document. Pure: no network, and the time is
 * handed in.
 */
#ifndef CEMM_PROTOCOL_PARSE_H
#define CEMM_PROTOCOL_PARSE_H

#include "common/cemm.h"
#include "common/model/document.h"

/*
 * Reads the answer to `query`, fetched at `now` (Unix milliseconds): rows of
 * history that lie later are no samples. Takes over `bytes`, which must be
 * terminated behind `length`. Returns 0, -EIO with words when it does not fit
 * the API's document (then nothing of it is used), or -ENOMEM.
 */
int cemm_parse(const struct cemm_query *query, char *bytes, size_t length, int64_t now,
               struct cemm_document **ret_document, struct cemm_words *words);

#endif
