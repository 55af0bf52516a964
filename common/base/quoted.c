#include "common/base/quoted.h"

#include <stdint.h>
#include <string.h>

#define NO_CHARACTER 0xfffd

/* ---- skipping ----------------------------------------------------------- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* `*p` stands behind the backslash. */
static bool skip_escape(const char **p)
{
    if (**p != 'u') {
        bool known = **p && strchr("\"\\/bfnrt", **p);
        *p += known;
        return known;
    }
    ++*p;
    for (int i = 0; i < 4; i++, ++*p)
        if (!is_hex(**p))
            return false;
    return true;
}

/* One character of two to four bytes, in its shortest form and no half of a surrogate pair. */
static bool skip_utf8(const char **p)
{
    const unsigned char *byte = (const unsigned char *)*p;
    unsigned char least = 0x80, most = 0xbf; /* of the second byte */
    int more;

    if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
        more = 1;
    else if (byte[0] >= 0xe0 && byte[0] <= 0xef)
        more = 2;
    else if (byte[0] >= 0xf0 && byte[0] <= 0xf4)
        more = 3;
    else
        return false;
    if (byte[0] == 0xe0)
        least = 0xa0;
    else if (byte[0] == 0xed)
        most = 0x9f;
    else if (byte[0] == 0xf0)
        least = 0x90;
    else if (byte[0] == 0xf4)
        most = 0x8f;
    for (++*p; more > 0; more--, ++*p) {
        unsigned char next = (unsigned char)**p;
        if (next < least || next > most)
            return false;
        least = 0x80;
        most = 0xbf;
    }
    return true;
}

bool cemm_quoted_skip(const char **p)
{
    bool fine = true;

    ++*p;
    while (fine && **p != '"') {
        unsigned char c = (unsigned char)**p;
        if (c >= 0x80) {
            fine = skip_utf8(p);
        } else if (c == '\\') {
            ++*p;
            fine = skip_escape(p);
        } else if (c >= ' ') {
            ++*p;
        } else {
            fine = false; /* the text's end, too */
        }
    }
    *p += fine;
    return fine;
}

/* ---- decoding ----------------------------------------------------------- */

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

/* \uXXXX, or two of them; `p` stands behind the u. */
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
    write_utf8(out, code == 0 || (code >= 0xd800 && code < 0xe000) ? NO_CHARACTER : code);
    return p;
}

void cemm_quoted_decode(struct cemm_buffer *out, const char *string, size_t length)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    const char *p = string + 1;
    const char *end = string + length - 1;

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

bool cemm_quoted_holds_nul(const char *string, size_t length)
{
    const char *end = string + length;

    for (const char *p = string; (p = memchr(p, '\\', (size_t)(end - p))); p += 2)
        if (end - p > 6 && memcmp(p, "\\u0000", 6) == 0)
            return true;
    return false;
}
