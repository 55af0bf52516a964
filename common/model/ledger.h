/*
 * The ledger as the files of this room share it: ledger.c remembers, state.c
 * reads and writes the file, pick.c makes documents of what is due.
 *
 * A series is known by one entry, which is made when the series is met and
 * stays where it is. Names never change, so nobody needs the lock to read them.
 */
#ifndef CEMM_MODEL_LEDGER_H
#define CEMM_MODEL_LEDGER_H

#include "common/base/buffer.h"
#include "common/base/limits.h"
#include "common/frontend.h"
#include "common/model/cadence.h"
#include "common/model/minutes.h"

#include <pthread.h>

struct cemm_fill;

/* Someone who is given minutes: a writer of history in collectd, or the output of stream. */
struct cemm_taker {
    bool current; /* of this run, so that it is also given live samples */
    char name[];
};

/* What one taker was given of one series. */
struct cemm_given {
    struct cemm_given *next; /* in the order of the takers' names */
    const struct cemm_taker *taker;
    struct cemm_minutes minutes;
    struct cemm_fill *fill; /* of the backfill, which owns it; NULL: none yet */
};

struct cemm_ledger_meter {
    struct cemm_ledger *ledger;
    struct cemm_ledger_entry *entries; /* in the order of their channels */
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
};

struct cemm_ledger_entry {
    struct cemm_ledger_entry *next;
    struct cemm_ledger_meter *meter;
    int64_t taken;      /* time of the newest sample that was to be given; 0: none */
    double value;       /* of that sample, if it was taken in this run */
    const char *source; /* of that sample, one of the ledger's; NULL: not known */
    int64_t measured;   /* when `data` of that answer was: cemm_document_newest() */
    int64_t given;      /* time of the newest sample that was given; 0: none */
    struct cemm_given *takers;
    struct cemm_cadence cadence;
    bool paced;    /* the meter measures at intervals of its own: no pulse meter */
    bool followed; /* the API has a row a minute of it */
    char channel[];
};

struct cemm_ledger {
    pthread_mutex_t lock; /* over all that follows */
    void *meters;         /* tree of struct cemm_ledger_meter */
    void *sources;        /* tree of their names */
    struct cemm_taker *takers[CEMM_TAKERS_MAX];
    size_t taker_count;
    int64_t window; /* seconds */
    /* For the state file: */
    const char *path;
    struct cemm_buffer lines; /* that it has not got yet */
    size_t grown;             /* bytes added to it since it was written whole */
    bool gave;                /* something was given in this run */
    bool behind;              /* it lacks something that is not in `lines` either */
    /* Of the thread that saves: */
    int64_t written; /* whole: monotonic milliseconds; 0: never */
    bool failing;
};

/* Forgets everything, including names. */
void cemm_ledger_clear(struct cemm_ledger *ledger);

/* Under the lock. Finds the entry of a series, or creates it; NULL: no memory, or an invalid
 * name. */
struct cemm_ledger_entry *cemm_ledger_get(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                                          const char *alias, const char *channel);

/* Whether a text may be a taker's name: it stands between tabs. */
bool cemm_taker_valid(const char *taker);

/* Under the lock. Finds the record of what a taker was given of it, or creates it; NULL: no
 * memory, an invalid name, or too many takers. */
struct cemm_given *cemm_ledger_given_to(struct cemm_ledger_entry *entry, const char *taker);

/* What a line of the state file begins with: TAKER, UID, ALIAS and CHANNEL, a tab behind each. */
void cemm_ledger_line(struct cemm_buffer *lines, const struct cemm_ledger_entry *entry,
                      const char *taker);

/*
 * The first stretch of minutes that a taker was not given, that begin at
 * `from` or after it, within the window before `now`, and are over by a minute
 * at least: one that has only just ended may still come live. False: none is
 * missing. All times are Unix milliseconds; `*ret_until` is the end of its last
 * minute. A series of which nothing was given lacks the whole window.
 */
bool cemm_ledger_missing(struct cemm_ledger_entry *entry, const char *taker, int64_t from,
                         int64_t now, int64_t *ret_from, int64_t *ret_until);

/*
 * The samples of a day of the series that begin at `from` or after it and lie
 * in minutes that the taker was not given (cemm_ledger_missing()): one a
 * minute, the oldest ones and at most so many, as a document that holds nothing
 * else. NULL: no memory. The caller unrefs it.
 */
struct cemm_document *cemm_ledger_pick_missing(struct cemm_ledger_entry *entry, const char *taker,
                                               const struct cemm_document *day, int64_t from,
                                               size_t most, int64_t now);

/* Under the lock. The state file's whole text, which the caller frees, with the minutes that any
 * window before `now` may ask for. 0 or a negative errno. */
int cemm_state_text(const struct cemm_ledger *ledger, int64_t now, char **ret_text,
                    size_t *ret_length);

#endif
