/*
 * The output: stdout, or a file that is replaced atomically.
 */
#ifndef CEMM_EXEC_OUTPUT_H
#define CEMM_EXEC_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/frontend.h"

/* Message for a file that was not replaced. */
#define OUTPUT_LEFT "%s: not changed, because there was no sample"

/*
 * Checks, before anything is asked, whether a file can be written. `path` NULL
 * is stdout. Returns 0 or a negative errno and a message.
 */
int output_check(const char *path, struct cemm_message *message);

/*
 * Writes the text. If a file cannot be replaced the old one stays. If the
 * reader of stdout has gone, SIGPIPE ends the process. Returns 0 or a negative
 * errno and a message.
 */
int output_write(const char *path, const char *text, size_t length, struct cemm_message *message);

/*
 * The same piece by piece. The file changes with output_end(); output_drop()
 * leaves it as it was. One of the two must follow output_begin(). output_end()
 * also drops on failure.
 */
struct output {
    const char *path; /* NULL: stdout; must outlive it */
    char *real;
    char *beside; /* the temporary file; NULL: there is none */
    int fd;
};

int output_begin(struct output *ret_output, const char *path, struct cemm_message *message);
int output_put(struct output *output, const char *text, size_t length,
               struct cemm_message *message);
int output_end(struct output *output, struct cemm_message *message);
void output_drop(struct output *output);

/* Whether stdout and stderr are one file (2>&1). */
bool output_is_stderr(void);

/* Whether stdout is a terminal, and its columns: without one, $COLUMNS; 0: not known. */
bool output_is_terminal(void);
size_t output_width(void);

/* Reads the current file, which the caller frees; NULL: it cannot be read, or `path` is NULL.
 * Returns 0 or -ENOMEM. */
int output_before(const char *path, char **ret_text);

#endif
