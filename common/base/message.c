#include "common/base/message.h"

#include "common/base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS 60000

void cemm_message_set(struct cemm_message *message, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (message && vsnprintf(message->text, sizeof(message->text), format, arguments) < 0)
        message->text[0] = '\0';
    va_end(arguments);
}

bool cemm_line_allowed(struct cemm_line_limit *limit, int64_t now, struct cemm_message *ret_instead)
{
    if (now - limit->since >= MINUTE_MS)
        *limit = (struct cemm_line_limit){.since = now};
    ret_instead->text[0] = '\0';
    if (++limit->lines == CEMM_DEVICE_LINES_MAX + 1)
        cemm_message_set(ret_instead,
                         "%d messages about individual devices within a minute, probably with one "
                         "cause; further ones are suppressed for the rest of that minute",
                         CEMM_DEVICE_LINES_MAX);
    return limit->lines <= CEMM_DEVICE_LINES_MAX;
}

void cemm_message_keep(struct cemm_message **slot, const char *text)
{
    if (!*slot)
        *slot = malloc(sizeof(**slot));
    cemm_message_set(*slot, "%s", text);
}

void cemm_message_drop(struct cemm_message **slot)
{
    free(*slot);
    *slot = NULL;
}

const char *cemm_message_kept(struct cemm_message *const *slot)
{
    return *slot ? (*slot)->text : "the reason is not known";
}

char *cemm_text_trim(char *text)
{
    text += strspn(text, CEMM_BLANK);
    for (size_t length = strlen(text); length && strchr(CEMM_BLANK, text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

bool cemm_text_printable(const char *text)
{
    const char *c = text;

    while (*c > ' ' && *c < 0x7f)
        c++;
    return c > text && *c == '\0';
}

const char *cemm_message_quote(const char *text, char *ret, unsigned size)
{
    unsigned i = 0;

    for (; text[i] && i + 1 < size; i++) {
        unsigned char c = (unsigned char)text[i];
        ret[i] = c < 0x20 || c >= 0x7f ? '?' : text[i];
    }
    ret[i] = '\0';
    return ret;
}
