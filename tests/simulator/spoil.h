/* Faults that damage genuine answers, or replace them by invalid ones. See spoil.c. */
#pragma once

#include "answer.h"

/* A kind of damage. `apply` gets `text` as its argument, and returns 0 or -ENOMEM. */
struct spoiler {
    const char *name;
    int (*apply)(const char *text, struct answer *answer);
    const char *text;
    const char *help;
};

/* The last element has no name. */
extern const struct spoiler spoilers[];
