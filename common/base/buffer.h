/*
 * A growing piece of text with a declared maximum. Errors stick: write as
 * often as you like, then ask once with cemm_buffer_error().
 */
#ifndef CEMM_BASE_BUFFER_H
#define CEMM_BASE_BUFFER_H

#include <stddef.h>

struct cemm_buffer {
    char *data; /* NUL-terminated once anything was written; NULL before */
    size_t length;
    size_t capacity;
    size_t limit; /* most bytes of text that this buffer may ever hold */
    int error;    /* 0, -ENOMEM, or -E2BIG when the limit was hit */
};

#define CEMM_BUFFER_INIT(max) \
    {                         \
        .limit = (max)        \
    }

void cemm_buffer_append(struct cemm_buffer *buffer, const void *bytes, size_t length);
void cemm_buffer_text(struct cemm_buffer *buffer, const char *text);
void cemm_buffer_char(struct cemm_buffer *buffer, char c);
void cemm_buffer_format(struct cemm_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes room for `more` bytes at once. */
void cemm_buffer_reserve(struct cemm_buffer *buffer, size_t more);

/* Empties the buffer and forgets its error; the memory stays for the next use. */
void cemm_buffer_reset(struct cemm_buffer *buffer);

/* Frees the memory; the buffer may be used again. */
void cemm_buffer_clear(struct cemm_buffer *buffer);

/*
 * Hands the text to the caller, who frees it, and leaves the buffer empty.
 * An empty buffer gives an empty string. On error (the buffer's own, or no
 * memory) returns it as a negative errno and frees everything.
 */
int cemm_buffer_steal(struct cemm_buffer *buffer, char **ret_text, size_t *ret_length);

#endif
