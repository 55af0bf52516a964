/*
 * Messages for people, and texts from people. Messages never contain a key; a message that is too
 * long is truncated.
 */
#ifndef CEMM_BASE_MESSAGE_H
#define CEMM_BASE_MESSAGE_H

#include "common/frontend.h"

/* Sets a message. Its value is `error`, for a return statement. */
#define cemm_message_fail(message, error, ...) (cemm_message_set(message, __VA_ARGS__), (error))

/* Keeps a copy in *slot, which is allocated only now, because few of thousands of devices have a
 * message. cemm_message_kept() returns a text even if there was no memory for the copy. */
void cemm_message_keep(struct cemm_message **slot, const char *text);
void cemm_message_drop(struct cemm_message **slot);
const char *cemm_message_kept(struct cemm_message *const *slot);

/* Copies at most `size` - 1 characters of a text from outside. All but printable ASCII becomes '?',
 * so that the text is safe on a terminal. Returns `ret`. */
const char *cemm_message_quote(const char *text, char *ret, unsigned size);

/* Strips blanks from both ends of a text. */
#define CEMM_BLANK " \t\r\n\v\f"
char *cemm_text_trim(char *text);

/* Whether a text has only printable ASCII characters, no space, and at least one of them. */
bool cemm_text_printable(const char *text);

#endif
