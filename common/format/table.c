/*
 * A list of objects as CSV (spec §4: io.csv): one column for each member, in
 * the order in which they first appear, one row for each object. RFC 4180 with
 * bare newlines; quoted is only what needs it.
 */
#include "common/base/limits.h"
#include "common/base/quoted.h"
#include "common/format/cursor.h"
#include "common/format/format.h"

#include <errno.h>
#include <string.h>

struct columns {
    struct cemm_piece names[CEMM_COLUMNS_MAX];
    size_t count;
};

/* ---- fields ------------------------------------------------------------- */

static void write_field(struct cemm_buffer *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        cemm_buffer_text(out, text);
        return;
    }
    cemm_buffer_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            cemm_buffer_char(out, '"');
        cemm_buffer_char(out, *text);
    }
    cemm_buffer_char(out, '"');
}

/* Numbers and nested values with the text that they have; null is an empty field. */
static void write_piece(struct cemm_buffer *out, struct cemm_piece piece)
{
    struct cemm_buffer text = CEMM_BUFFER_INIT(CEMM_ANSWER_MAX);

    if (!piece.text || (piece.length == 4 && memcmp(piece.text, "null", 4) == 0))
        return;
    if (*piece.text == '"')
        cemm_quoted_decode(&text, piece.text, piece.length);
    else
        cemm_buffer_append(&text, piece.text, piece.length);
    if (text.error)
        out->error = text.error;
    else if (text.data)
        write_field(out, text.data);
    cemm_buffer_clear(&text);
}

/* ---- the table ---------------------------------------------------------- */

static int add_column(struct columns *columns, struct cemm_piece name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (cemm_piece_same(columns->names[i], name))
            return 0;
    if (columns->count == CEMM_COLUMNS_MAX)
        return -E2BIG;
    columns->names[columns->count++] = name;
    return 0;
}

static int find_columns(struct cemm_piece list, struct columns *columns)
{
    const char *cursor = cemm_piece_walk(list);
    struct cemm_piece entry, name, value;
    int r = 0;

    while (r == 0 && cemm_piece_element(&cursor, &entry)) {
        const char *members = *entry.text == '{' ? cemm_piece_walk(entry) : NULL;

        while (r == 0 && cemm_piece_member(&members, &name, &value))
            r = add_column(columns, name);
    }
    return r;
}

static struct cemm_piece member_of(struct cemm_piece entry, struct cemm_piece column)
{
    const char *cursor = *entry.text == '{' ? cemm_piece_walk(entry) : NULL;
    struct cemm_piece name, value;

    while (cemm_piece_member(&cursor, &name, &value))
        if (cemm_piece_same(name, column))
            return value;
    return (struct cemm_piece){.text = NULL};
}

void cemm_write_table(struct cemm_buffer *out, const struct cemm_document *document)
{
    struct cemm_piece list = cemm_piece_find(cemm_piece_at(document->bytes), "data");
    const char *cursor = cemm_piece_walk(list);
    struct columns columns = {.count = 0};
    struct cemm_piece entry;
    int r = find_columns(list, &columns);

    if (r < 0) {
        out->error = r;
        return;
    }
    for (size_t i = 0; i < columns.count; i++) {
        if (i > 0)
            cemm_buffer_char(out, ',');
        write_piece(out, columns.names[i]);
    }
    cemm_buffer_char(out, '\n');
    while (cemm_piece_element(&cursor, &entry)) {
        for (size_t i = 0; i < columns.count; i++) {
            if (i > 0)
                cemm_buffer_char(out, ',');
            write_piece(out, member_of(entry, columns.names[i]));
        }
        cemm_buffer_char(out, '\n');
    }
}
