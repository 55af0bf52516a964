/*
 * Words for people and for logs, on stderr; data never goes this way.
 */
#ifndef CEMM_EXEC_MESSAGE_H
#define CEMM_EXEC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cemm.h"

struct message {
    bool terminal;      /* stderr is one that people look at */
    bool progress_able; /* and one that can erase a line */
    bool progress_shown;
    size_t done; /* what is shown */
    size_t total;
    int64_t progress_from; /* when progress begins to be worth showing (monotonic ms) */
};

void message_begin(struct message *ret_message);

/* Says one line: "cemm: …" on a terminal, "E! …" or "W! …" (as Telegraf reads them) elsewhere. */
void message_print(struct message *message, enum cemm_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "3 of 7 meters …" in place, if it is worth it by now; message_clear() erases it. */
void message_progress(struct message *message, size_t done, size_t total, const char *what);
void message_clear(struct message *message);

/* Tells people at a terminal what takes its time; message_clear() erases it, where that can be. */
void message_busy(struct message *message, const char *what);

/* Milliseconds until progress becomes worth showing; -1: never, or it is already. */
int message_timeout(const struct message *message);

#endif
