/*
 * One request to one device through one source: queued until a connection is free, sent, repeated
 * while a promise runs (promise.h), and reported once.
 *
 * A LAN address may pass to another device. If that may have happened, the request also asks for
 * the root document, once: before its own document, or before it reports the one that it has.
 */
#ifndef CEMM_ENGINE_REQUEST_H
#define CEMM_ENGINE_REQUEST_H

#include "common/engine/source.h"

/* Like cemm_answer_fn. */
typedef void cemm_request_done(void *data, const struct cemm_query *query,
                               const struct cemm_answer *answer);

/* Starts a request; `done` runs later, never inside this function, even if the route backs off.
 * NULL: no memory. */
struct cemm_request *cemm_request_start(struct cemm_route *route, const struct cemm_query *query,
                                        cemm_request_done *done, void *data);

/* Sets whether nobody waits for it, so that others in the queue go first; at first false. */
void cemm_request_rank(struct cemm_request *request, bool background);

/* Ends all requests of a source without reporting. */
void cemm_requests_abort(struct cemm_source *source);

#endif
