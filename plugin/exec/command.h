/*
 * The frame of a command that sweeps once: configuration, sweep, text, output,
 * messages, exit status. And the part of it that `discover` needs.
 */
#ifndef CEMM_EXEC_COMMAND_H
#define CEMM_EXEC_COMMAND_H

#include <stdio.h>

#include "plugin/exec/collect.h"
#include "plugin/exec/table.h"

/* Writes a text. Returns 0 or a negative errno. */
typedef int command_write_fn(const void *data, FILE *stream);

/* Sweeps, and writes what came of it: `data` is the struct collection. `is_table`: the text shows
 * the problems itself, so a reader at a terminal does not need them again on stderr. */
enum exec_exit command_run(const struct exec_options *options, command_write_fn *write,
                           bool is_table);

/* Puts a text to `file` (NULL: stdout), whole or not at all, and says what hindered it. */
enum exec_exit command_put(const char *file, command_write_fn *write, const void *data);

/* Adds a problem or note to a table, below its device. */
void command_table_note(struct table *table, const struct finding *finding, const char **device);

#endif
