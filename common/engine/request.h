/*
 * Requests to a device through a source. A request waits for a free connection, is sent, is
 * repeated while a promise runs (promise.h), and is reported once.
 *
 * A LAN address may pass to another device. If that may have happened, the request also asks for
 * the root document, which names the device, before it asks for its own document or reports it.
 */
#ifndef CEMM_ENGINE_REQUEST_H
#define CEMM_ENGINE_REQUEST_H

#include "common/engine/source.h"

/* Like cemm_answer_fn, but not called for a request that was aborted. */
typedef void cemm_request_done(void *data, const struct cemm_query *query,
                               const struct cemm_answer *answer);

/* Starts a request; `done` is called later, never by this function, even if the route backs off.
 * Returns NULL if memory runs out. */
struct cemm_request *cemm_request_start(struct cemm_route *route, const struct cemm_query *query,
                                        cemm_request_done *done, void *data);

/* `background`: nobody waits for the request, so others take precedence. Initially false. */
void cemm_request_rank(struct cemm_request *request, bool background);

/* Frees all requests of a source without reporting them. */
void cemm_requests_abort(struct cemm_source *source);

#endif
