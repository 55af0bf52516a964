/*
 * Whole files. frontend.h has cemm_file_read() and cemm_file_write().
 */
#ifndef CEMM_BASE_FILE_H
#define CEMM_BASE_FILE_H

#include "common/frontend.h"

/* Writes a file completely or not at all: writes `temporary`, in the same directory, and renames
 * it to `path`. `durable`: syncs it first, so that a power failure leaves the old file or the new
 * one; else the write to the disk is only started. Returns 0, -EEXIST if `temporary` exists
 * already, or another negative errno. */
int cemm_file_replace(const char *path, const char *temporary, mode_t mode, const char *bytes,
                      size_t length, bool durable);

#endif
