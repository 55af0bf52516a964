/*
 * Fetches a history and writes it.
 */
#ifndef CEMM_EXEC_HISTORY_RUN_H
#define CEMM_EXEC_HISTORY_RUN_H

#include "plugin/exec/exec.h"
#include "plugin/exec/history-range.h"

/* Fetches and writes all; says what failed. */
enum exec_exit history_run(struct history *history);

#endif
