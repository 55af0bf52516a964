/*
 * Indents JSON without reading it: strings and numbers are copied as they
 * stand, so nothing that the API wrote can change. The text has been parsed
 * before; here only strings and brackets need to be told apart.
 */
#include "common/format/format.h"

#include <stdbool.h>
#include <string.h>

#define BLANK " \t\r\n"

static void new_line(struct cemm_buffer *out, unsigned depth)
{
    static const char line[] = "\n                                                                ";
    size_t columns = 2 * (size_t)depth;
    size_t n = columns < sizeof(line) - 2 ? columns : sizeof(line) - 2;

    cemm_buffer_append(out, line, 1 + n);
    for (; n < columns; n++)
        cemm_buffer_char(out, ' ');
}

/* What may stand behind a number or a word. By hand: a day has three thousand of them. */
static bool ends_value(char c)
{
    switch (c) {
    case '\0':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '{':
    case '}':
    case '[':
    case ']':
    case ',':
    case ':':
    case '"':
        return true;
    default:
        return false;
    }
}

/* Copies the string or plain value that starts at `p`; returns what is behind it. */
static const char *copy_value(struct cemm_buffer *out, const char *p)
{
    const char *start = p;

    if (*p == '"') {
        for (p++; *p && *p != '"'; p++)
            if (*p == '\\' && p[1])
                p++;
        p += *p == '"';
    } else {
        while (!ends_value(*p))
            p++;
    }
    cemm_buffer_append(out, start, (size_t)(p - start));
    return p;
}

/* An opening bracket, and the closing one behind it if there is nothing between them. */
static const char *open_bracket(struct cemm_buffer *out, const char *p, unsigned *depth)
{
    cemm_buffer_char(out, *p++);
    p += strspn(p, BLANK);
    if (*p == '}' || *p == ']') {
        cemm_buffer_char(out, *p);
        return p + 1;
    }
    new_line(out, ++*depth);
    return p;
}

void cemm_write_indented(struct cemm_buffer *out, const char *p)
{
    unsigned depth = 0;

    while (*p && !out->error) {
        if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') {
            p++;
        } else if (*p == '{' || *p == '[') {
            p = open_bracket(out, p, &depth);
        } else if (*p == '}' || *p == ']') {
            depth -= depth > 0;
            new_line(out, depth);
            cemm_buffer_char(out, *p++);
        } else if (*p == ',') {
            cemm_buffer_char(out, *p++);
            new_line(out, depth);
        } else if (*p == ':') {
            cemm_buffer_text(out, ": ");
            p++;
        } else {
            p = copy_value(out, p);
        }
    }
    cemm_buffer_char(out, '\n');
}

void cemm_write_json(struct cemm_buffer *out, const struct cemm_document *document)
{
    cemm_write_indented(out, document->bytes);
}
