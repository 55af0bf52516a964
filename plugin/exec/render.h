/*
 * Prints tables; also prints samples, piece by piece, in the formats with rows.
 */
#ifndef CEMM_EXEC_RENDER_H
#define CEMM_EXEC_RENDER_H

#include <stdio.h>

#include "plugin/exec/options.h"

#define TABLE_COLUMNS_MAX 9

/* The width of a column whose longest text is as long as this text. */
#define LONGEST(text) (sizeof(text) - 1)

struct table_column {
    const char *title;
    bool right;   /* aligned to the right */
    size_t width; /* the minimum width */
};

/* A table must not move. */
struct table {
    const struct table_column *columns;
    size_t column_count;
    bool tight;    /* one space between columns, not two */
    bool untitled; /* the titles are not printed */
    int error;     /* set by the caller; table_print() returns it */
    size_t widths[TABLE_COLUMNS_MAX];
    FILE *rows; /* writes into `text`: a line for each row, with tabs between the cells */
    char *text;
    size_t length;
};

void table_begin(struct table *ret_table, const struct table_column *columns, size_t count);

/* Adds a row with a cell for each column; a cell that is NULL is empty. */
void table_row(struct table *table, const char *const *cells);

/* Adds a line outside the columns. */
void table_note(struct table *table, const char *text);

size_t table_width(const struct table *table); /* so far; notes do not count */

/* Prints the table, unless `stream` is NULL, and frees it. Returns 0 or a negative errno. */
int table_print(struct table *table, FILE *stream);

/* Shorten a number to three decimals, and 2024-03-31T03:00:00+02:00 to 2024-03-31 03:00:00. */
void table_round(char *number);
void table_plain_time(char *time);

#define READ_INTERVAL   60.0 /* seconds, assumed between two runs of `cemm read` */
#define STREAM_INTERVAL 10.0 /* seconds between two readings of `cemm stream` */

#define HOST_SIZE 128 /* the size of collectd's fields */

/* A struct render must not move: `options` points into it. */
struct render {
    enum exec_format format;
    bool lines; /* JSON: an object on each line instead of one array */
    bool begun; /* the text before all rows has been printed */
    struct cemm_render_options options;
    char host[HOST_SIZE];
    size_t refused; /* samples whose names are too long for collectd */
};

/* The host is $COLLECTD_HOSTNAME, else the machine's name. */
void render_init(struct render *ret_render, enum exec_format format, const struct cemm_zone *zone,
                 double interval);

/* Seconds between two readings: --interval, else $COLLECTD_INTERVAL, else `usual`. */
double render_interval(const struct exec_options *options, double usual);

/* Prints rows of several documents, oldest sample first. In CSV, the first call prints the header
 * even if there is no document. Returns 0 or a negative errno. */
int render_rows(struct render *render, const struct cemm_document *const *documents, size_t count,
                FILE *stream);

void render_end(const struct render *render, FILE *stream); /* ends a JSON array */

/* The name of the source at the beginning of a message ("cloud home: …"); NULL: there is none. */
const char *render_source(const struct cemm *cemm, const char *message);

/* The type of a meter; "": not known. */
const char *render_type(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias);

#endif
