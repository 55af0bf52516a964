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

/* A source of that name was asked: 0, -ENOMEM or -E2BIG. */
int cemm_deps_asked(char **deps, const char *name);

/* Adds the sources that were not asked because they do not reach the device. */
int cemm_deps_complete(char **deps, const struct cemm_registry *registry,
                       const struct cemm_uid *uid);

/* Whether it has our time zone; whether it has a source of that name. */
bool cemm_deps_zone(const char *deps, const struct cemm_registry *registry);
bool cemm_deps_has(const char *deps, const char *name);

/* Whether it is still valid for a meter of that device. */
bool cemm_deps_holds(const char *deps, const struct cemm_registry *registry,
                     const struct cemm_uid *uid, const char *alias);

#endif
