/*
 * Messages for people and for logs, on stderr; data never goes this way.
 */
#ifndef CEMM_EXEC_MESSAGE_H
#define CEMM_EXEC_MESSAGE_H

#include <stddef.h>

#include "common/cemm.h"

/* Looks at stderr; to be called first. */
void message_begin(void);

/* Says one line: "cemm: …" on a terminal, "E! …" or "W! …" (as Telegraf reads them) elsewhere. */
void message_print(enum cemm_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same of a meter, a device (no `alias`) or neither: "uid/alias: words". */
void message_about(enum cemm_level level, const char *uid, const char *alias, const char *words);

/* "3 of 7 meters …" in place, if it is worth it by now; message_clear() erases it. */
void message_progress(size_t done, size_t total, const char *what);
void message_clear(void);

/* Tells people at a terminal what takes its time; message_clear() erases it, where that can be. */
void message_busy(const char *what);

/* Milliseconds until progress becomes worth showing; -1: never, or it is already. */
int message_timeout(void);

/* Control characters of a text become `instead`: a terminal would obey them. */
void message_tame(char *text, char instead);

#endif
