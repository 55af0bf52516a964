#include "common/protocol/guard.h"

#include "common/base/limits.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SURE 300 /* digits: without an exponent, so many are finite in any case */

/* Each byte of an answer is looked at, so this takes no search. */
static bool in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_mark(char c)
{
    return c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':';
}

/* Behind the string that starts at `p` (on its quote); `end` if it is not closed. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p < end ? p + 1 : end;
}

static const char *skip_number(const char *p, const char *end)
{
    while (p < end && in_number(*p))
        p++;
    return p;
}

/* Whether the string from `p` to `end` is a member's name with \u0000 in it. */
static bool nul_in_name(const char *p, const char *string_end, const char *end)
{
    const char *after = string_end;

    while (after < end && is_blank(*after))
        after++;
    if (after >= end || *after != ':')
        return false;
    for (; p + 6 <= string_end; p++) {
        if (*p != '\\')
            continue;
        if (memcmp(p, "\\u0000", 6) == 0)
            return true;
        p++;
    }
    return false;
}

/* What json-c lets pass even when strict: leading zeros, and a point without digits behind it. */
static bool well_formed(const char *number)
{
    const char *point = strchr(number, '.');

    number += *number == '-';
    return !(number[0] == '0' && isdigit((unsigned char)number[1])) &&
           !(point && !isdigit((unsigned char)point[1]));
}

/* Numbers must be JSON's and fit: integers into 64 bits, others into a finite double. */
static bool acceptable(const char *number, size_t length)
{
    char text[400];

    if (length >= sizeof(text))
        return false;
    memcpy(text, number, length);
    text[length] = '\0';
    if (!well_formed(text))
        return false;
    if (strpbrk(text, ".eE"))
        return (length < SURE && !strpbrk(text, "eE")) || isfinite(strtod(text, NULL));
    errno = 0;
    strtoll(text, NULL, 10);
    return errno == 0;
}

static const char *check_word(const char *p, const char *end, const char **complaint)
{
    static const char *const known[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t length = strlen(known[i]);
        if ((size_t)(end - p) >= length && memcmp(p, known[i], length) == 0)
            return p + length;
    }
    *complaint = "it has a value that is neither a number nor true, false or null";
    return p + 1;
}

struct cemm_guard cemm_guard_inspect(const char *bytes, size_t length)
{
    struct cemm_guard guard = {0};
    const char *p = bytes;
    const char *end = bytes + length;
    int depth = 0;

    while (p < end && !guard.complaint) {
        const char *start = p;
        if (*p == '"') {
            p = skip_string(p, end);
            if (nul_in_name(start, p, end))
                guard.complaint = "a name in it holds a NUL";
        } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
            p = skip_number(p, end);
            if (!acceptable(start, (size_t)(p - start)))
                guard.complaint = "it has a number that is out of range or not written as JSON";
        } else if (is_mark(*p) || is_blank(*p)) {
            guard.members += *p == ':';
            depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
            if (depth > CEMM_DEPTH_MAX)
                guard.complaint = "it is nested too deeply";
            p++;
        } else {
            p = check_word(p, end, &guard.complaint);
        }
    }
    return guard;
}

const char *cemm_guard_number(const char **cursor, const char *end, size_t *ret_length)
{
    const char *p = *cursor;

    while (p < end && *p != '-' && (*p < '0' || *p > '9'))
        p = *p == '"' ? skip_string(p, end) : p + 1;
    if (p >= end)
        return NULL;
    *cursor = skip_number(p, end);
    *ret_length = (size_t)(*cursor - p);
    return p;
}
