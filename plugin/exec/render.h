/*
 * The formats for programs: influx, putval, prometheus, csv, json.
 */
#ifndef CEMM_EXEC_RENDER_H
#define CEMM_EXEC_RENDER_H

#include <stdio.h>

#include "plugin/exec/gather.h"

/* Writes all readings in the format that the options ask for (not table). Returns 0 or a negative
 * errno. */
int render(const struct gathering *gathering, const struct cemm_zone *zone, FILE *stream);

#endif
