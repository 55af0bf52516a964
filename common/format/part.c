/*
 * Parts of an answer as they were received, and their indenting: for those who
 * put a document together of several.
 */
#include "common/base/limits.h"
#include "common/format/cursor.h"
#include "common/format/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *cemm_document_data(const struct cemm_document *document, const char *alias,
                               size_t *ret_length)
{
    struct cemm_piece data = cemm_piece_find(cemm_piece_at(document->bytes), "data");
    const char *cursor = alias ? cemm_piece_walk(data) : NULL;
    struct cemm_piece entry = {.text = NULL};

    while (cemm_piece_element(&cursor, &entry)) {
        if (cemm_piece_says(cemm_piece_find(entry, "alias"), alias))
            break;
        entry.text = NULL;
    }
    if (alias)
        data = entry;
    *ret_length = data.text ? data.length : 0;
    return data.text;
}

int cemm_indent(const char *json, size_t length, char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);
    char *text = strndup(json, length);

    if (!text)
        return -ENOMEM;
    cemm_write_indented(&out, text);
    free(text);
    return cemm_buffer_steal(&out, ret_text, ret_length);
}
