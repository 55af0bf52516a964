/*
 * Answers arrive in any order, but people and diffs want them sorted by name:
 * so they are collected until the sweep ends.
 */
#include "plugin/exec/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/wait.h"

static struct finding *add(struct collection *collection, enum finding_kind kind, const char *uid,
                           const char *alias, const char *words)
{
    if (collection->error != 0)
        return NULL;
    if (collection->count == collection->room) {
        size_t room = collection->room * 2 + 16;
        struct finding *more = reallocarray(collection->findings, room, sizeof(*more));
        if (!more) {
            collection->error = -ENOMEM;
            collection->done = true;
            return NULL;
        }
        collection->findings = more;
        collection->room = room;
    }
    struct finding *finding = &collection->findings[collection->count++];
    *finding = (struct finding){.kind = kind};
    copy_text(finding->uid, sizeof(finding->uid), uid);
    copy_text(finding->alias, sizeof(finding->alias), alias);
    copy_text(finding->words, sizeof(finding->words), words);
    collection->problems += kind == FINDING_PROBLEM;
    options_mark(collection->options, finding->uid, finding->alias);
    return finding;
}

static void take_answer(void *data, const struct cemm_uid *uid, const char *alias,
                        const struct cemm_answer *answer)
{
    struct collection *collection = data;
    if (collection->error != 0)
        return; /* the context is being freed */
    if (!answer) {
        collection->done = true;
        return;
    }
    collection->meters_done += alias != NULL;
    bool good = answer->result == 0 && answer->document != NULL;
    struct finding *finding = add(collection, good ? FINDING_READING : FINDING_PROBLEM,
                                  uid ? uid->text : NULL, alias, answer->words);
    if (finding && good)
        finding->document = cemm_document_ref(answer->document);
}

/* How many meters the sweep covers, as far as is known. */
static size_t count_meters(const struct cemm *cemm, const struct collection *collection)
{
    const struct exec_options *options = collection->options;
    size_t found = 0;
    size_t named = 0; /* uid/alias: they may be in no table */
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(cemm, i)); i++) {
        const char *alias;
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++)
            found += options_select(options, cemm_device_uid(device)->text, alias);
    }
    for (size_t i = 0; i < options->meter_count; i++)
        named += options->meters[i].uid.text[0] != '\0' && options->meters[i].alias[0] != '\0';
    size_t count = found > named ? found : named;
    return count > collection->meters_done ? count : collection->meters_done;
}

static void show_progress(void *data, struct cemm *cemm)
{
    const struct collection *collection = data;
    message_progress(collection->meters_done, count_meters(cemm, collection), "meters");
}

static int sweep(struct cemm *cemm, struct collection *collection)
{
    const struct cemm_selection selection = {
        .meters = collection->options->meter_texts,
        .meter_count = collection->options->meter_count,
    };
    int r = cemm_sweep(cemm, &selection, take_answer, collection);
    if (r < 0)
        return r;
    r = wait_done(cemm, &collection->done, show_progress, collection);
    return r < 0 ? r : collection->error;
}

/* A METER that names nothing is a problem: a typing mistake must not look like success. */
static void add_unanswered(struct collection *collection)
{
    for (size_t i = 0; i < collection->options->meter_count; i++) {
        const struct exec_meter *meter = &collection->options->meters[i];
        const char *words = meter->alias[0] != '\0'
                                ? "there is no such meter, or it was not found"
                                : "there is no such device, or it was not found";
        if (!meter->answered)
            add(collection, FINDING_PROBLEM, meter->uid.text, meter->alias, words);
    }
}

static bool mentioned(const struct collection *collection, const char *uid)
{
    for (size_t i = 0; i < collection->count; i++) {
        if (strcmp(collection->findings[i].uid, uid) == 0)
            return true;
    }
    return false;
}

/* A device without meters would otherwise not be shown. */
static void add_bare_devices(struct cemm *cemm, struct collection *collection)
{
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(cemm, i)); i++) {
        const char *uid = cemm_device_uid(device)->text;
        bool meant =
            collection->options->meter_count == 0 || options_select(collection->options, uid, "");
        if (meant && !cemm_device_alias(device, 0) && !mentioned(collection, uid))
            add(collection, FINDING_NOTE, uid, NULL, "no meters");
    }
}

static int compare(const void *left, const void *right)
{
    const struct finding *a = left;
    const struct finding *b = right;
    if ((a->uid[0] == '\0') != (b->uid[0] == '\0'))
        return a->uid[0] == '\0' ? 1 : -1;
    int r = strcmp(a->uid, b->uid);
    if (r == 0)
        r = (int)(a->kind != FINDING_READING) - (int)(b->kind != FINDING_READING);
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

int collect(struct cemm *cemm, const struct exec_options *options,
            struct collection *ret_collection)
{
    *ret_collection = (struct collection){.cemm = cemm, .options = options};
    int r = sweep(cemm, ret_collection);
    if (r < 0)
        return r;
    add_bare_devices(cemm, ret_collection);
    add_unanswered(ret_collection);
    ret_collection->now = cemm_clock_wall();
    if (ret_collection->count > 0)
        qsort(ret_collection->findings, ret_collection->count, sizeof(struct finding), compare);
    return ret_collection->error;
}

void collection_clear(struct collection *collection)
{
    for (size_t i = 0; i < collection->count; i++)
        cemm_document_unref(collection->findings[i].document);
    free(collection->findings);
    *collection = (struct collection){.error = -ECANCELED};
}

void collection_report(const struct collection *collection, bool problems)
{
    size_t early = 0;
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind == FINDING_READING)
            early += cemm_document_early(finding->document);
        else if (problems)
            message_about(finding->kind == FINDING_NOTE ? CEMM_LOG_WARNING : CEMM_LOG_ERROR,
                          finding->uid, finding->alias, finding->words);
    }
    if (early > 0)
        message_print(CEMM_LOG_WARNING,
                      "%zu sample%s left out, more than 15 minutes ahead of this machine's clock",
                      early, early == 1 ? "" : "s");
    if (collection->count == 0)
        message_print(CEMM_LOG_WARNING, "no meters were found");
}
