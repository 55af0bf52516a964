/*
 * Runs one sweep, which reads every selected meter once. `list` and `read` print
 * its results; `history` and `energy` use it to find meters. Failures with the
 * same cause, such as a rejected key, are reported in one message.
 */
#ifndef CEMM_EXEC_COMMAND_H
#define CEMM_EXEC_COMMAND_H

#include "plugin/exec/render.h"
#include "plugin/exec/session.h"

#define FINDING_PERIODS_SIZE 32 /* room for two dates */

enum finding_kind {
    FINDING_ANSWER,  /* a meter's answer */
    FINDING_PROBLEM, /* a meter, device or source failed */
    FINDING_NOTE,    /* a device has no meters, which is not a failure */
};

#define NO_METERS "no meters were found: no source has any, or the configuration leaves them out"

/* A result about a meter, a device or a source. */
struct finding {
    enum finding_kind kind;
    struct cemm_uid uid;                /* "": it is not about a single device */
    char alias[CEMM_NAME_SIZE];         /* "": it is not about a single meter */
    char periods[FINDING_PERIODS_SIZE]; /* the periods that failed; "" if it is not about periods */
    struct cemm_document *document;
    int result; /* the result of the request */
    char message[CEMM_MESSAGE_SIZE];
    uint64_t cause;       /* a hash that problems with the same cause share */
    struct finding *next; /* the next problem with the same cause */
    bool joined;          /* it is reported with an earlier problem that has the same cause */
};

/* Links problems with the same cause; from then on the findings must not move. Prints the problems
 * and notes, unless a table shows them (`shown`). */
void findings_report(struct finding *findings, size_t count, bool shown);

/* What a sweep has found. */
struct collection {
    /* Sorted by device; findings without a device come last. Of each device, answers come first,
     * then problems, then notes, each sorted by alias. */
    struct finding *findings;
    size_t count;
    size_t problems;
    size_t ahead; /* samples that were left out, because they are too far ahead of our clock */
    bool any_sample;
    struct session session;
    const struct exec_options *options;
    int64_t now; /* when the sweep ended (Unix milliseconds) */

    size_t meters_done; /* used only during the sweep, as are the next two */
    size_t pending;
    int error;
};

/* Writes what is in `data` to the stream. Returns 0 or a negative errno. */
typedef int command_write_fn(const void *data, FILE *stream);

/* Reads the selected meters; `session` and `options` must be set. Returns 0, even if meters failed,
 * or a negative errno. The collection must not move until collection_clear(), which also closes the
 * session. */
int collection_sweep(struct collection *collection);
void collection_clear(struct collection *collection);

/* Sweeps, reports the problems and writes the result; `write` gets the collection as `data`. */
enum exec_exit collection_command(const struct exec_options *options, command_write_fn *write);

/* Writes what `write` produces to stdout or, if `file` is not NULL, replaces that file with it. */
enum exec_exit command_put(const char *file, command_write_fn *write, const void *data);

/* Adds a problem or note to a table, below its device. Problems with the same cause share one line.
 * *device is the device of the line above, or NULL, and is updated. */
void collection_note(struct table *table, const struct finding *finding, const char **device);

#endif
