/*
 * json-c reads JSON well but forgives what we must not: the last of duplicate
 * members wins, NaN and Infinity pass, integers beyond 64 bits saturate, -0
 * becomes 0, leading zeros pass, and \u0000 cuts a name (field notes). The guard looks at the
 * bytes for what json-c does not tell, and keeps the numbers' own text.
 */
#ifndef CEMM_PROTOCOL_GUARD_H
#define CEMM_PROTOCOL_GUARD_H

#include <stddef.h>

/* What a look at the bytes can tell. Words for people: a complaint, or NULL if all is well. */
struct cemm_guard {
    const char *complaint;
    size_t members; /* of all objects together: more than json-c keeps means duplicates */
};

struct cemm_guard cemm_guard_inspect(const char *bytes, size_t length);

/*
 * Finds the next number at or behind *cursor, outside strings, and moves the
 * cursor behind it. NULL when there is none. Called once for each number of
 * the parsed document, in its order, it gives each its text.
 */
const char *cemm_guard_number(const char **cursor, const char *end, size_t *ret_length);

#endif
