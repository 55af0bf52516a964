/*
 * One target per file: it passes arbitrary bytes to code that reads outside
 * input, and checks invariants of the result. libFuzzer calls it (run.sh), and
 * so does replay.c, with the inputs that libFuzzer has found before.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Not assert(): it must hold in release builds, too. */
#define MUST(condition)                                                             \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* The bytes as a text; the caller frees. */
char *fuzz_text(const uint8_t *bytes, size_t size);

/* The bytes as a file, at a path that is valid until the next call. */
const char *fuzz_file(const uint8_t *bytes, size_t size);

#endif
