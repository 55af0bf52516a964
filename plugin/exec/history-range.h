/*
 * What a history is made of: each meter in each period.
 */
#ifndef CEMM_EXEC_HISTORY_RANGE_H
#define CEMM_EXEC_HISTORY_RANGE_H

#include "plugin/exec/session.h"

/* A meter, and its failures so far: those of neighbouring periods are said as one. */
struct history_meter {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    struct cemm_period since; /* its first day with data; year 0: not known */
    bool down;     /* it was asked again in vain: from now on it is asked once a period */
    size_t rows;   /* samples that were written */
    size_t failed; /* of the failures that have not been said: how many periods */
    struct cemm_period failed_first;
    struct cemm_period failed_last;
    struct cemm_words words;
};

/* The periods, and each meter in each of them, have numbers: number = period * meters + meter. */
struct history {
    const struct exec_options *options;
    struct speech *speech;
    const struct session *session;
    struct cemm *cemm;
    struct history_meter *meters; /* in the order of their names */
    size_t meter_count;
    struct cemm_period first;
    size_t period_count;
    bool failed;    /* something has: exit 1 */
    size_t pending; /* looks under way, and whether none is left */
    bool done;
};

static inline size_t history_total(const struct history *history)
{
    return history->period_count * history->meter_count;
}

/* From --from to --to (or today), but nothing that has not begun. False: nothing is left. */
bool history_set_range(struct history *history);

/* Says that there is nothing of the range, and what the time is in the zone that it is of. */
void history_say_empty(const struct history *history, const char *what);

struct cemm_period history_period(const struct history *history, size_t number);
struct history_meter *history_meter(const struct history *history, size_t number);

#endif
