/*
 * A table in pieces: samples as they come, or a history. The columns are as
 * wide as they will probably need to be.
 */
#ifndef CEMM_EXEC_TABLE_STREAM_H
#define CEMM_EXEC_TABLE_STREAM_H

#include <stdbool.h>
#include <stdio.h>

struct table_stream {
    bool begun; /* the titles are printed */
};

/* Prints rows of CEMM_ROWS_CSV; changes the text. Returns 0 or a negative errno. */
int table_stream_print(struct table_stream *table_stream, char *rows, FILE *stream);

#endif
