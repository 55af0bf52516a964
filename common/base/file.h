/*
 * Whole files.
 */
#ifndef CEMM_BASE_FILE_H
#define CEMM_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Reads a file. The caller frees *ret_bytes, which end in a NUL besides the
 * length that *ret_about tells. Returns 0, -EFBIG where it is longer than
 * `limit` or no file at all, or another negative errno.
 */
int cemm_file_read(const char *path, size_t limit, char **ret_bytes, struct stat *ret_about);

/* Reads so many bytes, or as many as there are: how many, or a negative errno. */
ssize_t cemm_file_fill(int fd, char *ret_bytes, size_t length);

/* Writes all of it, however many calls that takes. 0 or a negative errno. */
int cemm_file_write(int fd, const char *bytes, size_t length);

/*
 * Writes a file whole or not at all: as `beside`, in the same directory, which
 * is then renamed to `path`. Whatever has the name `beside` already is not
 * written to: -EEXIST. `lasting`: waits until it is on the disk, with its name.
 * 0 or a negative errno.
 */
int cemm_file_replace(const char *path, const char *beside, mode_t mode, const char *bytes,
                      size_t length, bool lasting);

#endif
