/*
 * Where the data goes: stdout, or a file that is there whole or not at all.
 */
#ifndef CEMM_EXEC_OUTPUT_H
#define CEMM_EXEC_OUTPUT_H

#include <stddef.h>

#include "common/cemm.h"

/*
 * Whether `path` looks like a place where a file can be written, before
 * anything is asked of a meter. `path` NULL is stdout, always good. Returns 0
 * or a negative errno with `words`.
 */
int output_check(const char *path, struct cemm_words *words);

/*
 * Writes the text. A file is replaced in one step; on failure the old one
 * stays. A reader of stdout that has gone ends the process by SIGPIPE. Returns
 * 0 or a negative errno with `words`.
 */
int output_write(const char *path, const char *text, size_t length, struct cemm_words *words);

#endif
