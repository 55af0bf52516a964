/*
 * The formats for programs: influx, putval, prometheus, csv, json.
 */
#ifndef CEMM_EXEC_RENDER_H
#define CEMM_EXEC_RENDER_H

#include <stdio.h>

#include "plugin/exec/gather.h"

/* Writes all readings of a gathering in the format that its options ask for (not table). Returns 0
 * or a negative errno. */
int render(const void *gathering, FILE *stream);

#endif
