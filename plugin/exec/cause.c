#include "plugin/exec/cause.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/message.h"

#define PRINTED_MAX 1000

/* What was printed, so that a cause is printed once. What does not fit may be printed again. */
static struct {
    char *lines[PRINTED_MAX];
    size_t count;
} printed;

/* Behind the next ": "; NULL: there is none. */
static const char *behind(const char *text)
{
    const char *colon = text ? strstr(text, ": ") : NULL;
    return colon ? colon + 2 : NULL;
}

/* Whether two messages have the same source and reason. */
static bool same_cause(const char *message, const char *others)
{
    const char *request = behind(message);
    const char *reason = behind(request);
    const char *other = behind(behind(others));
    if (strcmp(message, others) == 0)
        return true;
    return reason && other && strcmp(reason, other) == 0 &&
           strncmp(message, others, (size_t)(request - message)) == 0;
}

void cause_remember(const char *message)
{
    char *copy = printed.count < PRINTED_MAX ? strdup(message) : NULL;
    if (copy)
        printed.lines[printed.count++] = copy;
}

bool cause_was_printed(const char *message)
{
    for (size_t i = 0; i < printed.count; i++) {
        if (same_cause(printed.lines[i], message))
            return true;
    }
    return false;
}

void cause_print(enum cemm_level level, const char *line)
{
    for (size_t i = 0; i < printed.count; i++) {
        if (strcmp(printed.lines[i], line) == 0)
            return;
    }
    message_print(level, "%s", line);
    cause_remember(line);
}

/* Whether they have one cause: the same message, or the same reason, which is that a device does
 * not answer or that a source rejects the key. Other failures are a meter's own. */
static bool together(const struct finding *a, const struct finding *b)
{
    bool denied = a->result == CEMM_DENIED;
    bool silent = a->result == -EHOSTUNREACH || a->result == -ETIMEDOUT;
    if (a == b)
        return true;
    if (a->kind != FINDING_PROBLEM || b->kind != FINDING_PROBLEM ||
        strcmp(a->periods, b->periods) != 0)
        return false;
    if (strcmp(a->message, b->message) == 0)
        return true;
    return a->result == b->result && (denied || (silent && strcmp(a->uid, b->uid) == 0)) &&
           same_cause(a->message, b->message);
}

/* Adds to a list with commas, which has room for CAUSE_METERS_MAX. */
static void append(char *list, size_t size, const char *uid, const char *alias)
{
    size_t length = strlen(list);
    const char *slash = uid[0] != '\0' && alias[0] != '\0' ? "/" : "";
    if (uid[0] != '\0' || alias[0] != '\0')
        (void)snprintf(list + length, size - length, "%s%s%s%s", length > 0 ? ", " : "", uid, slash,
                       alias);
}

bool cause_join(const struct finding *findings, size_t count, size_t index, const char *device,
                struct cause *ret_cause)
{
    const char *message = findings[index].message;
    const char *request = behind(message);
    char *names = ret_cause->names;
    size_t joined = 0;
    bool one_request = true;
    *ret_cause = (struct cause){.names = ""};
    for (size_t i = 0; i < count; i++) {
        const struct finding *finding = &findings[i];
        if (!together(&findings[index], finding))
            continue;
        if (i < index)
            return false;
        one_request = one_request && strcmp(finding->message, message) == 0;
        if (joined++ < CAUSE_METERS_MAX)
            append(names, sizeof(ret_cause->names),
                   strcmp(finding->uid, device) == 0 ? "" : finding->uid, finding->alias);
    }
    size_t length = strlen(names);
    if (joined > CAUSE_METERS_MAX && length > 0)
        (void)snprintf(names + length, sizeof(ret_cause->names) - length, " and %zu more",
                       joined - CAUSE_METERS_MAX);
    if (one_request)
        cemm_message_set(&ret_cause->message, "%s", message);
    else
        cemm_message_set(&ret_cause->message, "%.*s%s", (int)(request - message), message,
                         behind(request));
    return true;
}

void cause_report(const struct finding *findings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct finding *finding = &findings[i];
        const char *periods = finding->periods;
        struct cause cause;
        if (finding->kind == FINDING_ANSWER || !cause_join(findings, count, i, "", &cause))
            continue;
        bool known = *periods != '\0' && cause_was_printed(finding->message);
        message_print(finding->kind == FINDING_NOTE ? CEMM_LOG_WARNING : CEMM_LOG_ERROR,
                      "%s%s%s%s%s", cause.names, *periods != '\0' ? " " : "", periods,
                      cause.names[0] != '\0' ? ": " : "",
                      known ? "failed, see above" : cause.message.text);
        cause_remember(finding->message);
    }
}
