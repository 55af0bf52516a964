/*
 * What a source refuses: with 401 or 403, or because it is asked too often
 * (429, Retry-After). Who waits for an answer is told at once; who polls leaves
 * that request alone for a while (pause.h). A key that was refused is read
 * again: its file may have been rewritten.
 */
#ifndef CEMM_ENGINE_REFUSAL_H
#define CEMM_ENGINE_REFUSAL_H

#include "common/engine/source.h"

/* The last answer to a request, as far as that is the question. */
struct cemm_heard {
    int status;      /* HTTP's; 0: none has come */
    int64_t told_ms; /* what Retry-After said; -1: nothing */
    unsigned keys;   /* the source's count when the request was sent */
};

/* For how many seconds it will not be asked again, because the source said so; 0: that is not so.
 */
int64_t cemm_refusal_told(const struct cemm_source *source, const struct cemm_heard *heard,
                          int result);

/* A request has ended so. */
void cemm_refusal_note(struct cemm_route *route, const struct cemm_query *query,
                       const struct cemm_heard *heard, int result, const struct cemm_words *words);

/* The pause of this very request; NULL: it may be sent. A new key ends those of the old one. */
const struct cemm_pause *cemm_refusal_pause(struct cemm_route *route,
                                            const struct cemm_query *query);

/* Whether it was refused with a key that is no longer the one. */
bool cemm_refusal_of_old_key(struct cemm_source *source, const struct cemm_heard *heard,
                             int result);

#endif
