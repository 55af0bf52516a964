/*
 * A poller asks for ever, so it must not complain for ever: one line when a
 * device begins to fail, one when all of it that has failed goes well again.
 *
 * The library says by itself that a source does not answer and that it is back,
 * and which answers are no use. What is left to say is that a meter is not
 * there any more, and that discovery finds nobody.
 */
#include "plugin/collectd/trouble.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/host.h"

#define TROUBLES_MAX 1024 /* meters of one block that can fail at a time and be spoken of */

struct trouble {
    struct trouble *next;
    struct cemm_uid uid;        /* "": the block as a whole */
    char alias[CEMM_NAME_SIZE]; /* "": the device as a whole */
};

struct troubles {
    const char *label;
    struct trouble *first;
    size_t count;
};

struct troubles *troubles_new(const char *label)
{
    struct troubles *troubles = calloc(1, sizeof(*troubles));

    if (troubles)
        troubles->label = label;
    return troubles;
}

void troubles_free(struct troubles *troubles)
{
    if (!troubles)
        return;
    while (troubles->first) {
        struct trouble *trouble = troubles->first;

        troubles->first = trouble->next;
        free(trouble);
    }
    free(troubles);
}

/* The place of the first that matches; `alias` NULL: any of the device's. */
static struct trouble **find(struct troubles *troubles, const struct cemm_uid *uid,
                             const char *alias)
{
    struct trouble **link = &troubles->first;

    while (*link && !(strcmp((*link)->uid.text, uid->text) == 0 &&
                      (!alias || strcmp((*link)->alias, alias) == 0)))
        link = &(*link)->next;
    return link;
}

static void add(struct troubles *troubles, const struct cemm_uid *uid, const char *alias,
                const char *words)
{
    bool first = !*find(troubles, uid, NULL);
    struct trouble *trouble = troubles->count < TROUBLES_MAX ? calloc(1, sizeof(*trouble)) : NULL;

    if (!trouble)
        return;
    trouble->uid = *uid;
    strncpy(trouble->alias, alias, sizeof(trouble->alias) - 1);
    trouble->next = troubles->first;
    troubles->first = trouble;
    troubles->count++;
    if (first)
        plugin_log(LOG_WARNING, "cemm plugin: %s: %s%s%s%s%s", troubles->label, uid->text,
                   *uid->text ? " " : "", alias, *alias ? ": " : "", words);
}

static void end(struct troubles *troubles, const struct cemm_uid *uid, const char *alias)
{
    struct trouble **link = find(troubles, uid, alias);
    struct trouble *trouble = *link;

    if (!trouble)
        return;
    *link = trouble->next;
    free(trouble);
    troubles->count--;
    if (!*find(troubles, uid, NULL))
        plugin_log(LOG_INFO, "cemm plugin: %s: %s%sis back", troubles->label, uid->text,
                   *uid->text ? " " : "");
}

void troubles_note(struct troubles *troubles, const struct cemm_uid *uid, const char *alias,
                   int result, const char *words)
{
    static const struct cemm_uid none = {""};

    if (!uid)
        uid = &none;
    if (!alias)
        alias = "";
    if (result == 0) {
        end(troubles, uid, alias);
        end(troubles, uid, "");
        end(troubles, &none, "");
    } else if (!*find(troubles, uid, alias)) {
        add(troubles, uid, alias, words);
    }
}
