/*
 * A temporary directory for tests that read files: made before each test,
 * removed after it.
 */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

/* cmocka's setup and teardown. They restore the environment that they change. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* The path of `name` in it, in one of a few buffers that are used in turn. */
const char *scratch_path(const char *name);

/* Writes a file there, making the directories on the way, and returns its path. */
const char *scratch_bytes(const char *name, const void *bytes, size_t length, mode_t mode);
const char *scratch_text(const char *name, const char *text, mode_t mode);

#endif
