/*
 * Commands that sweep once: `list`, `read`; `history`, `energy` to find meters.
 * Failures with the same cause, such as a key that is rejected, are one message.
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
    struct cemm_uid uid;                /* "": no single device */
    char alias[CEMM_NAME_SIZE];         /* "": no single meter */
    char periods[FINDING_PERIODS_SIZE]; /* the periods that failed; "" if it is not about periods */
    struct cemm_document *document;
    int result; /* of the request */
    char message[CEMM_MESSAGE_SIZE];
    uint64_t cause;       /* hash of what problems with the same cause have in common */
    struct finding *next; /* the next problem with the same cause */
    bool joined;          /* an earlier problem has the same cause */
};

/* Links problems with the same cause, after which the findings must not move. Prints the problems
 * and notes, unless a table shows them (`shown`). */
void findings_report(struct finding *findings, size_t count, bool shown);

/* What a sweep has found. */
struct collection {
    /* Sorted by device; those without one come last. A device's answers come before its problems
     * and notes, each sorted by alias. */
    struct finding *findings;
    size_t count;
    size_t problems;
    size_t ahead; /* samples that were left out, because they are too far ahead of our clock */
    bool any_sample;
    struct session session;
    const struct exec_options *options;
    int64_t now; /* end of the sweep (Unix milliseconds) */

    size_t meters_done; /* the rest is for the sweep itself */
    size_t pending;
    int error;
};

/* Returns 0 or a negative errno. */
typedef int command_write_fn(const void *data, FILE *stream);

/* `session` and `options` must be set. Returns 0 even if meters failed, or a negative errno. The
 * collection must not move until collection_clear(), which closes the session, too. */
int collection_sweep(struct collection *collection);
void collection_clear(struct collection *collection);

/* Sweeps, reports the problems and writes the result; `write` gets the collection as `data`. */
enum exec_exit collection_command(const struct exec_options *options, command_write_fn *write);

/* Writes a text to `file` (NULL: stdout), completely or not at all. */
enum exec_exit command_put(const char *file, command_write_fn *write, const void *data);

/* Adds a problem or note below its device. Problems with the same cause are one line. *device is
 * that of the line above, or NULL. */
void collection_note(struct table *table, const struct finding *finding, const char **device);

#endif
