/*
 * Numbers that we have computed. Numbers of the API keep their text.
 */
#include "common/format/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 17 /* enough for any double to read back as itself */
#define TEXT_SIZE  40

/* Powers of ten between which numbers are written without an exponent. */
#define PLAIN_MIN (-5)
#define PLAIN_MAX 14

static int exponent_of(const char *text)
{
    const char *e = strchr(text, 'e');

    return e ? (int)strtol(e + 1, NULL, 10) : 0;
}

void cemm_write_number(struct cemm_buffer *out, double number)
{
    char text[TEXT_SIZE] = "";
    int digits = 0; /* behind the first one */

    do {
        (void)snprintf(text, sizeof(text), "%.*e", digits, number);
    } while (strtod(text, NULL) != number && ++digits < DIGITS_MAX);
    int exponent = exponent_of(text);
    if (exponent >= PLAIN_MIN && exponent <= PLAIN_MAX)
        cemm_buffer_format(out, "%.*f", digits > exponent ? digits - exponent : 0, number);
    else
        cemm_buffer_text(out, text);
}
