/*
 * Which meters a history is about. A METER uid/alias need not be found: the
 * archive may have what no source knows any more. An alias alone may be in no
 * list, so each device is asked for it.
 */
#include "plugin/exec/history-plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/explain.h"
#include "plugin/exec/wait.h"

#define FIND_AGE_MS (10 * 60 * 1000)

/* A search for devices, for meters, for an unlisted meter, or for the first day of a meter. */
struct look {
    struct history *history;
    struct cemm_uid uid;         /* "": for devices */
    const char *alias;           /* of an unlisted meter; NULL: none */
    bool unlisted;               /* its list failed, which was reported */
    struct history_meter *meter; /* NULL: not for a first day */
};

static int begin_look(const struct look *wanted);

static bool add_meter(struct history *history, const char *uid, const char *alias)
{
    for (size_t i = 0; i < history->meter_count; i++) {
        if (strcmp(history->meters[i].uid.text, uid) == 0 &&
            strcmp(history->meters[i].alias, alias) == 0)
            return true;
    }
    struct history_meter *more =
        reallocarray(history->meters, history->meter_count + 1, sizeof(*more));
    if (!more)
        return false;
    history->meters = more;
    struct history_meter *meter = &more[history->meter_count++];
    *meter = (struct history_meter){0};
    copy_text(meter->uid.text, sizeof(meter->uid.text), uid);
    copy_text(meter->alias, sizeof(meter->alias), alias);
    return true;
}

/* A partial result leaves nothing out. */
static void take_first(const struct look *look, const struct cemm_answer *answer)
{
    struct history_meter *meter = look->meter;
    struct cemm_period day;
    if (answer->result == 0 && cemm_first_day(look->history->cemm, &meter->uid, meter->alias, &day))
        meter->since = day;
}

static void take_found_end(const struct look *look, const struct cemm_answer *answer)
{
    if (answer->result == 0 || answer->result == -ECANCELED)
        return;
    message_about(CEMM_LOG_ERROR, look->uid.text, "", answer->words);
    look->history->failed = true;
}

static void fail(struct history *history, int error)
{
    message_print(CEMM_LOG_ERROR, "%s", strerror(-error));
    history->failed = true;
}

/* Absence is no failure: most devices do not have it. */
static void take_unlisted(const struct look *look, const struct cemm_answer *answer)
{
    struct history *history = look->history;
    if (answer->result == 0 && !add_meter(history, look->uid.text, look->alias))
        fail(history, -ENOMEM);
    if (answer->result == 0 || answer->result == CEMM_ABSENT || answer->result == -ECANCELED ||
        look->unlisted)
        return;
    message_about(CEMM_LOG_ERROR, look->uid.text, look->alias, answer->words);
    history->failed = true;
}

static bool known(const struct cemm_device *device, const char *alias)
{
    const char *have;
    for (size_t i = 0; device && (have = cemm_device_alias(device, i)); i++) {
        if (strcmp(have, alias) == 0)
            return true;
    }
    return false;
}

/* An alias that is in no list of this device may exist (mb1 to mb247): its realtime data tells. */
static void look_for_unlisted(struct history *history, const struct cemm_uid *uid, bool unlisted)
{
    const struct cemm_device *device = cemm_device_named(history->cemm, uid);
    for (size_t i = 0; i < history->options->meter_count; i++) {
        const struct exec_meter *meter = &history->options->meters[i];
        if (meter->uid.text[0] != '\0' || known(device, meter->alias) ||
            !cemm_alias_allowed(history->cemm, uid, meter->alias))
            continue;
        int r = begin_look(&(struct look){
            .history = history, .uid = *uid, .alias = meter->alias, .unlisted = unlisted});
        if (r < 0)
            fail(history, r);
    }
}

static void take_end(void *data, const struct cemm_answer *answer)
{
    struct look *look = data;
    if (look->meter)
        take_first(look, answer);
    else if (look->alias)
        take_unlisted(look, answer);
    else
        take_found_end(look, answer);
    bool listed = !look->meter && !look->alias && look->uid.text[0] != '\0';
    if (listed && answer->result != -ECANCELED)
        look_for_unlisted(look->history, &look->uid, answer->result != 0);
    look->history->done = --look->history->pending == 0;
    free(look);
}

static int ask(struct look *look)
{
    struct cemm *cemm = look->history->cemm;
    const struct history_meter *meter = look->meter;
    if (meter)
        return cemm_find_first(cemm, &meter->uid, meter->alias, take_end, look, NULL);
    if (!look->alias)
        return cemm_find(cemm, look->uid.text[0] != '\0' ? &look->uid : NULL, FIND_AGE_MS, take_end,
                         look, NULL);
    struct cemm_query query = {.uid = look->uid, .endpoint = CEMM_REALTIME};
    copy_text(query.alias, sizeof(query.alias), look->alias);
    return cemm_get(cemm, &query, FIND_AGE_MS, take_end, look, NULL);
}

static int begin_look(const struct look *wanted)
{
    struct history *history = wanted->history;
    struct look *look = malloc(sizeof(*look));
    if (!look)
        return -ENOMEM;
    *look = *wanted;
    int r = ask(look);
    if (r < 0) {
        free(look);
        return r;
    }
    history->pending++;
    history->done = false;
    return 0;
}

static bool names_device(const struct exec_options *options, const char *uid)
{
    for (size_t i = 0; i < options->meter_count; i++) {
        const char *named = options->meters[i].uid.text;
        if (named[0] == '\0' || strcmp(named, uid) == 0)
            return true;
    }
    return options->meter_count == 0;
}

static int look_for_meters(struct history *history)
{
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(history->cemm, i)); i++) {
        const struct look look = {.history = history, .uid = *cemm_device_uid(device)};
        int r = names_device(history->options, look.uid.text) ? begin_look(&look) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static bool take_found(struct history *history)
{
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(history->cemm, i)); i++) {
        const char *uid = cemm_device_uid(device)->text;
        const char *alias;
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++) {
            if (options_select(history->options, uid, alias) && !add_meter(history, uid, alias))
                return false;
        }
    }
    return true;
}

static int look_around(struct history *history)
{
    int r = begin_look(&(struct look){.history = history});
    if (r == 0)
        r = wait_done(history->cemm, &history->done, NULL, NULL);
    if (r == 0)
        r = look_for_meters(history);
    if (r == 0)
        r = wait_done(history->cemm, &history->done, NULL, NULL);
    return r == 0 && !take_found(history) ? -ENOMEM : r;
}

/* Adds the METERs uid/alias; false if there are others, which must be found. */
static bool take_named(struct history *history, int *ret_error)
{
    const struct exec_options *options = history->options;
    bool all = options->meter_count > 0;
    for (size_t i = 0; i < options->meter_count; i++) {
        const struct exec_meter *meter = &options->meters[i];
        if (meter->uid.text[0] == '\0' || meter->alias[0] == '\0' ||
            !cemm_alias_allowed(history->cemm, &meter->uid, meter->alias))
            all = false;
        else if (!add_meter(history, meter->uid.text, meter->alias))
            *ret_error = -ENOMEM;
    }
    return all;
}

static void report_missing(struct history *history)
{
    for (size_t i = 0; i < history->meter_count; i++)
        options_mark(history->options, history->meters[i].uid.text, history->meters[i].alias);
    for (size_t i = 0; i < history->options->meter_count; i++) {
        const struct exec_meter *meter = &history->options->meters[i];
        if (meter->answered)
            continue;
        message_print(CEMM_LOG_ERROR, "%s: there is no such %s, or it was not found", meter->text,
                      meter->alias[0] != '\0' ? "meter" : "device");
        history->failed = true;
    }
}

static int compare(const void *left, const void *right)
{
    const struct history_meter *a = left;
    const struct history_meter *b = right;
    int r = strcmp(a->uid.text, b->uid.text);
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

int history_find_first(struct history *history)
{
    int r = 0;
    history->done = true;
    for (size_t i = 0; i < history->meter_count && r == 0; i++)
        r = begin_look(&(struct look){.history = history, .meter = &history->meters[i]});
    return r < 0 ? r : wait_done(history->cemm, &history->done, NULL, NULL);
}

enum exec_exit history_find(struct history *history)
{
    int r = 0;
    if (!take_named(history, &r) && r == 0)
        r = look_around(history);
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "the meters could not be found: %s", strerror(-r));
        return EXEC_FAILED;
    }
    report_missing(history);
    if (history->meter_count > 0)
        qsort(history->meters, history->meter_count, sizeof(*history->meters), compare);
    else if (session_found_nothing(history->session))
        explain_nothing(history->session);
    else if (!history->failed)
        message_print(CEMM_LOG_ERROR, "no meters were found");
    return history->meter_count > 0 ? EXEC_OK : EXEC_FAILED;
}
