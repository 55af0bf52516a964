/*
 * Messages on stderr; data never goes there.
 */
#ifndef CEMM_EXEC_MESSAGE_H
#define CEMM_EXEC_MESSAGE_H

#include <stddef.h>

#include "common/frontend.h"

/* Must be called first. */
void message_begin(void);

void message_print(enum cemm_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Like message_print(), with "uid/alias: " or "uid: " in front. */
void message_about(enum cemm_level level, const char *uid, const char *alias, const char *message);

/* Prints the message, or (if it is "") the error `r`, a negative errno. */
void message_failure(const struct cemm_message *message, int r);

/* The message of a failed request is "SOURCE: REQUEST: REASON". Returns what follows the next
 * ": "; NULL: there is none. `text` may be NULL. */
const char *message_rest(const char *text);

/* Remembers a message as printed. */
void message_remember(const char *message);

/* Whether a message with the same source and reason was printed. */
bool message_was_printed(const char *message);

/* Prints a line from the library, unless it was printed. Until message_release(), warnings are
 * kept, because most of them are reported again as the failure of a meter or source. Then those
 * whose cause was not printed are printed. */
void message_once(enum cemm_level level, const char *line);
void message_release(void);

/* When progress is to be shown (monotonic milliseconds); INT64_MAX: never, or it is already. */
int64_t message_deadline(void);
bool message_shows_progress(void);

/* Shows "3 of 7 meters …", or what is being done; message_clear() erases it if possible. */
void message_progress(size_t done, size_t total, const char *what);
void message_busy(const char *what);
void message_clear(void);

/* Replaces control characters, which could control a terminal. */
void message_sanitize(char *text, char instead);

#endif
