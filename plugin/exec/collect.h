/*
 * One sweep over the selected meters, as a sorted list of results.
 */
#ifndef CEMM_EXEC_COLLECT_H
#define CEMM_EXEC_COLLECT_H

#include "plugin/exec/options.h"

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
    char words[CEMM_WORDS_SIZE];
};

/* By device, then readings before problems, then alias; without a device last. */
struct collection {
    struct finding *findings;
    size_t count;
    size_t room;
    size_t problems;
    const struct cemm *cemm;
    int64_t now; /* end of the sweep (Unix milliseconds) */

    const struct exec_options *options; /* from here on for the sweep itself */
    size_t meters_done;
    bool done;
    int error;
};

/*
 * Sweeps once. Returns 0 however the meters did, or a negative errno if the
 * sweep failed. An ending signal ends the process. In either case
 * collection_clear() must follow, before the context is freed, which the
 * collection must outlive: a sweep that failed is still under way.
 */
int collect(struct cemm *cemm, const struct exec_options *options,
            struct collection *ret_collection);
void collection_clear(struct collection *collection);

/* Prints the problems and what was left out on stderr. */
void collection_report(const struct collection *collection, bool problems);

#endif
