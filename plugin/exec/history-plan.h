/*
 * A history: each meter in each period. history.c begins, history-find.c finds
 * the meters, history-run.c fetches and history-write.c writes.
 */
#ifndef CEMM_EXEC_HISTORY_PLAN_H
#define CEMM_EXEC_HISTORY_PLAN_H

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

static inline struct cemm_period history_period(const struct history *history, size_t number)
{
    return cemm_period_step(&history->first, (int)(number / history->meter_count));
}

static inline struct history_meter *history_meter(const struct history *history, size_t number)
{
    return &history->meters[number % history->meter_count];
}

/* Finds the meters that the METERs name and says what is not there. */
enum exec_exit history_find(struct history *history);

/* Finds out since when they have data, so that no day before that is asked for. What can't be found
 * out is just asked for. Returns 0 or a negative errno. */
int history_find_first(struct history *history);

/* Fetches and writes all; says what failed. */
enum exec_exit history_run(struct history *history);

#endif
