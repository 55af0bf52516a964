/*
 * Reads the response to a request: a document, or the reason why there is none.
 */
#ifndef CEMM_ENGINE_REPLY_H
#define CEMM_ENGINE_REPLY_H

#include "common/engine/source.h"

/* Returns 0 with a document, or an enum cemm_outcome or a negative errno with a reason for people.
 * Logs what was left out of the document. If it takes over `response->body`, sets that to NULL. */
int cemm_reply_read(struct cemm_route *route, const struct cemm_query *query,
                    struct cemm_http_response *response, struct cemm_document **ret_document,
                    struct cemm_message *ret_reason);

/* The name of a document in messages: "00-1E-C0-85-96-CC p1 data 2024-03-31". */
void cemm_reply_name(const struct cemm_query *query, struct cemm_message *ret_name);

/* The message of a request that failed: "local home: device information of 192.168.2.115: …" */
void cemm_reply_message(const struct cemm_source *source, const struct cemm_query *query,
                        const char *reason, struct cemm_message *ret_message);

/* Whether a realtime document has no sample. If so, *ret_message describes this as a failure. */
bool cemm_reply_is_empty(const struct cemm_document *document, struct cemm_message *ret_message);

#endif
