/*
 * Lets the library work until something has come.
 */
#ifndef CEMM_EXEC_WAIT_H
#define CEMM_EXEC_WAIT_H

#include "plugin/exec/exec.h"

/* Shows how far it is, after each turn. */
typedef void wait_show_fn(void *data, struct cemm *cemm, struct speech *speech);

/*
 * Turns until a completion has set `done`. `show` may be NULL. Returns 0 or
 * the negative errno of a turn. A signal to end ends the process from in here.
 */
int wait_until(struct cemm *cemm, struct speech *speech, const bool *done, wait_show_fn *show,
               void *data);

#endif
