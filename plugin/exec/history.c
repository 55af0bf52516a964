/*
 * `cemm history`: days, months or years, oldest first.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/exec/history-plan.h"

/* From so many periods on the first day is looked for first. */
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
    struct cemm_period today = cemm_period_at(cemm_zone(history->cemm), CEMM_DAY, time(NULL));
    struct cemm_period from = options->from;
    struct cemm_period to = options->to.year != 0 ? options->to : today;
    if (cemm_period_compare(&from, &earliest) < 0)
        from = earliest;
    if (cemm_period_compare(&to, &today) > 0)
        to = today;
    if (cemm_period_compare(&from, &to) > 0)
        return false;
    history->first = around(&from, span);
    struct cemm_period last = around(&to, span);
    for (struct cemm_period period = history->first; cemm_period_compare(&period, &last) <= 0;
         period = cemm_period_step(&period, 1))
        history->period_count++;
    return true;
}

static enum exec_exit run(struct history *history)
{
    if (!set_range(history)) {
        history_say_empty(history, history->options->to.year != 0
                                       ? "no meter can have data of that time"
                                       : "that time has not come yet");
        return EXEC_USAGE;
    }
    enum exec_exit end = history_find(history);
    if (end != EXEC_OK)
        return end;
    int r = history->period_count > LONG_RANGE ? history_find_first(history) : 0;
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

enum exec_exit exec_history(const struct exec_options *options)
{
    struct session session;
    struct history history = {.options = options, .session = &session};
    keep_memory();
    enum exec_exit end = session_open(&session, SESSION_LONG, options);
    if (end == EXEC_OK)
        end = session_check(&session);
    if (end == EXEC_OK) {
        history.cemm = session.cemm;
        cemm_archive_use(history.cemm);
        end = run(&history);
        session.cemm = history.cemm;
    }
    session_close(&session);
    free(history.meters);
    return end;
}
