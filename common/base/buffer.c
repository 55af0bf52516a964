#include "common/base/buffer.h"

#include "common/frontend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 255  /* with the NUL, a power of two */
#define DIGITS_MAX     17   /* enough for any double to read back as itself */
#define PLAIN_MIN      (-5) /* the smallest exponent of a plain number: 0.00001, not 1e-05 */
#define PLAIN_MAX      14   /* the largest exponent of a plain number */

static int fail(struct cemm_buffer *buffer, int error)
{
    buffer->capacity = buffer->length;
    return buffer->error = error;
}

int cemm_buffer_reserve(struct cemm_buffer *buffer, size_t more)
{
    if (buffer->error)
        return buffer->error;
    if (more > buffer->limit - buffer->length)
        return fail(buffer, -E2BIG);
    size_t need = buffer->length + more;
    if (buffer->data && need <= buffer->capacity)
        return 0;
    size_t capacity = buffer->data ? buffer->capacity : FIRST_CAPACITY;
    while (capacity < need)
        capacity = 2 * capacity + 1;
    if (capacity > buffer->limit)
        capacity = buffer->limit;
    char *data = realloc(buffer->data, capacity + 1);
    if (!data)
        return fail(buffer, -ENOMEM);
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

/* Does not use printf(), which is slow: a year of minutes has half a million numbers. */
void cemm_buffer_integer(struct cemm_buffer *buffer, int64_t number)
{
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char text[21];
    char *end = text + sizeof(text), *begin = end;

    do {
        *--begin = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        *--begin = '-';
    cemm_buffer_append(buffer, begin, (size_t)(end - begin));
}

void cemm_buffer_format(struct cemm_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        fail(buffer, -ENOMEM);
        return;
    }
    cemm_buffer_append(buffer, text, (size_t)length);
    free(text);
}

void cemm_buffer_number(struct cemm_buffer *buffer, double number)
{
    char text[40];
    int digits = 0; /* after the first digit */

    do {
        (void)snprintf(text, sizeof(text), "%.*e", digits, number);
    } while (strtod(text, NULL) != number && ++digits < DIGITS_MAX);
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent >= PLAIN_MIN && exponent <= PLAIN_MAX)
        cemm_buffer_format(buffer, "%.*f", digits > exponent ? digits - exponent : 0, number);
    else
        cemm_buffer_text(buffer, text);
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
    /* Frees the memory left over from doubling: the caller may keep the text for a long time. */
    char *exact = realloc(buffer->data, buffer->length + 1);
    *ret_text = exact ? exact : buffer->data;
    if (ret_length)
        *ret_length = buffer->length;
    *buffer = (struct cemm_buffer){.limit = buffer->limit};
    return 0;
}

/* ---- streams ---------------------------------------------------------------------- */

/*
 * A stream that writes into memory. It is used instead of glibc's open_memstream, which drops a
 * write for which there is no memory, and reports no error, not even from fclose().
 */
struct text {
    struct cemm_buffer buffer;
    char **ret_text;
    size_t *ret_length;
};

static ssize_t text_write(void *data, const char *bytes, size_t length)
{
    struct text *text = data;

    cemm_buffer_append(&text->buffer, bytes, length);
    *text->ret_text = text->buffer.data;
    *text->ret_length = text->buffer.length;
    return text->buffer.error ? 0 : (ssize_t)length; /* 0 means an error */
}

static int text_close(void *data)
{
    struct text *text = data;

    *text->ret_text = NULL;
    *text->ret_length = 0;
    int r = cemm_buffer_steal(&text->buffer, text->ret_text, text->ret_length);
    free(text);
    if (r < 0)
        errno = -r;
    return r < 0 ? -1 : 0;
}

FILE *cemm_text_open(char **ret_text, size_t *ret_length)
{
    struct text *text = malloc(sizeof(*text));

    *ret_text = NULL;
    *ret_length = 0;
    if (!text)
        return NULL;
    *text = (struct text){CEMM_BUFFER_INIT(SIZE_MAX / 2), ret_text, ret_length};
    FILE *stream =
        fopencookie(text, "w", (cookie_io_functions_t){.write = text_write, .close = text_close});
    if (!stream)
        free(text);
    return stream;
}
