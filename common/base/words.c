#include "common/base/words.h"

#include <stdarg.h>
#include <stdio.h>

void cemm_words_set(struct cemm_words *words, const char *format, ...)
{
    if (!words)
        return;
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(words->text, sizeof(words->text), format, arguments) < 0)
        words->text[0] = '\0';
    va_end(arguments);
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
