/*
 * The latest answer of each meter, and whether it could be read.
 */
#ifndef CEMM_EXEC_LATEST_H
#define CEMM_EXEC_LATEST_H

#include "plugin/exec/missed.h"

#define LATEST_SOURCE_SIZE (CEMM_NAME_SIZE + 8)

/* A meter, a device that failed (no alias) or a source that failed (no uid). */
struct latest_entry {
    char uid[CEMM_UID_SIZE];
    char alias[CEMM_NAME_SIZE];
    char source[LATEST_SOURCE_SIZE];
    struct cemm_document *shown; /* kept while the meter fails, so that counters continue */
    struct missed_meter missed;
    int64_t asked; /* last request for its type (monotonic); 0: never */
    bool up;
    size_t sweep; /* newest sweep when it answered; 0: not yet */
};

struct latest {
    void *tree; /* of tsearch() */
    size_t count;
};

void latest_clear(struct latest *latest);

/* Finds or makes the entry (NULL is ""), which does not move. NULL: no memory. */
struct latest_entry *latest_get(struct latest *latest, const char *uid, const char *alias,
                                const char *source);

/* Renders all for Prometheus, but no failures of devices and sources from before `sweep`. The
 * caller frees it. Returns 0 or a negative errno. */
int latest_render(const struct latest *latest, size_t sweep, const struct cemm *cemm,
                  const char *before, char **ret_text, size_t *ret_length);

#endif
