/*
 * A directory of a test's own, for the rooms that read files: made before it,
 * removed after it.
 */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

/* cmocka's setup and teardown. The environment that they change is put back. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* The path of `name` in it: one of a few buffers that take turns. */
const char *scratch_path(const char *name);

/* Writes a file there, making the directories on the way, and returns its path. */
const char *scratch_bytes(const char *name, const void *bytes, size_t length, mode_t mode);
const char *scratch_text(const char *name, const char *text, mode_t mode);

#endif
