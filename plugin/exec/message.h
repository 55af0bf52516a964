/*
 * Messages on stderr; data never goes there.
 */
#ifndef CEMM_EXEC_MESSAGE_H
#define CEMM_EXEC_MESSAGE_H

#include <stddef.h>

#include "common/frontend.h"

void message_begin(void); /* must be called before the other functions */

void message_print(enum cemm_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints a message after "uid/alias: ", "uid: " or "alias: "; `uid` and `alias` may be "". */
void message_about(enum cemm_level level, const char *uid, const char *alias, const char *message);

/* Prints the message or, if it is "", the text of `r`, a negative errno. */
void message_failure(const struct cemm_message *message, int r);

/* The message of a failed request is "SOURCE: REQUEST: REASON". Returns what follows the first
 * ": "; NULL: there is none. `text` may be NULL. */
const char *message_rest(const char *text);

/* Records that a message was printed. */
void message_remember(const char *message);

/* Whether a message with the same source and reason was printed. */
bool message_was_printed(const char *message);

/* Prints a line from the library, unless it was printed before. Until message_release(), drops
 * lines of CEMM_LOG_INFO and holds back all others: most of these are reported again as the failure
 * of a meter or source. message_release() prints those that were not reported in the meantime. */
void message_once(enum cemm_level level, const char *line);
void message_release(void);

/* When progress will first be shown (monotonic ms); INT64_MAX: never, or it is shown already. */
int64_t message_deadline(void);
bool message_progress_due(void); /* whether progress may be shown, and its time has come */

/* Show "3 of 7 meters …" (`what` is "meter"), or what is being done, until message_clear(). */
void message_progress(size_t done, size_t total, const char *what);
void message_busy(const char *what);
void message_clear(void);

/* Replaces control characters, which could control a terminal. */
void message_sanitize(char *text, char instead);

#endif
