/* Promises: documents that are not available immediately. See promise.c. */
#pragma once

#include "answer.h"
#include "options.h"

#include <stdint.h>
#include <sys/queue.h>

struct promise;

struct promises {
    const struct options *options;
    uint64_t last_id;
    TAILQ_HEAD(promise_list, promise) list; /* oldest first */
    void *tree;                             /* the same promises, by request */
};

void promises_begin(struct promises *promises, const struct options *options);
void promises_end(struct promises *promises);

/* Replaces a 200 with a 202 until the promised time has passed since the first such request.
 * Returns 0 or -ENOMEM. */
int promise_gate(struct promises *promises, const char *request, int64_t now_ms,
                 struct answer *answer);
/* Returns the id of a new promise. */
uint64_t promise_next(struct promises *promises);
/* Replaces the answer with the 202 of a promise. Returns 0 or -ENOMEM. */
int promise_answer(struct promises *promises, uint64_t id, struct answer *answer);
