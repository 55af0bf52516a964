/*
 * Relative paths of a configuration.
 */
#ifndef CEMM_CONFIG_PATH_H
#define CEMM_CONFIG_PATH_H

/* `path` as a full path: programs change their directory later. What is relative is relative to
 * `base`, or to the current directory (NULL). The caller frees it. NULL: no memory, or the current
 * directory is gone. */
char *cemm_path_full(const char *base, const char *path);

#endif
