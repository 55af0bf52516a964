/*
 * For the table-driven tests: includes cmocka and the headers that it needs, and
 * has comparisons that print the row's name, because in a loop the line number of
 * an assertion does not show which row failed.
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static inline void expect_int(const char *row, int64_t got, int64_t wanted)
{
    if (got != wanted)
        fail_msg("%s: got %lld, wanted %lld", row, (long long)got, (long long)wanted);
}

static inline void expect_text(const char *row, const char *got, const char *wanted)
{
    if (!got || strcmp(got, wanted) != 0)
        fail_msg("%s:\ngot    \"%s\"\nwanted \"%s\"", row, got ? got : "(null)", wanted);
}

static inline void expect_part(const char *row, const char *got, const char *part)
{
    if (!got || !strstr(got, part))
        fail_msg("%s:\ngot \"%s\"\nwithout \"%s\"", row, got ? got : "(null)", part);
}

static inline void expect_without(const char *row, const char *got, const char *part)
{
    if (strstr(got, part))
        fail_msg("%s:\ngot \"%s\"\nwith \"%s\"", row, got, part);
}

#endif
