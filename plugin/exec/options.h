/*
 * The command line: options and METERs in any order; `--` ends the options.
 */
#ifndef CEMM_EXEC_OPTIONS_H
#define CEMM_EXEC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "plugin/exec/message.h"

enum exec_exit {
    EXEC_OK = 0,
    EXEC_FAILED = 1, /* something failed, or there was no data; what arrived was printed */
    EXEC_USAGE = 2,  /* the command line or the configuration is wrong; no request was sent */
};

enum exec_format {
    EXEC_FORMAT_TABLE,
    EXEC_FORMAT_INFLUX,
    EXEC_FORMAT_PUTVAL,
    EXEC_FORMAT_PROMETHEUS,  /* without times */
    EXEC_FORMAT_OPENMETRICS, /* for history only */
    EXEC_FORMAT_JSON,
    EXEC_FORMAT_CSV,
    EXEC_FORMAT_HOME_ASSISTANT,
    EXEC_FORMAT_DEFAULT, /* used only while the options are read */
};

/* Each option is a bit; every command takes the last three. */
enum exec_option {
    EXEC_FROM = 1 << 0,
    EXEC_TO = 1 << 1,
    EXEC_PERIOD = 1 << 2,
    EXEC_BY = 1 << 3,
    EXEC_INTERVAL = 1 << 4,
    EXEC_STDIN = 1 << 5,
    EXEC_STATE = 1 << 6,
    EXEC_FORMAT = 1 << 7,
    EXEC_CONFIG = 1 << 8,
    EXEC_OUTPUT = 1 << 9,
    EXEC_HELP = 1 << 10,
};

/* The values that --period and --by accept. */
extern const char *const span_names[];
extern const char *const by_names[];

#define EXEC_INTERVAL_MIN 0.1 /* seconds */
#define EXEC_INTERVAL_MAX 86400.0

struct exec_options {
    const char *config; /* NULL: the default places */
    const char *output; /* NULL: stdout */
    enum exec_format format;
    bool help;
    double interval;         /* seconds; 0: default */
    bool paced_by_stdin;     /* lines on stdin start the sweeps */
    const char *state;       /* the state file; NULL: none */
    struct cemm_period from; /* days; year 0: not given */
    struct cemm_period to;
    enum cemm_span span;             /* --period */
    enum cemm_by by;                 /* --by: the intervals of `energy` */
    struct cemm_selection selection; /* the METERs; options_mark() sets `answered` */
};

struct exec_command {
    const char *name;
    const char *arguments;
    const char *does;
    enum exec_exit (*run)(const struct exec_options *options);
    unsigned options;    /* bits of enum exec_option, except those that every command takes */
    bool meters;         /* it takes METERs */
    const char *formats; /* separated by commas */
    const char *note;    /* NULL: none */
};

/* Reads the `count` arguments after the command; they must outlive the options. False: the message
 * says why. The caller frees `selection.meters` in any case. */
bool options_read(struct exec_options *ret_options, const struct exec_command *command,
                  char *const *arguments, size_t count, struct cemm_message *message);

void options_help(const struct exec_command *command); /* prints a line for each option */

/* Marks the METERs that match a meter or, if `alias` is "", a device whose result has arrived. */
void options_mark(const struct exec_options *options, const char *uid, const char *alias);

/* Whether the METER has no result; if so, *ret_message says why. */
bool options_missing(const struct cemm_selector *meter, const struct cemm *cemm,
                     struct cemm_message *ret_message);

enum exec_exit exec_discover(const struct exec_options *options);
enum exec_exit exec_list(const struct exec_options *options);
enum exec_exit exec_read(const struct exec_options *options);
enum exec_exit exec_stream(const struct exec_options *options);
enum exec_exit exec_history(const struct exec_options *options);
enum exec_exit exec_energy(const struct exec_options *options);

/* Copies a text, truncated if it does not fit; NULL counts as "". */
static inline void copy_text(char *ret_text, size_t size, const char *text)
{
    (void)snprintf(ret_text, size, "%s", text ? text : "");
}

#endif
