/*
 * One line a message, in one call, so that lines of several processes do not
 * mix. libfuse has a log of its own without a context, which is why it is
 * turned separately.
 */
#include "fs/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#define FUSE_USE_VERSION 314
#include <fuse_log.h>

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

void log_to_syslog(struct log *log)
{
    openlog("cemmfs", LOG_PID, LOG_DAEMON);
    fuse_set_log_func(fuse_to_syslog);
    log->to_syslog = true;
}

void log_line(void *data, enum cemm_level level, const char *line)
{
    const struct log *log = data;
    if (log->to_syslog)
        syslog(priority_of(level), "%s", line);
    else
        fprintf(stderr, "cemmfs: %s\n", line);
}

void log_print(struct log *log, enum cemm_level level, const char *format, ...)
{
    struct cemm_words words;
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(words.text, sizeof(words.text), format, arguments) < 0)
        words.text[0] = '\0';
    va_end(arguments);
    log_line(log, level, words.text);
}
