/*
 * Messages on stderr; data never goes there.
 */
#ifndef CEMM_EXEC_MESSAGE_H
#define CEMM_EXEC_MESSAGE_H

#include <stddef.h>

#include "common/frontend.h"

/* Must be called first. */
void message_begin(void);

/* Prints a line with "cemm: " in front, and before that with "E! ", "W! " or "I! " where stderr is
 * no terminal. */
void message_print(enum cemm_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with "uid/alias: " or "uid: " in front. */
void message_about(enum cemm_level level, const char *uid, const char *alias, const char *message);

/* "3 of 7 meters …" on the progress line, after a while; message_clear() erases it. */
void message_progress(size_t done, size_t total, const char *what);
void message_clear(void);

/* Shows the current activity on a terminal; message_clear() erases it if possible. */
void message_busy(const char *what);

/* Milliseconds until progress is shown; -1: never, or it is. */
int message_timeout(void);

/* Replaces control characters, which could control a terminal. */
void message_sanitize(char *text, char instead);

#endif
