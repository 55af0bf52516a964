/*
 * A table that goes on: samples as they come, or a history piece by piece. Its
 * columns are as wide as they will probably need to be.
 */
#ifndef CEMM_EXEC_TABLE_STREAM_H
#define CEMM_EXEC_TABLE_STREAM_H

#include <stdbool.h>
#include <stdio.h>

struct table_stream {
    bool begun; /* the titles are there */
};

/* Prints rows that the library has written as CEMM_ROWS_CSV; the text is taken apart in place.
 * Returns 0 or a negative errno. */
int table_stream_print(struct table_stream *table_stream, char *rows, FILE *stream);

#endif
