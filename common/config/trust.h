/*
 * A file of certificates (PEM), checked while the configuration is read.
 * Otherwise a wrong path would only show when the first connection fails, and
 * look like the cloud's fault.
 */
#ifndef CEMM_CONFIG_TRUST_H
#define CEMM_CONFIG_TRUST_H

#include "common/frontend.h"

/* Checks that `path` can be read and holds complete PEM certificates in valid Base64. Returns 0,
 * or a negative errno with a message. */
int cemm_trust_check(const char *path, struct cemm_message *message);

#endif
