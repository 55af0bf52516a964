#include "plugin/exec/history-range.h"

#include <time.h>

/* The API's times begin with 2000: nothing before is asked for. */
static const struct cemm_period earliest = {CEMM_DAY, 2000, 1, 1};

/* The period of that span that the day lies in. */
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

bool history_set_range(struct history *history)
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

/* The time there shows a person at once whether it is the zone that is wrong. */
void history_say_empty(const struct history *history, const char *what)
{
    char now[CEMM_TIME_SIZE];

    cemm_time_format(cemm_zone(history->cemm), (int64_t)time(NULL) * 1000, now);
    speech_say(history->speech, CEMM_LOG_ERROR,
               "%s; if the dates are right, the time zone is probably not the meter's (set "
               "time-zone): it is %s there",
               what, now);
}

struct cemm_period history_period(const struct history *history, size_t number)
{
    return cemm_period_step(&history->first, (int)(number / history->meter_count));
}

struct history_meter *history_meter(const struct history *history, size_t number)
{
    return &history->meters[number % history->meter_count];
}
