/* Answers that no HTTP library would send. See wire.c. */
#pragma once

#include "answer.h"

struct wire_fault {
    const char *name;
    int (*apply)(struct answer *answer);
    const char *help;
};

/* The last element has no name. */
extern const struct wire_fault wire_faults[];
