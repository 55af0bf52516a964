/*
 * Aligned columns.
 */
#ifndef CEMM_EXEC_TABLE_H
#define CEMM_EXEC_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 9

struct table_column {
    const char *title;
    bool right;   /* aligned to the right */
    size_t width; /* at least */
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    bool tight; /* one space between columns, not two */
    bool untitled;
    int error; /* set by the fill function; table_print() returns it */
    size_t widths[TABLE_COLUMNS_MAX];
    FILE *stream; /* NULL: the columns are being measured */
};

/* Adds all rows. It is called once to measure the columns, and once to print them. */
typedef void table_fill_fn(struct table *table, const void *data);

/* For the fill function: a row, with one cell (NULL is empty) for each column, or a line outside
 * the columns. */
void table_row(struct table *table, const char *const *cells);
void table_note(struct table *table, const char *text);

/* Rounds a number in place to three decimals; people need no more. */
void table_round(char *number);

/* Shortens an ISO time: no T, no milliseconds, no offset. */
void table_plain_time(char *time);

/* Measures the columns, and returns the width without notes. */
size_t table_measure(struct table *table, table_fill_fn *fill, const void *data);

/* Returns 0 or the error. */
int table_print(struct table *table, table_fill_fn *fill, const void *data, FILE *stream);

#endif
