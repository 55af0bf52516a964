/*
 * A string as JSON writes it (RFC 8259 §7): whether it is one, and what it says.
 */
#ifndef CEMM_BASE_QUOTED_H
#define CEMM_BASE_QUOTED_H

#include "common/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* Moves *p, which stands on the opening quote of a text that ends in a NUL, behind the closing one.
 * False: it is none, and *p stands at what is wrong, such as bytes that are no UTF-8. */
bool cemm_quoted_skip(const char **p);

/* Appends what a string says that was skipped so, without its quotes and escapes; `length` counts
 * the quotes. Half of a surrogate pair and NUL, which would cut a text, become U+FFFD. */
void cemm_quoted_decode(struct cemm_buffer *out, const char *string, size_t length);

/* Whether there is a \u0000 in such a string. */
bool cemm_quoted_holds_nul(const char *string, size_t length);

#endif
