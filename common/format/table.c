/*
 * A list of objects as CSV (spec §4: io.csv): one column for each member, in
 * the order in which they first appear, one row for each object. RFC 4180 with
 * bare newlines; quoted is only what needs it.
 */
#include "common/base/limits.h"
#include "common/format/cursor.h"
#include "common/format/format.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct columns {
    struct cemm_piece names[CEMM_COLUMNS_MAX];
    size_t count;
};

/* ---- strings ------------------------------------------------------------ */

static uint32_t hex4(const char *p)
{
    uint32_t number = 0;

    for (int i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t digit = c >= 'a'   ? (uint32_t)(c - 'a') + 10
                         : c >= 'A' ? (uint32_t)(c - 'A') + 10
                                    : (uint32_t)(c - '0');
        number = number << 4 | (digit & 0xf);
    }
    return number;
}

static void write_utf8(struct cemm_buffer *out, uint32_t code)
{
    if (code < 0x80) {
        cemm_buffer_char(out, (char)code);
    } else if (code < 0x800) {
        cemm_buffer_char(out, (char)(0xc0 | code >> 6));
        cemm_buffer_char(out, (char)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        cemm_buffer_char(out, (char)(0xe0 | code >> 12));
        cemm_buffer_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
        cemm_buffer_char(out, (char)(0x80 | (code & 0x3f)));
    } else {
        cemm_buffer_char(out, (char)(0xf0 | code >> 18));
        cemm_buffer_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
        cemm_buffer_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
        cemm_buffer_char(out, (char)(0x80 | (code & 0x3f)));
    }
}

/* \uXXXX, or two of them; `p` stands behind the u. What is no character (half a pair, or the NUL,
 * which would cut a text) becomes U+FFFD. */
static const char *decode_unicode(struct cemm_buffer *out, const char *p, const char *end)
{
    uint32_t code;

    if (end - p < 4)
        return end;
    code = hex4(p);
    p += 4;
    if (code >= 0xd800 && code < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        uint32_t low = hex4(p + 2);

        if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            p += 6;
        }
    }
    write_utf8(out, code == 0 || (code >= 0xd800 && code < 0xe000) ? 0xfffd : code);
    return p;
}

/* A string without its quotes and escapes. */
static void decode(struct cemm_buffer *out, struct cemm_piece string)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    const char *p = string.text + 1;
    const char *end = string.text + string.length - 1;

    while (p < end) {
        const char *letter;

        if (*p != '\\' || p + 1 == end) {
            cemm_buffer_char(out, *p++);
            continue;
        }
        p++;
        letter = strchr(letters, *p);
        if (*p == 'u')
            p = decode_unicode(out, p + 1, end);
        else
            cemm_buffer_char(out, letter ? meanings[letter - letters] : *p), p++;
    }
}

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
        decode(&text, piece);
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
