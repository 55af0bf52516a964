/*
 * How long somebody waits. A request's own timeout begins when it is sent
 * (spec §3), so whoever stands in a queue could wait for many of them. Who
 * must not, has a limit; it ends the wait, never the work.
 */
#ifndef CEMM_ENGINE_TIMEOUT_H
#define CEMM_ENGINE_TIMEOUT_H

#include "common/engine/registry.h"

/* As cemm_limit(). */
void cemm_timeout_set(struct cemm_ticket *ticket, const struct cemm_registry *registry,
                      const struct cemm_query *query);

#endif
