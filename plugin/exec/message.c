/*
 * All messages are printed here. They begin with the name of the program, for
 * readers of a log or of mail from cron. If stderr is not a terminal, "E! ",
 * "W! " or "I! " precedes the name: Telegraf reads it as the level. A message
 * erases the progress line, and text from outside can't control the terminal.
 */
#include "plugin/exec/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/exec/wait.h"

#define PROGRESS_AFTER 2000 /* milliseconds */

/* At most this many lines are remembered, and as many are held. A line that can't be remembered may
 * be printed again; a line that can't be held is only counted. */
#define LINES_MAX 1000

#define ERASE_LINE "\r\033[K"

static struct {
    bool terminal;      /* stderr is a terminal */
    bool progress_able; /* stderr is a terminal that can erase a line */
    bool progress_shown;
    size_t done; /* the numbers that the progress line shows */
    size_t total;
    int64_t progress_from; /* when to begin showing progress (monotonic ms) */
} screen;

void message_begin(void)
{
    const char *term = getenv("TERM");
    screen.terminal = isatty(STDERR_FILENO) == 1;
    screen.progress_from = cemm_clock_steady() + PROGRESS_AFTER;
    screen.progress_able = screen.terminal && term && *term != '\0' && strcmp(term, "dumb") != 0;
}

void message_sanitize(char *text, char instead)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7f)
            *c = (unsigned char)instead;
    }
}

void message_print(enum cemm_level level, const char *format, ...)
{
    static const char *const prefixes[] = {
        [CEMM_LOG_ERROR] = "E! ", [CEMM_LOG_WARNING] = "W! ", [CEMM_LOG_INFO] = "I! "};
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return; /* no memory: the exit status still shows the failure */
    message_sanitize(line, '?');
    message_clear();
    signals_wait_writable(STDERR_FILENO); /* a stuck reader must not keep signals from ending us */
    fprintf(stderr, "%scemm: %s\n", screen.terminal ? "" : prefixes[level], line);
    free(line);
}

void message_about(enum cemm_level level, const char *uid, const char *alias, const char *message)
{
    const char *slash = uid[0] != '\0' && alias[0] != '\0' ? "/" : "";
    const char *colon = uid[0] != '\0' || alias[0] != '\0' ? ": " : "";
    message_print(level, "%s%s%s%s%s", uid, slash, alias, colon, message);
}

void message_failure(const struct cemm_message *message, int r)
{
    message_print(CEMM_LOG_ERROR, "%s", message->text[0] != '\0' ? message->text : strerror(-r));
}

/* ---- what was printed, or will be ---------------------------------------------- */

static struct lines {
    char *texts[LINES_MAX];
    size_t count;
    size_t lost;
} printed, held;

static bool released; /* message_release() was called */

static void keep(struct lines *lines, const char *text)
{
    char *copy = lines->count < LINES_MAX ? strdup(text) : NULL;
    if (copy)
        lines->texts[lines->count++] = copy;
    else
        lines->lost++;
}

const char *message_rest(const char *text)
{
    const char *colon = text ? strstr(text, ": ") : NULL;
    return colon ? colon + 2 : NULL;
}

/* Whether two messages have the same source and reason. */
static bool same_cause(const char *message, const char *other)
{
    const char *request = message_rest(message);
    const char *reason = message_rest(request);
    const char *other_reason = message_rest(message_rest(other));
    if (strcmp(message, other) == 0)
        return true;
    return reason && other_reason && strcmp(reason, other_reason) == 0 &&
           strncmp(message, other, (size_t)(request - message)) == 0;
}

void message_remember(const char *message)
{
    keep(&printed, message);
}

bool message_was_printed(const char *message)
{
    for (size_t i = 0; i < printed.count; i++) {
        if (same_cause(printed.texts[i], message))
            return true;
    }
    return false;
}

void message_once(enum cemm_level level, const char *line)
{
    if (!released) {
        if (level != CEMM_LOG_INFO)
            keep(&held, line);
        return;
    }
    for (size_t i = 0; i < printed.count; i++) {
        if (strcmp(printed.texts[i], line) == 0)
            return;
    }
    message_print(level, "%s", line);
    message_remember(line);
}

void message_release(void)
{
    released = true;
    for (size_t i = 0; i < held.count; i++) {
        if (!message_was_printed(held.texts[i]))
            message_once(CEMM_LOG_WARNING, held.texts[i]);
        free(held.texts[i]);
    }
    if (held.lost > 0)
        message_print(CEMM_LOG_WARNING, "further warnings dropped: %zu", held.lost);
    held.count = held.lost = 0;
}

/* ---- progress ------------------------------------------------------------------ */

void message_busy(const char *what)
{
    if (screen.progress_able)
        fprintf(stderr, ERASE_LINE "%s …", what);
    else if (screen.terminal)
        message_print(CEMM_LOG_INFO, "%s …", what);
    screen.progress_shown = screen.progress_able;
}

bool message_progress_due(void)
{
    return screen.progress_able && cemm_clock_steady() >= screen.progress_from;
}

int64_t message_deadline(void)
{
    return screen.progress_able && !screen.progress_shown ? screen.progress_from : INT64_MAX;
}

void message_progress(size_t done, size_t total, const char *what)
{
    bool same = screen.progress_shown && screen.done == done && screen.total == total;
    if (same)
        return;
    if (total > 0)
        fprintf(stderr, ERASE_LINE "%zu of %zu %ss …", done, total, what);
    else
        fprintf(stderr, ERASE_LINE "looking for meters …");
    screen.progress_shown = true;
    screen.done = done;
    screen.total = total;
}

void message_clear(void)
{
    if (screen.progress_shown)
        fputs(ERASE_LINE, stderr);
    screen.progress_shown = false;
}
