/*
 * The log: stderr in the foreground, else syslog.
 */
#ifndef FS_LOG_H
#define FS_LOG_H

#include "common/frontend.h"

/* Turns to syslog, for libfuse's own messages, too. */
void log_to_syslog(void);

/* A cemm_log_fn. */
void log_line(void *data, enum cemm_level level, const char *line);

#endif
