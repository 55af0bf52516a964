/*
 * On what a stored result (a meter's first day, or that a period is empty) is
 * based: the time zone, and the sources that were asked. The result is valid
 * until another source may know better. As text:
 *
 *   Europe/Amsterdam
 *   +cloud home         it was asked
 *   -local garage       it does not reach the device
 */
#ifndef CEMM_ENGINE_DEPS_H
#define CEMM_ENGINE_DEPS_H

#include "common/engine/registry.h"

/* A new one, in our zone, which the caller frees; NULL: no memory. */
char *cemm_deps_new(const struct cemm_registry *registry);

/* Adds a source: 0, -ENOMEM or -E2BIG. Whether it is there. */
int cemm_deps_add(char **deps, char sign, const char *name);
bool cemm_deps_have(const char *deps, char sign, const char *name);

/* Adds the sources that were not asked because they do not reach the device. */
int cemm_deps_complete(char **deps, const struct cemm_registry *registry,
                       const struct cemm_uid *uid);

/* Whether it has our time zone. */
bool cemm_deps_zone(const char *deps, const struct cemm_registry *registry);

/* Whether it is still valid for a meter of that device. */
bool cemm_deps_holds(const char *deps, const struct cemm_registry *registry,
                     const struct cemm_uid *uid, const char *alias);

#endif
