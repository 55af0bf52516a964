/*
 * Everything that is said on stderr passes here, because three things must
 * agree: the prefix (Telegraf takes "E! " and "W! " for levels; people want the
 * program's name), the progress line (which has to go before a word is said),
 * and that nothing from outside can steer the reader's terminal.
 */
#include "plugin/exec/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A sweep that lasts longer than this deserves a sign of life (milliseconds). */
#define PROGRESS_AFTER 2000

#define ERASE_LINE "\r\033[K"

void message_begin(struct message *ret_message)
{
    const char *term = getenv("TERM");
    *ret_message = (struct message){
        .terminal = isatty(STDERR_FILENO) == 1,
        .progress_from = cemm_clock_steady() + PROGRESS_AFTER,
    };
    ret_message->progress_able =
        ret_message->terminal && term && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* Control characters in a name or a message would be obeyed by a terminal and split a log line. */
static void tame(char *line)
{
    for (unsigned char *c = (unsigned char *)line; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

static const char *prefix(const struct message *message, enum cemm_level level)
{
    if (message->terminal)
        return "cemm: ";
    return level == CEMM_LOG_ERROR ? "E! " : level == CEMM_LOG_WARNING ? "W! " : "I! ";
}

void message_print(struct message *message, enum cemm_level level, const char *format, ...)
{
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return; /* no memory for words: the exit status still tells */
    tame(line);
    message_clear(message);
    fprintf(stderr, "%s%s\n", prefix(message, level), line);
    free(line);
}

void message_busy(struct message *message, const char *what)
{
    if (!message->terminal)
        return;
    if (message->progress_able)
        fprintf(stderr, ERASE_LINE "%s …", what);
    else
        fprintf(stderr, "%s%s …\n", prefix(message, CEMM_LOG_INFO), what);
    message->progress_shown = message->progress_able;
}

int message_timeout(const struct message *message)
{
    if (!message->progress_able || message->progress_shown)
        return -1;
    int64_t left = message->progress_from - cemm_clock_steady();
    return left > 0 ? (int)left : 0;
}

void message_progress(struct message *message, size_t done, size_t total, const char *what)
{
    if (!message->progress_able || cemm_clock_steady() < message->progress_from)
        return;
    if (message->progress_shown && message->done == done && message->total == total)
        return; /* the loop turns more often than something changes */
    if (total > 0)
        fprintf(stderr, ERASE_LINE "%zu of %zu %s …", done, total, what);
    else
        fprintf(stderr, ERASE_LINE "looking for meters …");
    message->progress_shown = true;
    message->done = done;
    message->total = total;
}

void message_clear(struct message *message)
{
    if (message->progress_shown)
        fputs(ERASE_LINE, stderr);
    message->progress_shown = false;
}
