/*
 * A poller asks for ever, so it must not complain for ever: one line when a
 * device begins to fail, one when a whole sweep of it has gone well again.
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

#define TROUBLES_MAX 1024 /* devices of one block that can fail at a time and be spoken of */

struct trouble {
    struct trouble *next;
    struct cemm_uid uid; /* "": the block as a whole */
    bool failed;         /* in this sweep */
    bool answered;       /* in this sweep */
};

struct troubles {
    const char *label;
    struct trouble *first;
    size_t count;
    bool answered; /* anything, in this sweep */
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

static struct trouble *find(struct troubles *troubles, const struct cemm_uid *uid)
{
    struct trouble *trouble = troubles->first;

    while (trouble && strcmp(trouble->uid.text, uid->text) != 0)
        trouble = trouble->next;
    return trouble;
}

static struct trouble *add(struct troubles *troubles, const struct cemm_uid *uid)
{
    struct trouble *trouble;

    if (troubles->count >= TROUBLES_MAX)
        return NULL;
    trouble = calloc(1, sizeof(*trouble));
    if (!trouble)
        return NULL;
    trouble->uid = *uid;
    trouble->next = troubles->first;
    troubles->first = trouble;
    troubles->count++;
    return trouble;
}

static void note_failure(struct troubles *troubles, const struct cemm_uid *uid, const char *alias,
                         const char *words)
{
    struct trouble *trouble = find(troubles, uid);

    if (!trouble) {
        trouble = add(troubles, uid);
        if (trouble)
            plugin_log(LOG_WARNING, "cemm plugin: %s: %s%s%s%s%s", troubles->label, uid->text,
                       *uid->text ? " " : "", alias ? alias : "", alias ? ": " : "", words);
    }
    if (trouble)
        trouble->failed = true;
}

void troubles_note(struct troubles *troubles, const struct cemm_uid *uid, const char *alias,
                   int result, const char *words)
{
    static const struct cemm_uid none = {""};
    struct trouble *trouble;

    if (!uid)
        uid = &none;
    if (result != 0) {
        note_failure(troubles, uid, alias, words);
        return;
    }
    troubles->answered = true;
    trouble = find(troubles, uid);
    if (trouble)
        trouble->answered = true;
}

void troubles_end_sweep(struct troubles *troubles)
{
    struct trouble **link = &troubles->first;

    while (*link) {
        struct trouble *trouble = *link;
        bool answered = *trouble->uid.text ? trouble->answered : troubles->answered;

        if (trouble->failed || !answered) {
            trouble->failed = false;
            trouble->answered = false;
            link = &trouble->next;
            continue;
        }
        plugin_log(LOG_INFO, "cemm plugin: %s: %s%sis back", troubles->label, trouble->uid.text,
                   *trouble->uid.text ? " " : "");
        *link = trouble->next;
        free(trouble);
        troubles->count--;
    }
    troubles->answered = false;
}
