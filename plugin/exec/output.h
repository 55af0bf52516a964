/*
 * The output: stdout, or a file that is replaced atomically.
 */
#ifndef CEMM_EXEC_OUTPUT_H
#define CEMM_EXEC_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "common/frontend.h"

/* Message for a file that was not replaced. */
#define OUTPUT_UNCHANGED "%s: not changed, because there was no sample"

/* Checks, before any request is sent, whether a file (NULL: stdout) can be written. False: it
 * cannot; this was reported. */
bool output_check(const char *path);

/*
 * What is printed to `stream` is written by output_flush() and output_end(). A
 * file changes with output_end(). If the reader of stdout has gone, SIGPIPE
 * ends the process. A struct output must not move.
 */
struct output {
    const char *path; /* NULL: stdout; must outlive the output */
    FILE *stream;     /* writes into `text` */
    char *text;
    size_t length;
    char *real;   /* the file to replace: where links lead to */
    char *beside; /* the temporary file; NULL: there is none */
    int fd;
    struct cemm_message message; /* says what failed; else "" */
};

/* All return 0 or a negative errno. output_end() must follow output_begin() in either case. */
int output_begin(struct output *ret_output, const char *path);
int output_flush(struct output *output);

/* If `r`, the result so far, is negative, drops the rest and leaves a file as it was, and returns
 * `r`. */
int output_end(struct output *output, int r);

/* Writes all bytes to a descriptor. Returns 0 or a negative errno, which errno has, too. */
int output_write(int fd, const char *text, size_t length);

/* Whether stdout and stderr are one file (2>&1). */
bool output_is_stderr(void);

/* Whether stdout is a terminal; and the number of its columns, or $COLUMNS without a terminal; 0:
 * not known. */
bool output_is_terminal(void);
size_t output_width(void);

/* Reads the current file, which the caller frees; NULL: it cannot be read, or `path` is NULL.
 * Returns 0 or -ENOMEM. */
int output_before(const char *path, char **ret_text);

#endif
