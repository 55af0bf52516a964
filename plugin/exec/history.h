/*
 * What a history is made of: which meters and periods, fetching them, and
 * writing them, each in a file of its own.
 */
#ifndef CEMM_EXEC_HISTORY_H
#define CEMM_EXEC_HISTORY_H

#include "plugin/exec/manner.h"
#include "plugin/exec/output.h"
#include "plugin/exec/running.h"
#include "plugin/exec/session.h"

/* Requests under way at a time. */
#define HISTORY_WINDOW 16

/* Meters whose rows of one period are put in the order of time; of more than that, they come one
 * group after the other. What this bounds is memory. */
#define HISTORY_GROUP 64

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

struct cemm_period history_period(const struct history *history, size_t number);
struct history_meter *history_meter(const struct history *history, size_t number);

/* Finds the meters that the METERs name and says what is not there. */
enum exec_exit history_find(struct history *history);

/* Finds out since when they have data, so that no day before that is asked for. What can't be found
 * out is just asked for. Returns 0 or a negative errno. */
int history_find_first(struct history *history);

/* Fetches and writes all; says what failed. */
enum exec_exit history_run(struct history *history);

/* ---- writing ------------------------------------------------------------------- */

struct history_writer {
    struct output output;
    enum exec_format format;
    struct manner manner;
    struct running running;
    char *held; /* JSON: the last row, which gets its comma when another follows */
};

int history_write_begin(struct history_writer *ret_writer, const struct history *history,
                        struct cemm_words *words);

/* Writes the documents as one text, in the order of time. */
int history_write(struct history_writer *writer, const struct cemm_document *const *documents,
                  size_t count, struct cemm_words *words);

/* Ends it; history_write_drop() instead leaves no file. One of the two is due. */
int history_write_end(struct history_writer *writer, struct cemm_words *words);
void history_write_drop(struct history_writer *writer);

#endif
