/*
 * Everything that is said on stderr passes here, because three things must
 * agree: the prefix (Telegraf takes "E! " and "W! " for levels; people want the
 * program's name), the progress line (which has to go before a word is said),
 * and that nothing from outside can steer the reader's terminal.
 */
#include "plugin/exec/speech.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A sweep that lasts longer than this deserves a sign of life (milliseconds). */
#define PROGRESS_AFTER 2000

#define ERASE_LINE "\r\033[K"

void speech_begin(struct speech *ret_speech)
{
    const char *term = getenv("TERM");
    *ret_speech = (struct speech){
        .terminal = isatty(STDERR_FILENO) == 1,
        .progress_from = cemm_clock_steady() + PROGRESS_AFTER,
    };
    ret_speech->progress_able =
        ret_speech->terminal && term && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* Control characters in a name or a message would be obeyed by a terminal and split a log line. */
static void tame(char *line)
{
    for (unsigned char *c = (unsigned char *)line; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

static const char *prefix(const struct speech *speech, enum cemm_level level)
{
    if (speech->terminal)
        return "cemm: ";
    return level == CEMM_LOG_ERROR ? "E! " : level == CEMM_LOG_WARNING ? "W! " : "I! ";
}

void speech_say(struct speech *speech, enum cemm_level level, const char *format, ...)
{
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return; /* no memory for words: the exit status still tells */
    tame(line);
    speech_clear(speech);
    fprintf(stderr, "%s%s\n", prefix(speech, level), line);
    free(line);
}

void speech_busy(struct speech *speech, const char *what)
{
    if (!speech->terminal)
        return;
    if (speech->progress_able)
        fprintf(stderr, ERASE_LINE "%s …", what);
    else
        fprintf(stderr, "%s%s …\n", prefix(speech, CEMM_LOG_INFO), what);
    speech->progress_shown = speech->progress_able;
}

int speech_patience(const struct speech *speech)
{
    if (!speech->progress_able || speech->progress_shown)
        return -1;
    int64_t left = speech->progress_from - cemm_clock_steady();
    return left > 0 ? (int)left : 0;
}

void speech_progress(struct speech *speech, size_t done, size_t total, const char *what)
{
    if (!speech->progress_able || cemm_clock_steady() < speech->progress_from)
        return;
    if (speech->progress_shown && speech->done == done && speech->total == total)
        return; /* the loop turns more often than something changes */
    if (total > 0)
        fprintf(stderr, ERASE_LINE "%zu of %zu %s …", done, total, what);
    else
        fprintf(stderr, ERASE_LINE "looking for meters …");
    speech->progress_shown = true;
    speech->done = done;
    speech->total = total;
}

void speech_clear(struct speech *speech)
{
    if (speech->progress_shown)
        fputs(ERASE_LINE, stderr);
    speech->progress_shown = false;
}
