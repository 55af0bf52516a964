/*
 * Which meters a history is about.
 */
#ifndef CEMM_EXEC_HISTORY_FIND_H
#define CEMM_EXEC_HISTORY_FIND_H

#include "plugin/exec/exec.h"
#include "plugin/exec/history-range.h"

/* Finds the meters that the METERs name and says what is not there. */
enum exec_exit history_find(struct history *history);

/* Finds out since when they have data, so that no day before that is asked for. What can't be found
 * out is just asked for. Returns 0 or a negative errno. */
int history_find_first(struct history *history);

#endif
