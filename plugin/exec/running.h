/*
 * A table that goes on: samples as they come, or a history piece by piece. Its
 * columns are as wide as they will probably need to be.
 */
#ifndef CEMM_EXEC_RUNNING_H
#define CEMM_EXEC_RUNNING_H

#include <stdbool.h>
#include <stdio.h>

struct running {
    bool begun; /* the titles are there */
};

/* Prints rows that the library has written as CEMM_ROWS_CSV; the text is taken apart in place.
 * Returns 0 or a negative errno. */
int running_print(struct running *running, char *rows, FILE *stream);

#endif
