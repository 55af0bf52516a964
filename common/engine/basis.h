/*
 * What something was derived from that is remembered (where a meter's data
 * begin, that a period has none): the time zone, and which sources were asked.
 * It holds while no other source might know better. As text:
 *
 *   Europe/Amsterdam
 *   +cloud home         it was asked
 *   -local garage       it does not reach the device
 */
#ifndef CEMM_ENGINE_BASIS_H
#define CEMM_ENGINE_BASIS_H

#include "common/engine/registry.h"

/* A new one, in our zone, which the caller frees; NULL: no memory. */
char *cemm_basis_new(const struct cemm_registry *registry);

/* A source of that name was asked: 0, -ENOMEM or -E2BIG. */
int cemm_basis_asked(char **basis, const char *name);

/* Completes it with what is known of the other sources. */
int cemm_basis_complete(char **basis, const struct cemm_registry *registry,
                        const struct cemm_uid *uid);

/* Whether it is of our zone; whether a source of that name was asked. */
bool cemm_basis_zone(const char *basis, const struct cemm_registry *registry);
bool cemm_basis_has(const char *basis, const char *name);

/* Whether all who were asked for `other` were asked for this one, too. */
bool cemm_basis_covers(const char *basis, const char *other);

/* Whether it still holds for a meter of that device. */
bool cemm_basis_holds(const char *basis, const struct cemm_registry *registry,
                      const struct cemm_uid *uid, const char *alias);

#endif
