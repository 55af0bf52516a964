#include "common/protocol/number.h"

#include "common/base/limits.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SURE_DIGITS  18  /* so many fit into 64 bits */
#define SURE_LENGTH  300 /* so long a number is finite, if it has no exponent */
#define EXACT_DIGITS 15  /* so many fit into a double's 53 bits, and such a power of ten */

static const char *skip_digits(const char *p)
{
    while (cemm_is_digit(*p))
        p++;
    return p;
}

/* As written in the C locale, whichever a program that uses us has chosen. */
static double read_slowly(const char *text)
{
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = c_locale ? strtod_l(text, NULL, c_locale) : NAN; /* it is always there */

    if (c_locale)
        freelocale(c_locale);
    return value;
}

/* `value` is that of so many digits, unless they are too many to tell. */
static bool read_integer(const char *text, ptrdiff_t digits, uint64_t value, int64_t *ret_integer)
{
    if (digits > SURE_DIGITS) {
        errno = 0;
        *ret_integer = strtoll(text, NULL, 10);
        return errno == 0;
    }
    *ret_integer = (int64_t)(*text == '-' ? -value : value);
    return true;
}

static bool is_finite_real(const char *text, size_t length, bool exponent)
{
    if (length >= CEMM_NUMBER_MAX)
        return false;
    return (!exponent && length < SURE_LENGTH) || isfinite(read_slowly(text));
}

enum cemm_number cemm_number_skip(const char **p, int64_t *ret_integer)
{
    const char *text = *p;
    const char *digits = text + (*text == '-');
    const char *end = digits;
    uint64_t value = 0;
    bool real = false, exponent = false;

    for (; cemm_is_digit(*end); end++)
        value = value * 10 + (uint64_t)(*end - '0');
    bool formed = end > digits && (*digits != '0' || end == digits + 1);
    if (formed && *end == '.') {
        real = true;
        formed = cemm_is_digit(end[1]);
        end = skip_digits(end + 1);
    }
    if (formed && (*end == 'e' || *end == 'E')) {
        real = exponent = true;
        end += end[1] == '+' || end[1] == '-' ? 2 : 1;
        formed = cemm_is_digit(*end);
        end = skip_digits(end);
    }
    *p = end;
    if (!formed)
        return CEMM_NUMBER_NONE;
    if (real)
        return is_finite_real(text, (size_t)(end - text), exponent) ? CEMM_NUMBER_REAL
                                                                    : CEMM_NUMBER_TOO_LARGE;
    return read_integer(text, end - digits, value, ret_integer) ? CEMM_NUMBER_INTEGER
                                                                : CEMM_NUMBER_TOO_LARGE;
}

/*
 * A fraction of few digits is one integer divided by a power of ten. Both are
 * exact doubles then, so the quotient is the nearest one: IEEE 754 sees to that,
 * where doubles are computed as such.
 */
static bool read_exactly(const char *text, size_t length, double *ret_value)
{
    static const double tens[EXACT_DIGITS + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *point = memchr(text, '.', length);
    size_t negative = *text == '-';
    size_t decimals = point ? (size_t)(text + length - point) - 1 : 0;
    int64_t integer = 0;

    if (FLT_EVAL_METHOD != 0 || length > EXACT_DIGITS + 1 + negative)
        return false;
    for (size_t i = negative; i < length; i++) {
        if (cemm_is_digit(text[i]))
            integer = integer * 10 + (text[i] - '0');
        else if (text[i] != '.')
            return false; /* an exponent */
    }
    double value = (double)integer / tens[decimals];
    *ret_value = negative ? -value : value;
    return true;
}

double cemm_number_real(const char *text, size_t length)
{
    double value;

    return read_exactly(text, length, &value) ? value : read_slowly(text);
}
