/*
 * A poller asks for ever, so it must not complain for ever: one line when a
 * device begins to fail, one when all of it that has failed goes well again.
 *
 * The library logs sources that do not answer and answers that are of no use.
 * What is left is a meter that is not there any more, and a discovery that
 * finds nobody.
 */
#include "plugin/collectd/log_once.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/host.h"

#define FAILURES_MAX 1024 /* meters of one block that can fail at a time and be spoken of */

struct failure {
    struct failure *next;
    struct cemm_uid uid;        /* "": the block as a whole */
    char alias[CEMM_NAME_SIZE]; /* "": the device as a whole */
};

struct log_once {
    const char *label;
    struct failure *first;
    size_t count;
};

struct log_once *log_once_new(const char *label)
{
    struct log_once *log = calloc(1, sizeof(*log));

    if (log)
        log->label = label;
    return log;
}

void log_once_free(struct log_once *log)
{
    if (!log)
        return;
    while (log->first) {
        struct failure *failure = log->first;

        log->first = failure->next;
        free(failure);
    }
    free(log);
}

/* The place of the first that matches; `alias` NULL: any of the device's. */
static struct failure **find(struct log_once *log, const struct cemm_uid *uid, const char *alias)
{
    struct failure **link = &log->first;

    while (*link && !(strcmp((*link)->uid.text, uid->text) == 0 &&
                      (!alias || strcmp((*link)->alias, alias) == 0)))
        link = &(*link)->next;
    return link;
}

static void add(struct log_once *log, const struct cemm_uid *uid, const char *alias,
                const char *words)
{
    bool first = !*find(log, uid, NULL);
    struct failure *failure = log->count < FAILURES_MAX ? calloc(1, sizeof(*failure)) : NULL;

    if (!failure)
        return;
    failure->uid = *uid;
    strncpy(failure->alias, alias, sizeof(failure->alias) - 1);
    failure->next = log->first;
    log->first = failure;
    log->count++;
    if (first)
        plugin_log(LOG_WARNING, "cemm plugin: %s: %s%s%s%s%s", log->label, uid->text,
                   *uid->text ? " " : "", alias, *alias ? ": " : "", words);
}

static void end(struct log_once *log, const struct cemm_uid *uid, const char *alias)
{
    struct failure **link = find(log, uid, alias);
    struct failure *failure = *link;

    if (!failure)
        return;
    *link = failure->next;
    free(failure);
    log->count--;
    if (!*find(log, uid, NULL))
        plugin_log(LOG_INFO, "cemm plugin: %s: %s%sis back", log->label, uid->text,
                   *uid->text ? " " : "");
}

void log_once_note(struct log_once *log, const struct cemm_uid *uid, const char *alias, int result,
                   const char *words)
{
    static const struct cemm_uid none = {""};

    if (!uid)
        uid = &none;
    if (!alias)
        alias = "";
    if (result == 0) {
        end(log, uid, alias);
        end(log, uid, "");
        end(log, &none, "");
    } else if (!*find(log, uid, alias)) {
        add(log, uid, alias, words);
    }
}
