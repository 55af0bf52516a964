/*
 * Messages for people. They never contain a key. A text that is too long is
 * truncated.
 */
#ifndef CEMM_BASE_WORDS_H
#define CEMM_BASE_WORDS_H

#include "common/frontend.h"

/* As cemm_words_set(). Returns `error`, for a function that ends with both. */
int cemm_words_fail(struct cemm_words *words, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Keeps a copy in *slot, which is allocated when it is needed: few of thousands
 * of devices have a message. cemm_words_kept() has a text for an empty slot, too:
 * there was no memory for a message.
 */
void cemm_words_keep(struct cemm_words **slot, const struct cemm_words *words);
void cemm_words_drop(struct cemm_words **slot);
const struct cemm_words *cemm_words_kept(struct cemm_words *const *slot);

/*
 * Copies a text from outside so that it can be printed on one line: control
 * characters become '?', at most `size` - 1 characters. Returns `ret`.
 */
const char *cemm_words_quote(const char *text, char *ret, unsigned size);

#endif
