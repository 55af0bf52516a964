/*
 * Aligned columns for people.
 */
#ifndef CEMM_EXEC_TABLE_H
#define CEMM_EXEC_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

struct table_column {
    const char *title;
    bool right;   /* aligned to the right, as numbers are */
    size_t width; /* at least: for tables that go on where others ended */
};

struct table_row;

struct table {
    const struct table_column *columns; /* at most TABLE_COLUMNS_MAX; must outlive the table */
    size_t column_count;
    struct table_row *rows;
    size_t row_count;
    size_t row_room;
    bool untitled;
    size_t gap; /* spaces between columns: 2, unless it is set after table_new() */
    int error;  /* the first one; kept until table_print() */
};

/* Begins an empty table; table_clear() ends it. */
struct table table_new(const struct table_column *columns, size_t column_count);
void table_clear(struct table *table);

/* Adds a row of as many cells as there are columns (copied; NULL is empty). */
void table_row(struct table *table, const char *const *cells);

/* Adds a line that keeps to no column. */
void table_note(struct table *table, const char *text);

/* A time as people write it: no T, no offset and no milliseconds. */
void table_plain_time(char *time);

/* How wide it will be, its notes left out. */
size_t table_width(const struct table *table);

/* Prints the titles and all rows. Returns 0 or the error that was met on the way. */
int table_print(const struct table *table, FILE *stream);

#endif
