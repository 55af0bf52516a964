/*
 * Words for people and for logs, on stderr; data never goes this way.
 */
#ifndef CEMM_EXEC_SPEECH_H
#define CEMM_EXEC_SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cemm.h"

struct speech {
    bool terminal;      /* stderr is one that people look at */
    bool progress_able; /* and one that can erase a line */
    bool progress_shown;
    size_t done; /* what is shown */
    size_t total;
    int64_t progress_from; /* when progress begins to be worth showing (monotonic ms) */
};

void speech_begin(struct speech *ret_speech);

/* Says one line: "cemm: …" on a terminal, "E! …" or "W! …" (as Telegraf reads them) elsewhere. */
void speech_say(struct speech *speech, enum cemm_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "3 of 7 meters …" in place, if it is worth it by now; speech_clear() erases it. */
void speech_progress(struct speech *speech, size_t done, size_t total, const char *what);
void speech_clear(struct speech *speech);

/* Tells people at a terminal what takes its time; speech_clear() erases it, where that can be. */
void speech_busy(struct speech *speech, const char *what);

/* Milliseconds until progress becomes worth showing; -1: never, or it is already. */
int speech_patience(const struct speech *speech);

#endif
