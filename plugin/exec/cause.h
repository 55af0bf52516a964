/*
 * Failures with one cause, such as a key that is rejected, are one message. A
 * failed request says "SOURCE: REQUEST: REASON".
 */
#ifndef CEMM_EXEC_CAUSE_H
#define CEMM_EXEC_CAUSE_H

#include <stddef.h>

#include "common/frontend.h"

/* Meters that a message names; more are counted. */
#define CAUSE_METERS_MAX 4

struct failure {
    const char *uid;   /* "": no single device */
    const char *alias; /* "": no single meter */
    int result;
    const char *words;
};

struct cause {
    struct failure first;
    size_t count;
    bool one_device;
    bool one_request;                 /* all messages are equal */
    char meters[CEMM_WORDS_SIZE * 2]; /* "uid/alias, uid/alias and 3 more" */
    char aliases[CEMM_WORDS_SIZE * 2];
};

/* Whether two messages have the same source and reason. */
bool cause_equal(const char *words, const char *others);

/* Whether they have one cause: the same message, or the same reason, which is that a device does
 * not answer or that a source rejects the key. Other failures are a meter's own. */
bool cause_same(const struct failure *a, const struct failure *b);

/* Adds a failure; the first one begins a cause that is all 0. */
void cause_add(struct cause *cause, const struct failure *failure);

/* Ends the names and makes the message for all, without them. */
void cause_end(struct cause *cause, struct cemm_words *ret_words);

#endif
