/*
 * Requests that wait for a free connection of a source, and which is next:
 * first come, first served, but no device holds up the others.
 */
#ifndef CEMM_ENGINE_QUEUE_H
#define CEMM_ENGINE_QUEUE_H

#include "common/engine/source.h"

enum cemm_place {
    CEMM_QUEUED,  /* ready to be sent */
    CEMM_SENT,    /* it has a connection */
    CEMM_WAITING, /* for something else */
};

/* A request's place in the queues. The request's struct begins with it. */
struct cemm_queued {
    struct cemm_route *route;
    enum cemm_place place;
    bool begun;    /* it has been sent once: from then on it goes before those that have not */
    bool later;    /* nobody is in a hurry for it */
    int64_t since; /* when it came to its place */
    TAILQ_ENTRY(cemm_queued) link;
};

/* Its first place: waiting. */
void cemm_queue_enter(struct cemm_queued *queued);
void cemm_queue_leave(struct cemm_queued *queued);

void cemm_queue_move(struct cemm_queued *queued, enum cemm_place place);

/* The next request to be sent. NULL: none may be. */
struct cemm_queued *cemm_queue_next(const struct cemm_source *source);

#endif
