/*
 * Rendering by the library: host, interval, rows.
 */
#ifndef CEMM_EXEC_RENDER_OPTIONS_H
#define CEMM_EXEC_RENDER_OPTIONS_H

#include <stdio.h>

#include "plugin/exec/exec.h"

#define READ_INTERVAL   60.0 /* seconds between two runs of `cemm read` */
#define STREAM_INTERVAL 10.0 /* seconds; meters are no faster */

#define HOST_SIZE 128 /* as collectd's fields */

struct render_options {
    struct cemm_manner cemm; /* host points into this struct, which must not move */
    char host[HOST_SIZE];
    size_t refused; /* samples whose names are too long for collectd */
};

/* The host is $COLLECTD_HOSTNAME or that of the machine. */
void render_options_init(struct render_options *ret_options, const struct cemm_zone *zone,
                         double interval);

/* Seconds between two readings: --interval, $COLLECTD_INTERVAL or the default. */
double render_options_interval(const struct exec_options *options, double usual);

/* The source that a message begins with ("cloud home: …"); NULL: none. */
const char *source_of_words(const struct cemm *cemm, const char *words);

/* "": not known. */
const char *type_of(const struct cemm *cemm, const char *uid, const char *alias);

/* The rows of a format that has rows. */
enum cemm_rows render_options_rows(enum exec_format format);

/* Rows as the elements of one JSON array, piece by piece. */
struct json_rows {
    bool begun;
};

/* Prints more rows, one a line; changes the text. */
void json_rows_print(struct json_rows *rows, char *text, FILE *stream);

/* The end of the array. */
const char *json_rows_end(const struct json_rows *rows);

#endif
