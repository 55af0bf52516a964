/*
 * What a source refuses: with 401 or 403, or because it is asked too often
 * (429, Retry-After). Waiting callers get the result at once. Pollers leave
 * that request alone for as long as Retry-After says, and without it longer each
 * time. A key that was refused is read again, because its file may have been
 * rewritten.
 */
#ifndef CEMM_ENGINE_REFUSAL_H
#define CEMM_ENGINE_REFUSAL_H

#include "common/engine/source.h"

/* The last reply to a request. */
struct cemm_last_reply {
    int status;             /* HTTP's; 0: none has come */
    int64_t retry_after_ms; /* -1: not sent */
    unsigned keys;          /* the source's count when the request was sent */
};

/* How many seconds the request will not be repeated, because the source said so; or 0. */
int64_t cemm_refusal_delay(const struct cemm_source *source, const struct cemm_last_reply *reply,
                           int result);

/* A request has ended with `result`. */
void cemm_refusal_note(struct cemm_route *route, const struct cemm_query *query,
                       const struct cemm_last_reply *reply, int result,
                       const struct cemm_message *message);

/* The pause of this request; NULL: it may be sent. A new key ends the pauses of the old one. */
const struct cemm_pause *cemm_refusal_pause(struct cemm_route *route,
                                            const struct cemm_query *query);

/* Whether a request was refused with a key that has been replaced meanwhile. */
bool cemm_refusal_of_old_key(struct cemm_source *source, const struct cemm_last_reply *reply,
                             int result);

#endif
