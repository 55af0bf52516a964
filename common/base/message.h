/*
 * Messages for people. They never contain a key. A text that is too long is
 * truncated.
 */
#ifndef CEMM_BASE_MESSAGE_H
#define CEMM_BASE_MESSAGE_H

#include "common/frontend.h"

/* cemm_message_set(), then `error`, for a function that ends with both. */
#define cemm_message_fail(message, error, ...) (cemm_message_set(message, __VA_ARGS__), (error))

/*
 * Keeps a copy in *slot, which is allocated when it is needed: few of thousands
 * of devices have a message. cemm_message_kept() has a text even if the slot is
 * empty because there was no memory.
 */
void cemm_message_keep(struct cemm_message **slot, const struct cemm_message *message);
void cemm_message_drop(struct cemm_message **slot);
const struct cemm_message *cemm_message_kept(struct cemm_message *const *slot);

/*
 * Copies a text from outside so that it can be printed on one line: control
 * characters become '?', at most `size` - 1 characters. Returns `ret`.
 */
const char *cemm_message_quote(const char *text, char *ret, unsigned size);

#endif
