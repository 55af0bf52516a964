/*
 * The log: stderr in the foreground, else syslog.
 */
#ifndef FS_LOG_H
#define FS_LOG_H

#include <stdbool.h>

#include "common/cemm.h"

struct log {
    bool to_syslog;
};

/* Turns to syslog, for libfuse's own messages, too. */
void log_to_syslog(struct log *log);

/* A cemm_log_fn; `data` is the struct log. */
void log_line(void *data, enum cemm_level level, const char *line);

/* The same with a format. */
__attribute__((format(printf, 3, 4))) void log_print(struct log *log, enum cemm_level level,
                                                     const char *format, ...);

#endif
