/*
 * Messages for people, and texts written by people. Messages never contain a key; a message that is
 * too long is truncated.
 */
#ifndef CEMM_BASE_MESSAGE_H
#define CEMM_BASE_MESSAGE_H

#include "common/frontend.h"

/* Sets a message. As an expression its value is `error`, for a return statement. */
#define cemm_message_fail(message, error, ...) (cemm_message_set(message, __VA_ARGS__), (error))

/* Copies a text to *slot, which is allocated at its first use, because most devices never have a
 * message. cemm_message_kept() returns a text even if there was no memory for the copy. */
void cemm_message_keep(struct cemm_message **slot, const char *text);
void cemm_message_drop(struct cemm_message **slot);
const char *cemm_message_kept(struct cemm_message *const *slot);

/* Copies at most `size` - 1 characters of a text from outside. Replaces all but printable ASCII by
 * '?', so that the text is safe on a terminal. Returns `ret`. */
const char *cemm_message_quote(const char *text, char *ret, unsigned size);

/* Removes the blanks from both ends of a text, in place. Returns where the text then begins. */
#define CEMM_BLANK " \t\r\n\v\f"
char *cemm_text_trim(char *text);

/* Whether a text is not empty, and has only printable ASCII characters other than the space. */
bool cemm_text_printable(const char *text);

#endif
