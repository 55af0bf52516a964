/*
 * One line a message, in one call, so that lines of several processes do not
 * mix. libfuse has a log of its own.
 */
#include "fs/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#define FUSE_USE_VERSION 314
#include <fuse_log.h>

static bool to_syslog;

static int priority_of(enum cemm_level level)
{
    switch (level) {
    case CEMM_LOG_ERROR:
        return LOG_ERR;
    case CEMM_LOG_WARNING:
        return LOG_WARNING;
    default:
        return LOG_INFO;
    }
}

__attribute__((format(printf, 2, 0))) static void
fuse_to_syslog(enum fuse_log_level level, const char *format, va_list arguments)
{
    vsyslog((int)level, format, arguments); /* its levels are syslog's */
}

void log_to_syslog(void)
{
    openlog("cemmfs", LOG_PID, LOG_DAEMON);
    fuse_set_log_func(fuse_to_syslog);
    to_syslog = true;
}

void log_line(void *data, enum cemm_level level, const char *line)
{
    (void)data;
    if (to_syslog)
        syslog(priority_of(level), "%s", line);
    else
        fprintf(stderr, "cemmfs: %s\n", line);
}
