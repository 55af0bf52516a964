/*
 * What all commands share. The table of commands is in main.c; a new command
 * is a row there and a file.
 */
#ifndef CEMM_EXEC_EXEC_H
#define CEMM_EXEC_EXEC_H

#include "plugin/exec/message.h"
#include "plugin/exec/options.h"

/* Exit status (spec §6). */
enum exec_exit {
    EXEC_OK = 0,
    EXEC_FAILED = 1, /* a meter failed, or no device answered; what came was printed */
    EXEC_USAGE = 2,  /* the command line or the configuration is wrong; nothing was asked */
};

struct exec_command {
    const char *name;
    const char *arguments;
    const char *does;
    unsigned takes; /* of enum exec_takes */
    enum exec_exit (*run)(const struct exec_options *options);
};

enum exec_exit exec_discover(const struct exec_options *options);
enum exec_exit exec_list(const struct exec_options *options);
enum exec_exit exec_history(const struct exec_options *options);
enum exec_exit exec_stream(const struct exec_options *options);
enum exec_exit exec_read(const struct exec_options *options);

#endif
