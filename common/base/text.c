/*
 * A stream into memory. glibc's own drops a piece for which there is no memory,
 * goes on, and reports no error, not even when it is closed.
 */
#include "common/base/buffer.h"
#include "common/frontend.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>

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
    return text->buffer.error ? 0 : (ssize_t)length; /* 0: the stream has an error */
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
