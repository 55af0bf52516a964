/*
 * Rows of `cemm energy`, those of a day together.
 */
#ifndef CEMM_EXEC_ENERGY_PRINT_H
#define CEMM_EXEC_ENERGY_PRINT_H

#include <stdio.h>

#include "plugin/exec/options.h"

struct energy_row {
    const char *uid; /* both must outlive it */
    const char *alias;
    enum cemm_quantity quantity;
    struct cemm_interval interval;
};

/* Format, zone and `by` are set by the caller. */
struct energy_rows {
    enum exec_format format;
    const struct cemm_zone *zone;
    enum cemm_by by;
    bool begun; /* some were printed */
    int error;  /* of adding; energy_rows_print() returns it */
    struct energy_row *rows;
    size_t count;
    size_t room;
};

void energy_rows_add(struct energy_rows *rows, const struct energy_row *row);

/* Prints them, oldest first, and forgets them. Returns 0 or a negative errno. */
int energy_rows_print(struct energy_rows *rows, FILE *stream);

/* Prints what stands before and after all rows. */
void energy_rows_begin(const struct energy_rows *rows, FILE *stream);
void energy_rows_end(const struct energy_rows *rows, FILE *stream);

void energy_rows_clear(struct energy_rows *rows);

#endif
