/*
 * What came in answer to a request: the document, or why there is none. What
 * was wrong with a part of it, or with a list as a whole, is logged here.
 */
#ifndef CEMM_ENGINE_REPLY_H
#define CEMM_ENGINE_REPLY_H

#include "common/engine/source.h"

/* 0 with the document, else an enum cemm_outcome or a negative errno with the reason for people.
 * What it takes of the response's body, it leaves NULL there. */
int cemm_reply_read(struct cemm_route *route, const struct cemm_query *query,
                    struct cemm_http_response *response, struct cemm_document **ret_document,
                    struct cemm_words *ret_reason);

/* Logs that a list of devices or meters failed, or is all right again, each once. Of documents, the
 * cache does so; it never sees the lists. */
void cemm_reply_log_list(struct cemm_route *route, const struct cemm_query *query, int result,
                         const struct cemm_words *words);

/* The message of a request that failed: "local home: device information of 192.168.2.115: …" */
void cemm_reply_message(const struct cemm_source *source, const struct cemm_query *query,
                        const char *reason, struct cemm_words *ret_words);

/* Whether current values hold no sample at all, which is a failure, and why. */
bool cemm_reply_is_empty(const struct cemm_document *document, struct cemm_words *ret_words);

#endif
