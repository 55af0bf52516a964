/*
 * A number as JSON writes it (RFC 8259 §6). It keeps its text; what it is worth
 * is asked for where somebody needs it.
 */
#ifndef CEMM_PROTOCOL_NUMBER_H
#define CEMM_PROTOCOL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cemm_number {
    CEMM_NUMBER_NONE, /* it is none, or none that JSON has, such as 01 and 1. */
    CEMM_NUMBER_INTEGER,
    CEMM_NUMBER_REAL, /* with a point or an exponent */
    CEMM_NUMBER_TOO_LARGE,
};

static inline bool cemm_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Moves *p behind the number that begins there, in a text that ends in a NUL. An integer must fit
 * into 64 bits, and is what `ret_integer` gets; any other into a finite double, and it must be
 * shorter than CEMM_NUMBER_MAX. */
enum cemm_number cemm_number_skip(const char **p, int64_t *ret_integer);

/* What a number with a point or an exponent is worth: the nearest double. Its text must go on with
 * what is no part of a number. */
double cemm_number_real(const char *text, size_t length);

#endif
