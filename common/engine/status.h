/*
 * What the API's statuses mean to us, and the words for what went wrong.
 */
#ifndef CEMM_ENGINE_STATUS_H
#define CEMM_ENGINE_STATUS_H

#include "common/engine/source.h"

/* What was asked of whom, and why it failed: "local home: device information of 192.168.2.115: …"
 */
void cemm_status_words(const struct cemm_source *source, const struct cemm_query *query,
                       const char *reason, struct cemm_words *ret_words);

/* Whether current values hold no sample at all, which is a failure, and why. */
bool cemm_status_empty(const struct cemm_document *document, struct cemm_words *ret_words);

/* The API's response codes (both documents): an enum cemm_outcome or a negative errno, and why. */
int cemm_status_result(int status, struct cemm_words *ret_reason);

#endif
