/*
 * The formats for programs: influx, putval, prometheus, csv, json.
 */
#ifndef CEMM_EXEC_RENDER_H
#define CEMM_EXEC_RENDER_H

#include <stdio.h>

#include "plugin/exec/collect.h"

/* Writes all readings of a collection in the format that its options ask for (not table). Returns 0
 * or a negative errno. */
int render(const void *collection, FILE *stream);

#endif
