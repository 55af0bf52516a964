/*
 * Words for people who look at nothing: what was tried, and what to do.
 */
#ifndef CEMM_EXEC_EXPLAIN_H
#define CEMM_EXEC_EXPLAIN_H

#include "plugin/exec/session.h"

/* Says how far the look for devices went, none of which answered. */
void explain_look(const struct cemm *cemm);

/* Says what to write where, so that a device is asked without discovery. */
void explain_file(const struct session *session);

/* Nothing is configured and nothing answered: where the configuration was looked for, and both of
 * the above. */
void explain_nothing(const struct session *session);

#endif
