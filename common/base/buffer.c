#include "common/base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(struct cemm_buffer *buffer, int error)
{
    buffer->room = buffer->length;
    return buffer->error = error;
}

int cemm_buffer_reserve(struct cemm_buffer *buffer, size_t more)
{
    if (buffer->error)
        return buffer->error;
    if (more > buffer->limit - buffer->length)
        return fail(buffer, -E2BIG);
    size_t need = buffer->length + more + 1;
    if (need <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data)
        return fail(buffer, -ENOMEM);
    buffer->data = data;
    buffer->capacity = capacity;
    buffer->room =
        capacity - 1 < buffer->limit ? capacity - 1 : buffer->limit; /* a NUL closes it */
    return 0;
}

/* Without printf(), two digits at a time: a year of minutes has half a million numbers. */
void cemm_buffer_integer(struct cemm_buffer *buffer, int64_t number)
{
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char text[21];
    char *end = text + sizeof(text), *begin = end;

    for (; rest >= 10; rest /= 100) {
        *--begin = (char)('0' + rest % 10);
        *--begin = (char)('0' + rest / 10 % 10);
    }
    if (rest > 0 || begin == end)
        *--begin = (char)('0' + rest);
    if (number < 0)
        *--begin = '-';
    cemm_buffer_append(buffer, begin, (size_t)(end - begin));
}

void cemm_buffer_format(struct cemm_buffer *buffer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        fail(buffer, -EINVAL);
        return;
    }
    if (cemm_buffer_reserve(buffer, (size_t)length) < 0)
        return;
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
}

void cemm_buffer_clear(struct cemm_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct cemm_buffer){.limit = buffer->limit};
}

int cemm_buffer_steal(struct cemm_buffer *buffer, char **ret_text, size_t *ret_length)
{
    int r = cemm_buffer_reserve(buffer, 0);
    if (r < 0) {
        cemm_buffer_clear(buffer);
        return r;
    }
    buffer->data[buffer->length] = '\0';
    /* It has grown by doubling, and the caller may keep it for long. */
    char *exact = realloc(buffer->data, buffer->length + 1);
    *ret_text = exact ? exact : buffer->data;
    if (ret_length)
        *ret_length = buffer->length;
    *buffer = (struct cemm_buffer){.limit = buffer->limit};
    return 0;
}
