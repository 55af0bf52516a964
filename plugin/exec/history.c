/*
 * `cemm history`: days, months or years, oldest first. Decides which periods of
 * which meters are needed; history-run.c fetches and writes them.
 *
 * A METER uid/alias need not be found: the archive may have meters that no
 * source has any more. All others are found by a sweep, as `cemm read` finds
 * them.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/exec/cause.h"
#include "plugin/exec/history-run.h"

/* If there are at least this many periods, the first days are searched for first. */
#define LONG_RANGE 366

/* The API's times begin with 2000. */
static const struct cemm_period earliest = {CEMM_DAY, 2000, 1, 1};

static struct cemm_period around(const struct cemm_period *day, enum cemm_span span)
{
    struct cemm_period period = *day;
    period.span = span;
    if (span != CEMM_DAY)
        period.day = 1;
    if (span == CEMM_YEAR)
        period.month = 1;
    return period;
}

/* Sets the range up to now. False: it is empty. */
static bool set_range(struct history *history)
{
    const struct exec_options *options = history->options;
    enum cemm_span span = options->span;
    struct cemm_period today =
        cemm_period_at(cemm_zone(history->session.cemm), CEMM_DAY, time(NULL));
    struct cemm_period from = options->from;
    struct cemm_period to = options->to.year != 0 ? options->to : today;
    if (cemm_period_compare(&from, &earliest) < 0)
        from = earliest;
    if (cemm_period_compare(&to, &today) > 0)
        to = today;
    if (cemm_period_compare(&from, &to) > 0)
        return false;
    history->first = around(&from, span);
    if (history->use)
        history->first = cemm_period_step(&history->first, -(int)history->use->ahead);
    struct cemm_period last = around(&to, span);
    for (struct cemm_period period = history->first; cemm_period_compare(&period, &last) <= 0;
         period = cemm_period_step(&period, 1))
        history->period_count++;
    return true;
}

/* ---- which meters ------------------------------------------------------------ */

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
    *meter = (struct history_meter){.history = history};
    copy_text(meter->uid.text, sizeof(meter->uid.text), uid);
    copy_text(meter->alias, sizeof(meter->alias), alias);
    return true;
}

static void fail(struct history *history, const char *uid, const char *alias, const char *message)
{
    message_about(CEMM_LOG_ERROR, uid, alias, message);
    cause_remember(message);
    history->failed = true;
}

static bool known(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    const struct cemm_device *device = cemm_device_named(cemm, uid);
    const char *have;
    for (size_t i = 0; device && (have = cemm_device_alias(device, i)); i++) {
        if (strcmp(have, alias) == 0)
            return true;
    }
    return false;
}

/* A known meter has a history, even if it does not answer now. */
static void take_meter(void *data, const struct cemm_uid *uid, const char *alias,
                       const struct cemm_answer *answer)
{
    struct history *history = data;
    if (!answer)
        history->done = true;
    else if (answer->result == -ECANCELED)
        return; /* the context is being freed */
    else if (!alias || (answer->result != 0 && !known(history->session.cemm, uid, alias)))
        fail(history, uid ? uid->text : "", alias ? alias : "", answer->message);
    else if (!add_meter(history, uid->text, alias))
        fail(history, "", "", strerror(ENOMEM));
}

static int sweep(struct history *history)
{
    const struct session *session = &history->session;
    int r = cemm_sweep(session->cemm, &history->options->selection, take_meter, history);
    return r < 0 ? r : session_wait(session, &history->done, NULL, NULL);
}

/* Adds the METERs uid/alias; false if there are others, which must be found. */
static bool add_named(struct history *history, int *ret_error)
{
    const struct exec_options *options = history->options;
    bool all = options->meter_count > 0;
    for (size_t i = 0; i < options->meter_count; i++) {
        const struct exec_meter *meter = &options->meters[i];
        if (meter->uid.text[0] == '\0' || meter->alias[0] == '\0' ||
            !cemm_alias_allowed(history->session.cemm, &meter->uid, meter->alias))
            all = false;
        else if (!add_meter(history, meter->uid.text, meter->alias))
            *ret_error = -ENOMEM;
    }
    return all;
}

static void report_missing(struct history *history)
{
    const struct exec_options *options = history->options;
    const struct exec_meter *meter;
    struct cemm_message message;
    for (size_t i = 0; i < history->meter_count; i++)
        options_mark(options, history->meters[i].uid.text, history->meters[i].alias);
    for (size_t i = 0; (meter = options_missing(options, history->session.cemm, &i, &message));)
        fail(history, meter->uid.text, meter->alias, message.text);
}

static int compare(const void *left, const void *right)
{
    const struct history_meter *a = left;
    const struct history_meter *b = right;
    int r = strcmp(a->uid.text, b->uid.text);
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

static enum exec_exit find(struct history *history)
{
    int r = 0;
    if (!add_named(history, &r) && r == 0)
        r = sweep(history);
    session_release(&history->session);
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "the meters could not be found: %s", strerror(-r));
        return EXEC_FAILED;
    }
    report_missing(history);
    if (history->meter_count > 0)
        qsort(history->meters, history->meter_count, sizeof(*history->meters), compare);
    else if (session_found_nothing(&history->session))
        session_explain_nothing(&history->session);
    else if (!history->failed)
        message_print(CEMM_LOG_ERROR, "no meters were found");
    return history->meter_count > 0 ? EXEC_OK : EXEC_FAILED;
}

/* ---- since when -------------------------------------------------------------- */

/* A partial result is not used, so that nothing is left out. */
static void take_first(void *data, const struct cemm_answer *answer)
{
    struct history_meter *meter = data;
    struct history *history = meter->history;
    struct cemm_period day;
    if (answer->result == 0 &&
        cemm_first_day(history->session.cemm, &meter->uid, meter->alias, &day))
        meter->since = day;
    history->done = --history->pending == 0;
}

/* Finds the first day of each meter, so that no earlier day is asked for; without one, all are.
 * Returns 0 or a negative errno. */
static int find_first(struct history *history)
{
    history->done = true;
    for (size_t i = 0; i < history->meter_count; i++) {
        struct history_meter *meter = &history->meters[i];
        int r = cemm_find_first(history->session.cemm, &meter->uid, meter->alias, take_first, meter,
                                NULL);
        if (r < 0)
            return r;
        history->pending++;
        history->done = false;
    }
    return session_wait(&history->session, &history->done, NULL, NULL);
}

static enum exec_exit run(struct history *history)
{
    if (!set_range(history)) {
        history_report_empty(history, history->options->to.year != 0
                                          ? "no meter can have data for these dates"
                                          : "these dates are in the future");
        return EXEC_USAGE;
    }
    enum exec_exit end = find(history);
    if (end != EXEC_OK)
        return end;
    int r = history->period_count > LONG_RANGE ? find_first(history) : 0;
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "the first days could not be found: %s", strerror(-r));
        return EXEC_FAILED;
    }
    return history_run(history);
}

/* As in cemmfs: malloc() must not return the memory of each answer to the kernel. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD /* glibc */
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}

enum exec_exit history_command(struct history *history)
{
    keep_memory();
    enum exec_exit end = session_open(&history->session, SESSION_ONCE, history->options);
    if (end == EXEC_OK) {
        cemm_archive_use(history->session.cemm);
        end = run(history);
    }
    session_release(&history->session);
    session_close(&history->session);
    history_clear(history);
    return end;
}

enum exec_exit exec_history(const struct exec_options *options)
{
    struct history history = {.options = options};
    return history_command(&history);
}
