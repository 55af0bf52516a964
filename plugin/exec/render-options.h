/*
 * What the library's forms want to know of the place where we run.
 */
#ifndef CEMM_EXEC_RENDER_OPTIONS_H
#define CEMM_EXEC_RENDER_OPTIONS_H

#include <stdio.h>

#include "plugin/exec/exec.h"

#define READ_INTERVAL   60.0 /* seconds between two runs of `cemm read` */
#define STREAM_INTERVAL 10.0 /* meters tell nothing new more often */

#define HOST_SIZE 128 /* as collectd's fields */

struct render_options {
    struct cemm_manner cemm; /* its host points into this struct, which must not move */
    char host[HOST_SIZE];
    size_t refused; /* samples whose names do not fit collectd's fields */
};

/* The host is collectd's where it has started us ($COLLECTD_HOSTNAME), else this machine's. */
void render_options_init(struct render_options *ret_options, const struct cemm_zone *zone,
                         double interval);

/* Seconds between two readings: --interval, else what collectd says ($COLLECTD_INTERVAL), else the
 * usual. */
double render_options_interval(const struct exec_options *options, double usual);

/* The name of the source that `words` begin with ("cloud home: …"); NULL: none. */
const char *source_of_words(const struct cemm *cemm, const char *words);

/* A meter's type, as far as its device has told it; "": none. */
const char *type_of(const struct cemm *cemm, const char *uid, const char *alias);

/* The library's name of a format that has rows. */
enum cemm_rows render_options_rows(enum exec_format format);

/* JSON rows as the elements of one array, piece by piece. */
struct json_rows {
    bool begun;
};

/* Prints more rows, each a line; the text is taken apart in place. */
void json_rows_print(struct json_rows *rows, char *text, FILE *stream);

/* What comes behind the last. */
const char *json_rows_end(const struct json_rows *rows);

#endif
