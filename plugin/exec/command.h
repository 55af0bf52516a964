/*
 * A command that sweeps once: configuration, sweep, output, messages, exit
 * status.
 */
#ifndef CEMM_EXEC_COMMAND_H
#define CEMM_EXEC_COMMAND_H

#include <stdio.h>

#include "plugin/exec/options.h"
#include "plugin/exec/table.h"

enum finding_kind {
    FINDING_READING, /* a meter's answer */
    FINDING_PROBLEM, /* a meter, device or source failed */
    FINDING_NOTE,    /* no failure */
};

struct finding {
    enum finding_kind kind;
    char uid[CEMM_UID_SIZE];    /* "": no single device */
    char alias[CEMM_NAME_SIZE]; /* "": no single meter */
    struct cemm_document *document;
    int result; /* of the request */
    char words[CEMM_WORDS_SIZE];
};

/* By device, then readings before problems, then alias; without a device last. */
struct collection {
    struct finding *findings;
    size_t count;
    size_t problems;
    struct cemm *cemm;
    int64_t now; /* end of the sweep (Unix milliseconds) */

    const struct exec_options *options; /* the rest is for the sweep itself */
    size_t meters_done;
    bool done;
    int error;
};

/* Returns 0 or a negative errno. */
typedef int command_write_fn(const void *data, FILE *stream);

/* Sweeps and writes the result: `data` is the struct collection. `is_table`: the text shows the
 * problems, so a terminal does not need them again on stderr. */
enum exec_exit command_run(const struct exec_options *options, command_write_fn *write,
                           bool is_table);

/* Writes a text to `file` (NULL: stdout), completely or not at all. */
enum exec_exit command_put(const char *file, command_write_fn *write, const void *data);

/* Adds problem or note `index` below its device. Problems with one cause are one note. */
void command_table_note(struct table *table, const struct collection *collection, size_t index,
                        const char **device);

#endif
