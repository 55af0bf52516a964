/*
 * An API key. It is read from a file that only its owner can read, stored in one place, and wiped
 * after use.
 */
#ifndef CEMM_BASE_SECRET_H
#define CEMM_BASE_SECRET_H

#include "common/base/limits.h"
#include "common/base/message.h"

#include <stdbool.h>

struct cemm_secret {
    char text[CEMM_KEY_MAX + 1];
};

/* Reads the first line of `file`. "credential:NAME" is the file NAME in $CREDENTIALS_DIRECTORY,
 * whose mode systemd has set; any other `file` must be a regular file that neither group nor others
 * can access. Returns 0, or a negative errno with the reason in `message`, which never contains the
 * key. */
int cemm_secret_load(struct cemm_secret *secret, const char *file, struct cemm_message *message);

/* Whether `file` is a path, not "credential:NAME". */
bool cemm_secret_is_file(const char *file);

void cemm_secret_wipe(struct cemm_secret *secret);

#endif
