/*
 * Whom to trust: a file of certificates (PEM), looked at while the configuration
 * is read. A wrong path would otherwise only show when the first connection
 * fails, far from the line that is wrong, and look like the cloud's fault.
 */
#ifndef CEMM_CONFIG_TRUST_H
#define CEMM_CONFIG_TRUST_H

#include "common/frontend.h"

/* Whether `path` can be read and holds whole certificates, as far as their frame and letters go:
 * 0, or a negative errno with words. */
int cemm_trust_check(const char *path, struct cemm_words *words);

#endif
