#include "plugin/exec/cause.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Behind the next ": "; NULL: there is none. */
static const char *behind(const char *text)
{
    const char *colon = text ? strstr(text, ": ") : NULL;
    return colon ? colon + 2 : NULL;
}

bool cause_equal(const char *words, const char *others)
{
    const char *request = behind(words);
    const char *reason = behind(request);
    const char *other = behind(behind(others));
    if (strcmp(words, others) == 0)
        return true;
    return reason && other && strcmp(reason, other) == 0 &&
           strncmp(words, others, (size_t)(request - words)) == 0;
}

bool cause_same(const struct failure *a, const struct failure *b)
{
    if (strcmp(a->words, b->words) == 0)
        return true;
    bool denied = a->result == CEMM_DENIED;
    bool silent = a->result == -EHOSTUNREACH || a->result == -ETIMEDOUT;
    return a->result == b->result && (denied || (silent && strcmp(a->uid, b->uid) == 0)) &&
           cause_equal(a->words, b->words);
}

/* Adds to a list with commas. What does not fit is left out: it has room for CAUSE_METERS_MAX. */
static void append(char *list, size_t size, const char *uid, const char *alias)
{
    size_t length = strlen(list);
    if (uid[0] == '\0' && alias[0] == '\0')
        return;
    const char *slash = uid[0] != '\0' && alias[0] != '\0' ? "/" : "";
    (void)snprintf(list + length, size - length, "%s%s%s%s", length > 0 ? ", " : "", uid, slash,
                   alias);
}

void cause_add(struct cause *cause, const struct failure *failure)
{
    if (cause->count++ == 0) {
        cause->first = *failure;
        cause->one_device = cause->one_request = true;
    }
    cause->one_device &= strcmp(failure->uid, cause->first.uid) == 0;
    cause->one_request &= strcmp(failure->words, cause->first.words) == 0;
    if (cause->count > CAUSE_METERS_MAX)
        return;
    append(cause->meters, sizeof(cause->meters), failure->uid, failure->alias);
    append(cause->aliases, sizeof(cause->aliases), "", failure->alias);
}

static void count_more(char *list, size_t size, size_t count)
{
    size_t length = strlen(list);
    if (count > CAUSE_METERS_MAX && length > 0)
        (void)snprintf(list + length, size - length, " and %zu more", count - CAUSE_METERS_MAX);
}

void cause_end(struct cause *cause, struct cemm_words *ret_words)
{
    const char *words = cause->first.words;
    const char *request = behind(words);
    count_more(cause->meters, sizeof(cause->meters), cause->count);
    count_more(cause->aliases, sizeof(cause->aliases), cause->count);
    if (cause->one_request || !request)
        cemm_words_set(ret_words, "%s", words);
    else
        cemm_words_set(ret_words, "%.*s%s", (int)(request - words), words, behind(request));
}
