#include "common/base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and the closing NUL. */
static int reserve(struct cemm_buffer *buffer, size_t more)
{
    if (buffer->error)
        return buffer->error;
    if (more > buffer->limit - buffer->length)
        return buffer->error = -E2BIG;
    size_t need = buffer->length + more + 1;
    if (need <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data)
        return buffer->error = -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

void cemm_buffer_reserve(struct cemm_buffer *buffer, size_t more)
{
    (void)reserve(buffer, more);
}

void cemm_buffer_append(struct cemm_buffer *buffer, const void *bytes, size_t length)
{
    if (reserve(buffer, length) < 0)
        return;
    if (length)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void cemm_buffer_text(struct cemm_buffer *buffer, const char *text)
{
    cemm_buffer_append(buffer, text, strlen(text));
}

void cemm_buffer_char(struct cemm_buffer *buffer, char c)
{
    /* Mostly there is room: what is written character by character should cost no more. */
    if (reserve(buffer, 1) < 0)
        return;
    buffer->data[buffer->length++] = c;
    buffer->data[buffer->length] = '\0';
}

void cemm_buffer_format(struct cemm_buffer *buffer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buffer->error = -EINVAL;
        return;
    }
    if (reserve(buffer, (size_t)length) < 0)
        return;
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
}

void cemm_buffer_reset(struct cemm_buffer *buffer)
{
    buffer->length = 0;
    buffer->error = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void cemm_buffer_clear(struct cemm_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct cemm_buffer){.limit = buffer->limit};
}

int cemm_buffer_steal(struct cemm_buffer *buffer, char **ret_text, size_t *ret_length)
{
    int r = reserve(buffer, 0);
    if (r < 0) {
        cemm_buffer_clear(buffer);
        return r;
    }
    buffer->data[buffer->length] = '\0';
    /* It grew by doubling; what is handed out may be kept for long. */
    char *exact = realloc(buffer->data, buffer->length + 1);
    *ret_text = exact ? exact : buffer->data;
    if (ret_length)
        *ret_length = buffer->length;
    *buffer = (struct cemm_buffer){.limit = buffer->limit};
    return 0;
}
