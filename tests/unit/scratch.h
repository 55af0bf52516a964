/*
 * A temporary directory for tests that read files. It is made before a test or a
 * group of tests, and removed afterwards.
 */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

/* cmocka's setup and teardown. The teardown restores the environment variables that a test may have
 * changed (see scratch.c). */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* Returns the path of `name` in the directory. The path stays valid during the next three calls of
 * these functions. */
const char *scratch_path(const char *name);

/* Writes a file in the directory, with any missing directories of its path, and returns its path.
 */
const char *scratch_bytes(const char *name, const void *bytes, size_t length, mode_t mode);
const char *scratch_text(const char *name, const char *text, mode_t mode);

#endif
