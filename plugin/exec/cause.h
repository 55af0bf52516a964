/*
 * How requests ended. Failures with one cause, such as a key that is rejected,
 * are one message. The message of a failed request is "SOURCE: REQUEST: REASON".
 */
#ifndef CEMM_EXEC_CAUSE_H
#define CEMM_EXEC_CAUSE_H

#include <stddef.h>

#include "common/frontend.h"

/* Meters that a message names; more are counted. */
#define CAUSE_METERS_MAX 4

#define CAUSE_PERIODS_SIZE 32 /* room for two dates */

enum finding_kind {
    FINDING_ANSWER,  /* a meter's answer */
    FINDING_PROBLEM, /* a meter, device or source failed */
    FINDING_NOTE,    /* no failure */
};

struct finding {
    enum finding_kind kind;
    char uid[CEMM_UID_SIZE];          /* "": no single device */
    char alias[CEMM_NAME_SIZE];       /* "": no single meter */
    char periods[CAUSE_PERIODS_SIZE]; /* that failed; "" if it is not about periods */
    struct cemm_document *document;
    int result; /* of the request */
    char message[CEMM_MESSAGE_SIZE];
};

struct cause {
    char names[CEMM_MESSAGE_SIZE * 2]; /* "uid/alias, uid/alias and 3 more" */
    struct cemm_message message;       /* for all of them */
};

/* Remembers the message of a failure, so that its cause is not printed again. */
void cause_remember(const char *message);

/* Whether a message with the same source and reason was printed. */
bool cause_was_printed(const char *message);

/* Prints a line of the library, unless that line was printed. */
void cause_print(enum cemm_level level, const char *line);

/* Joins problem or note `index` with all of the same cause. The names are without the uid if that
 * is `device`. False: an earlier one has that cause. */
bool cause_join(const struct finding *findings, size_t count, size_t index, const char *device,
                struct cause *ret_cause);

/* Prints the problems and notes. */
void cause_report(const struct finding *findings, size_t count);

#endif
