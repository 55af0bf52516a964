/*
 * A growing text with a limit. An error is kept, so that one check after all writing is enough.
 */
#ifndef CEMM_BASE_BUFFER_H
#define CEMM_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cemm_buffer {
    char *data; /* NULL at first; NUL-terminated once anything was written */
    size_t length;
    size_t capacity; /* bytes of text that fit now; after an error, `length`: nothing more fits */
    size_t limit;    /* the most bytes of text that it may have */
    int error;       /* 0, -ENOMEM, or -E2BIG: it would have been longer than its limit */
};

#define CEMM_BUFFER_INIT(max) ((struct cemm_buffer){.limit = (max)})

/* Makes room for `more` bytes. Returns 0 or the buffer's error. */
int cemm_buffer_reserve(struct cemm_buffer *buffer, size_t more);

/* Inline, because most calls only copy into memory that is already there. */
static inline void cemm_buffer_append(struct cemm_buffer *buffer, const void *bytes, size_t length)
{
    if ((length > buffer->capacity - buffer->length || !buffer->data) &&
        cemm_buffer_reserve(buffer, length) < 0)
        return;
    if (length > 0)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

static inline void cemm_buffer_text(struct cemm_buffer *buffer, const char *text)
{
    cemm_buffer_append(buffer, text, strlen(text));
}

static inline void cemm_buffer_char(struct cemm_buffer *buffer, char c)
{
    cemm_buffer_append(buffer, &c, 1);
}

void cemm_buffer_integer(struct cemm_buffer *buffer, int64_t number);

/* Appends the shortest text that strtod() reads as the same number, which must be finite. */
void cemm_buffer_number(struct cemm_buffer *buffer, double number);

void cemm_buffer_format(struct cemm_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees the memory; the buffer may be used again. */
void cemm_buffer_clear(struct cemm_buffer *buffer);

/* Gives the text to the caller, who frees it, and leaves the buffer empty. The text of an empty
 * buffer is "". If the buffer has an error, frees its memory and returns the error; otherwise
 * returns 0. `ret_length` may be NULL. */
int cemm_buffer_steal(struct cemm_buffer *buffer, char **ret_text, size_t *ret_length);

#endif
