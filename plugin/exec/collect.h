/*
 * One sweep over the selected meters, as a sorted list of what came of it.
 */
#ifndef CEMM_EXEC_COLLECT_H
#define CEMM_EXEC_COLLECT_H

#include "plugin/exec/exec.h"

enum finding_kind {
    FINDING_READING, /* a meter's answer: `document` is set */
    FINDING_PROBLEM, /* a meter, device or source that failed: `words` say how */
    FINDING_NOTE,    /* worth a word, yet no failure */
};

struct finding {
    enum finding_kind kind;
    char uid[CEMM_UID_SIZE];    /* "" where it concerns no one device */
    char alias[CEMM_NAME_SIZE]; /* "" where it concerns no one meter */
    struct cemm_document *document;
    char words[CEMM_WORDS_SIZE];
};

/* By device, then readings before problems, then alias; what belongs to no device is last. */
struct collection {
    struct finding *findings;
    size_t count;
    size_t room;
    size_t problems;
    const struct cemm *cemm;
    int64_t now; /* our clock when all had come (Unix milliseconds) */

    const struct exec_options *options; /* the rest is for the time of the sweep */
    size_t meters_done;
    bool done;
    int error;
};

/*
 * Sweeps once. Returns 0 however the meters did, or a negative errno if the
 * sweep itself could not be. A signal to end ends the process from in here.
 * collection_clear() is due in either case, before the context is freed.
 */
int collect(struct cemm *cemm, const struct exec_options *options,
            struct collection *ret_collection);
void collection_clear(struct collection *collection);

/* Says on stderr what went wrong, problem by problem, and what was withheld. */
void collection_report(const struct collection *collection, bool problems);

#endif
