/*
 * Replaces whole files; cemm_file_read() and cemm_file_write() are in frontend.h.
 */
#ifndef CEMM_BASE_FILE_H
#define CEMM_BASE_FILE_H

#include "common/frontend.h"

/* Writes a file completely or not at all: writes `temporary`, which is in the same directory, and
 * renames it to `path`. If `durable`, syncs it before renaming it, so that a power failure leaves
 * the old file or the new one; otherwise only starts the write to the disk. Returns 0, -EEXIST if
 * `temporary` exists already, or another negative errno. */
int cemm_file_replace(const char *path, const char *temporary, mode_t mode, const char *bytes,
                      size_t length, bool durable);

#endif
