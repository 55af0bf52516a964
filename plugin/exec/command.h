/*
 * Runs a command that sweeps once: configuration, sweep, output, messages,
 * exit status.
 */
#ifndef CEMM_EXEC_COMMAND_H
#define CEMM_EXEC_COMMAND_H

#include <stdio.h>

#include "plugin/exec/collect.h"
#include "plugin/exec/table.h"

/* Returns 0 or a negative errno. */
typedef int command_write_fn(const void *data, FILE *stream);

/* Sweeps and writes the result: `data` is the struct collection. `is_table`: the text shows the
 * problems, so a terminal does not need them again on stderr. */
enum exec_exit command_run(const struct exec_options *options, command_write_fn *write,
                           bool is_table);

/* Writes a text to `file` (NULL: stdout), completely or not at all. */
enum exec_exit command_put(const char *file, command_write_fn *write, const void *data);

/* Adds a problem or note below its device. */
void command_table_note(struct table *table, const struct finding *finding, const char **device);

#endif
