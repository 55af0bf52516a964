/*
 * A history as OpenMetrics. All samples of a metric stand together there, also
 * those of different days, so they go into a temporary file first.
 */
#ifndef CEMM_EXEC_OPENMETRICS_H
#define CEMM_EXEC_OPENMETRICS_H

#include <stdio.h>
#include <sys/types.h>

#include "plugin/exec/output.h"

struct metric;

struct openmetrics {
    const char *directory;  /* of the temporary file */
    FILE *file;             /* it has no name */
    off_t end;              /* of what is in it */
    struct metric *metrics; /* sorted by name */
    size_t count;
};

/* The functions return 0 or a negative errno, and a message where it is about a file. */
int openmetrics_begin(struct openmetrics *ret_metrics, struct cemm_message *message);
int openmetrics_add(struct openmetrics *metrics, const struct cemm_document *document,
                    struct cemm_message *message);
int openmetrics_write(const struct openmetrics *metrics, struct output *output,
                      struct cemm_message *message);

/* Also of a struct of zeros. */
void openmetrics_clear(struct openmetrics *metrics);

#endif
