/*
 * The commands that sweep once, list and read: configuration, sweep, output,
 * messages, exit status.
 */
#ifndef CEMM_EXEC_COMMAND_H
#define CEMM_EXEC_COMMAND_H

#include <stdio.h>

#include "plugin/exec/cause.h"
#include "plugin/exec/session.h"
#include "plugin/exec/table.h"

/* By device, then readings before problems, then alias; without a device last. */
struct collection {
    struct finding *findings;
    size_t count;
    size_t problems;
    struct session session;
    const struct exec_options *options;
    int64_t now; /* end of the sweep (Unix milliseconds) */

    size_t meters_done; /* the rest is for the sweep itself */
    bool done;
    int error;
};

/* Returns 0 or a negative errno. */
typedef int command_write_fn(const void *data, FILE *stream);

/* Opens a session and sweeps, or reports why it can't. collection_clear() must follow in either
 * case, and the collection must not move until then. */
enum exec_exit collection_make(struct collection *ret_collection,
                               const struct exec_options *options);
void collection_clear(struct collection *collection);

/* Reports the problems and writes the result: `data` of `write` is the collection. `is_table`: the
 * text shows the problems, so a terminal does not need them again on stderr. */
enum exec_exit collection_print(struct collection *collection, command_write_fn *write,
                                bool is_table);

/* Writes a text to `file` (NULL: stdout), completely or not at all. */
enum exec_exit command_put(const char *file, command_write_fn *write, const void *data);

/* Adds problem or note `index` below its device. Problems with one cause are one note. */
void collection_note(struct table *table, const struct collection *collection, size_t index,
                     const char **device);

#endif
