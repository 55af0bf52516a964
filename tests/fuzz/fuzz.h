/*
 * Each C file except fuzz.c and replay.c has a target: a function that passes
 * arbitrary bytes to code that reads outside input, and checks invariants of the
 * result. libFuzzer calls the target (run.sh). replay.c also calls it, with the
 * inputs that libFuzzer has found before.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* assert() is not used, because the condition must also be checked in release builds. */
#define MUST(condition)                                                             \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* Returns a copy of the bytes with a NUL after them. The caller frees it. */
char *fuzz_text(const uint8_t *bytes, size_t size);

/* Writes the bytes to a file. Returns its path, which is valid until the next call. */
const char *fuzz_file(const uint8_t *bytes, size_t size);

#endif
