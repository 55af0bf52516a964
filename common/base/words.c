#include "common/base/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 2, 0))) static void set(struct cemm_words *words, const char *format,
                                                      va_list arguments)
{
    if (words && vsnprintf(words->text, sizeof(words->text), format, arguments) < 0)
        words->text[0] = '\0';
}

void cemm_words_set(struct cemm_words *words, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set(words, format, arguments);
    va_end(arguments);
}

int cemm_words_fail(struct cemm_words *words, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set(words, format, arguments);
    va_end(arguments);
    return error;
}

void cemm_words_keep(struct cemm_words **slot, const struct cemm_words *words)
{
    if (!*slot)
        *slot = malloc(sizeof(**slot));
    if (*slot)
        **slot = *words;
}

void cemm_words_drop(struct cemm_words **slot)
{
    free(*slot);
    *slot = NULL;
}

const struct cemm_words *cemm_words_kept(struct cemm_words *const *slot)
{
    static const struct cemm_words none = {"the reason is not known"};

    return *slot ? *slot : &none;
}

const char *cemm_words_quote(const char *text, char *ret, unsigned size)
{
    unsigned i = 0;

    for (; text[i] && i + 1 < size; i++) {
        unsigned char c = (unsigned char)text[i];
        ret[i] = c < 0x20 || c >= 0x7f ? '?' : text[i];
    }
    ret[i] = '\0';
    return ret;
}
