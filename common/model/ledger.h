/*
 * The ledger as its own files and engine/backfill.c see it: ledger.c remembers,
 * state.c reads and writes the file, pick.c makes documents of what is due.
 *
 * A series has one entry, which is made at its first use, and does not move. Its
 * names never change, so they may be read without the lock.
 */
#ifndef CEMM_MODEL_LEDGER_H
#define CEMM_MODEL_LEDGER_H

#include "common/base/buffer.h"
#include "common/base/limits.h"
#include "common/frontend.h"
#include "common/model/minutes.h"

#include <pthread.h>
#include <sys/queue.h>

#define CEMM_CADENCE_DISTANCES 7 /* between the last eight samples */
#define CEMM_CADENCE_MAX       3600

/* How often a series is measured, learned from its samples. A poll misses some of them, and the
 * first one after an outage is late: so the shortest of the last distances counts. */
struct cemm_cadence {
    uint16_t distances[CEMM_CADENCE_DISTANCES]; /* seconds, the newest first; 0: none */
};

struct cemm_backfill_job;

/* An output that minutes are sent to: a writer of history in collectd, or the output of stream. */
struct cemm_sink {
    bool current; /* a sink of this run, so live samples are sent to it, too */
    char name[CEMM_SINK_SIZE];
};

/* What was sent of one series to one sink. */
struct cemm_sent {
    struct cemm_sent *next;
    const struct cemm_sink *sink;
    struct cemm_minutes minutes;
    struct cemm_backfill_job *job; /* the job of the backfill, which owns it; NULL: none yet */
};

struct cemm_ledger_meter {
    STAILQ_ENTRY(cemm_ledger_meter) link;
    struct cemm_ledger *ledger;
    struct cemm_ledger_entry *entries;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
};

struct cemm_ledger_entry {
    struct cemm_ledger_entry *next;
    struct cemm_ledger_meter *meter;
    int64_t accepted; /* time of the newest sample that was to be sent; 0: none */
    double value;     /* of that sample, if it was accepted in this run */
    uint64_t source;  /* hash of the name of that sample's source; 0: not known */
    int64_t measured; /* cemm_document_newest() of that sample's document */
    int64_t sent;     /* time of the newest sample that was sent; 0: none */
    struct cemm_sent *sinks;
    struct cemm_cadence cadence;
    bool paced;     /* the meter measures at intervals of its own: it is not a pulse meter */
    bool by_minute; /* the API has a row of it for each minute */
    char channel[];
};

struct cemm_ledger {
    pthread_mutex_t lock; /* for all members but those of the thread that saves */
    STAILQ_HEAD(cemm_ledger_meters, cemm_ledger_meter) meters;
    void *tree;                     /* finds a meter */
    struct cemm_ledger_meter *last; /* the last one found: a document is about one meter */
    struct cemm_sink sinks[CEMM_SINKS_MAX];
    size_t sink_count;
    int64_t window; /* seconds */
    /* For the state file: */
    const char *path;
    struct cemm_buffer lines; /* lines not yet written to the file */
    size_t grown;             /* bytes appended since the last complete write */
    bool sent;                /* something was sent in this run */
    bool rewrite; /* the file lacks something that `lines` does not hold: it must be rewritten */
    /* Used only by the thread that saves: */
    int64_t written; /* the last complete write: monotonic milliseconds; 0: never */
    bool failing;
};

/* A sample came `distance_ms` after the one before it. */
void cemm_cadence_learn(struct cemm_cadence *cadence, int64_t distance_ms);

/* Seconds: 10, 30, 60, 300 or 3600; 0: not known yet. */
unsigned cemm_cadence_seconds(const struct cemm_cadence *cadence);

/* Forgets everything, including names. */
void cemm_ledger_clear(struct cemm_ledger *ledger);

/* Under the lock. Finds the record of what was sent to a sink of this series, or creates it; NULL:
 * no memory, an invalid name, or too many sinks. */
struct cemm_sent *cemm_ledger_sent_to(struct cemm_ledger_entry *entry, const char *sink);

/* Writes a line of the state file, with the number between two texts; without "\n" in `after`, more
 * may follow. */
void cemm_ledger_line(struct cemm_buffer *lines, const struct cemm_ledger_entry *entry,
                      const char *sink, const char *before, int64_t number, const char *after);

/*
 * The first stretch of minutes that were not sent to a sink. They begin at `from`
 * or later, lie in the window before `now`, and ended at least a minute before it:
 * one that has just ended may still arrive as a live sample. False: none is missing.
 * All times are Unix milliseconds; `*ret_until` is the end of the stretch.
 */
bool cemm_ledger_missing(struct cemm_ledger_entry *entry, const char *sink, int64_t from,
                         int64_t now, int64_t *ret_from, int64_t *ret_until);

/* A document with those samples of the series in `day` whose minutes are missing for the sink
 * (cemm_ledger_missing()): one for each minute, at most the oldest `most`. NULL: no memory. The
 * caller unrefs it. */
struct cemm_document *cemm_ledger_pick_missing(struct cemm_ledger_entry *entry, const char *sink,
                                               const struct cemm_document *day, int64_t from,
                                               size_t most, int64_t now);

/* Under the lock. The state file's whole text, which the caller frees. It has all minutes of the
 * last CEMM_WINDOW_MAX seconds: a later run may have a longer window. 0 or a negative errno. */
int cemm_state_text(const struct cemm_ledger *ledger, int64_t now, char **ret_text,
                    size_t *ret_length);

#endif
