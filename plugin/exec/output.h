/*
 * Where the data goes: stdout, or a file that is there whole or not at all.
 */
#ifndef CEMM_EXEC_OUTPUT_H
#define CEMM_EXEC_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/cemm.h"
#include "plugin/exec/signals.h"

/* What is said where there is nothing to replace a file with. */
#define OUTPUT_LEFT "%s: left as it is, for no sample came"

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

/*
 * The same piece by piece, for what is too long to be held: nothing stands in
 * the file before output_end(), and output_drop() leaves it as it was. After
 * output_begin() went well, one of the two is due; until then the ending
 * signals are held if it is a file. output_end() drops what it could not end.
 */
struct output {
    const char *path; /* NULL: stdout; must outlive it */
    char *real;
    char beside[PATH_MAX];
    int fd;
    struct signals signals;
};

int output_begin(struct output *ret_output, const char *path, struct cemm_words *words);
int output_put(struct output *output, const char *text, size_t length, struct cemm_words *words);
int output_end(struct output *output, struct cemm_words *words);
void output_drop(struct output *output);

/* Whether people look at stdout, and how many columns their terminal has: without one, those of
 * $COLUMNS; 0: not known. */
bool output_is_terminal(void);
size_t output_width(void);

/* What stands in the file now, as a text that the caller frees; NULL: nothing that can be read, or
 * `path` is NULL. 0 or -ENOMEM. */
int output_before(const char *path, char **ret_text);

#endif
