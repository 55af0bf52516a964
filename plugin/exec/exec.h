/*
 * What the rooms of `cemm` share: how it ends, and what a command is. The
 * table of commands stands in main.c; adding a command is adding a row there
 * and a file beside it.
 */
#ifndef CEMM_EXEC_EXEC_H
#define CEMM_EXEC_EXEC_H

#include "plugin/exec/message.h"
#include "plugin/exec/options.h"

/* How the program ends (spec §6). Scripts and Telegraf go by these. */
enum exec_exit {
    EXEC_OK = 0,
    EXEC_FAILED = 1, /* a meter failed, or no device answered; what came was printed */
    EXEC_USAGE = 2,  /* the command line or the configuration is wrong; nothing was asked */
};

struct exec_command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *does;      /* for `cemm --help` */
    unsigned takes;        /* of enum exec_takes */
    enum exec_exit (*run)(const struct exec_options *options);
};

enum exec_exit exec_discover(const struct exec_options *options);
enum exec_exit exec_list(const struct exec_options *options);
enum exec_exit exec_history(const struct exec_options *options);
enum exec_exit exec_stream(const struct exec_options *options);
enum exec_exit exec_read(const struct exec_options *options);

#endif
