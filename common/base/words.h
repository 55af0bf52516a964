/*
 * What went wrong, in words for people: made once, where the fact is known,
 * never with a key in it. A text that does not fit is cut, which is all right
 * for a message and for nothing else.
 */
#ifndef CEMM_BASE_WORDS_H
#define CEMM_BASE_WORDS_H

#include "common/frontend.h"

/*
 * Keeps a copy in *slot, which is allocated when there is something to keep:
 * of thousands of devices few have anything to say. Without memory the slot
 * stays NULL, which cemm_words_kept() reads as just that.
 */
void cemm_words_keep(struct cemm_words **slot, const struct cemm_words *words);
void cemm_words_drop(struct cemm_words **slot);
const struct cemm_words *cemm_words_kept(struct cemm_words *const *slot);

/*
 * Copies a text that came from outside so that it can be shown on one line:
 * control characters become '?', at most `size` - 1 characters. Returns `ret`.
 */
const char *cemm_words_quote(const char *text, char *ret, unsigned size);

#endif
