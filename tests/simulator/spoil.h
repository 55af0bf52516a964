/* Genuine answers that are damaged, and invalid answers. See spoil.c. */
#pragma once

#include "answer.h"

/* One kind of damage. `apply` returns 0 or -ENOMEM; `text` is what it needs to know. */
struct spoiler {
    const char *name;
    int (*apply)(const char *text, struct answer *answer);
    const char *text;
    const char *help;
};

/* Ends with a NULL name. */
extern const struct spoiler spoilers[];
