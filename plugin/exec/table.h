/*
 * Aligned columns.
 */
#ifndef CEMM_EXEC_TABLE_H
#define CEMM_EXEC_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

struct table_column {
    const char *title;
    bool right;   /* aligned to the right */
    size_t width; /* at least */
};

struct table_row;

struct table {
    const struct table_column *columns; /* must outlive the table */
    size_t column_count;
    struct table_row *rows;
    size_t row_count;
    size_t row_room;
    bool untitled;
    size_t gap; /* spaces between columns */
    int error;  /* kept until table_print() */
};

struct table table_new(const struct table_column *columns, size_t column_count);
void table_clear(struct table *table);

/* Adds a row, one cell (copied; NULL is empty) for each column. */
void table_row(struct table *table, const char *const *cells);

/* Adds a line outside the columns. */
void table_note(struct table *table, const char *text);

/* Sorts the rows by their first cell. */
void table_sort(struct table *table);

/* Shortens an ISO time: no T, no milliseconds, no offset. */
void table_plain_time(char *time);

/* The width without notes. */
size_t table_width(const struct table *table);

/* Returns 0 or the first error. */
int table_print(const struct table *table, FILE *stream);

#endif
