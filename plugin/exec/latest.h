/*
 * What is known of each meter, while sweeps come and go: what was shown of it
 * last, and whether it could be read the last time.
 */
#ifndef CEMM_EXEC_LATEST_H
#define CEMM_EXEC_LATEST_H

#include "common/cemm.h"

#define LATEST_SOURCE_SIZE (CEMM_NAME_SIZE + 8) /* "cloud " and a name */

struct missed_meter;

/* A meter; a device that failed (no alias); or a source that did (no uid). */
struct latest_entry {
    char uid[CEMM_UID_SIZE];
    char alias[CEMM_NAME_SIZE];
    char source[LATEST_SOURCE_SIZE];
    struct cemm_document *shown; /* kept while it fails: a counter goes on from there */
    struct missed_meter *missed; /* of missed.c, which frees it */
    int64_t asked;               /* monotonic: for its type, last; 0: never */
    bool up;
    bool known;   /* it has been read or has failed before */
    size_t sweep; /* the newest one that was under way when it was heard of last */
};

struct latest {
    struct latest_entry **entries; /* in the order of their names */
    size_t count;
    size_t room;
};

void latest_clear(struct latest *latest);

/* The entry of these names (NULL is ""), made if need be; NULL: no memory. */
struct latest_entry *latest_get(struct latest *latest, const char *uid, const char *alias,
                                const char *source);

/* Forgets the failures of devices and sources that were last heard of before this sweep. */
void latest_forget_failures(struct latest *latest, size_t sweep);

/* All of it as Prometheus's text. The caller frees it. Returns 0 or a negative errno. */
int latest_render(const struct latest *latest, const struct cemm *cemm, const char *before,
                  char **ret_text, size_t *ret_length);

#endif
