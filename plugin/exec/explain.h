/*
 * Messages for people who see nothing: what was tried, and what to do.
 */
#ifndef CEMM_EXEC_EXPLAIN_H
#define CEMM_EXEC_EXPLAIN_H

#include "plugin/exec/session.h"

/* Says what discovery has tried in vain. */
void explain_look(const struct cemm *cemm);

/* Says how to configure a device by its address. */
void explain_file(const struct session *session);

/* Without configuration and devices: says where the configuration was looked for, and both of the
 * above. */
void explain_nothing(const struct session *session);

#endif
