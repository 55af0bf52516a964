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

/* Whether a file (NULL: stdout) can be written; if not, reports why. */
bool output_check(const char *path);

/* Text printed to `stream` is written by output_flush() and output_end(); a file is replaced only
 * by output_end(). If the reader of stdout has gone, SIGPIPE ends the process. This struct must
 * stay at its address. */
struct output {
    const char *path; /* NULL: stdout; must outlive the output */
    FILE *stream;     /* writes into `text` */
    char *text;
    size_t length;
    char *real;                  /* the file to replace, after links were followed */
    char *temporary;             /* the temporary file; NULL: there is none */
    int fd;                      /* the open temporary file; -1: none */
    struct cemm_message message; /* says what failed; else "" */
};

/* Both return 0 or a negative errno. output_end() must follow in either case. */
int output_begin(struct output *ret_output, const char *path);
int output_flush(struct output *output);

/* Writes the rest, and replaces the file. If `r` (the result so far) is negative, keeps the old
 * file and returns `r`. */
int output_end(struct output *output, int r);

bool output_is_stderr(void); /* whether stdout and stderr are one file (2>&1) */
bool output_is_terminal(void);

/* The terminal's width in columns, or $COLUMNS if stdout is not a terminal; 0: not known. */
size_t output_width(void);

/* Reads the file that will be replaced. The caller frees *ret_text, which is NULL if the file can't
 * be read or `path` is NULL. Returns 0 or -ENOMEM. */
int output_before(const char *path, char **ret_text);

#endif
