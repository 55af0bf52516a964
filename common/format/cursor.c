#include "common/format/cursor.h"

#include <string.h>

#define BLANK " \t\r\n"

static const char *behind_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return p + (*p == '"');
}

static const char *behind_brackets(const char *p)
{
    size_t depth = 0;

    do {
        if (*p == '"') {
            p = behind_string(p);
            continue;
        }
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        p++;
    } while (*p && depth > 0);
    return p;
}

struct cemm_piece cemm_piece_at(const char *text)
{
    const char *p = text + strspn(text, BLANK);
    const char *end;

    if (*p == '"')
        end = behind_string(p);
    else if (*p == '{' || *p == '[')
        end = behind_brackets(p);
    else
        end = p + strcspn(p, "{}[],:\"" BLANK);
    return (struct cemm_piece){.text = end > p ? p : NULL, .length = (size_t)(end - p)};
}

const char *cemm_piece_walk(struct cemm_piece piece)
{
    bool opens = piece.text && (*piece.text == '{' || *piece.text == '[');

    return opens ? piece.text + 1 : NULL;
}

/* Past the comma, if there is one. */
static const char *next_item(const char *p)
{
    p += strspn(p, BLANK);
    return *p == ',' ? p + 1 : p;
}

bool cemm_piece_element(const char **cursor, struct cemm_piece *ret_value)
{
    if (!*cursor)
        return false;
    *ret_value = cemm_piece_at(next_item(*cursor));
    if (!ret_value->text)
        return false;
    *cursor = ret_value->text + ret_value->length;
    return true;
}

bool cemm_piece_member(const char **cursor, struct cemm_piece *ret_name,
                       struct cemm_piece *ret_value)
{
    const char *colon;

    if (!cemm_piece_element(cursor, ret_name))
        return false;
    colon = *cursor + strspn(*cursor, BLANK);
    if (*colon != ':')
        return false;
    *ret_value = cemm_piece_at(colon + 1);
    *cursor = ret_value->text ? ret_value->text + ret_value->length : NULL;
    return ret_value->text != NULL;
}

bool cemm_piece_says(struct cemm_piece piece, const char *text)
{
    size_t length = strlen(text);

    return piece.text && *piece.text == '"' && piece.length == length + 2 &&
           memcmp(piece.text + 1, text, length) == 0;
}

struct cemm_piece cemm_piece_find(struct cemm_piece object, const char *name)
{
    const char *cursor = cemm_piece_walk(object);
    struct cemm_piece member, value;

    if (object.text && *object.text == '{')
        while (cemm_piece_member(&cursor, &member, &value))
            if (cemm_piece_says(member, name))
                return value;
    return (struct cemm_piece){.text = NULL};
}

bool cemm_piece_same(struct cemm_piece a, struct cemm_piece b)
{
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}
