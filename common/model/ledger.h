/*
 * The internals of the ledger, for its own files (ledger.c remembers what was sent, state.c reads
 * and writes the state file, pick.c makes documents of samples that are due) and engine/backfill.c.
 *
 * A series has one entry, which is made at its first use. The address of the entry never changes,
 * and its names never change either, so they may be read without the lock.
 */
#ifndef CEMM_MODEL_LEDGER_H
#define CEMM_MODEL_LEDGER_H

#include "common/base/buffer.h"
#include "common/base/limits.h"
#include "common/frontend.h"
#include "common/model/minutes.h"

#include <pthread.h>
#include <sys/queue.h>

#define CEMM_CADENCE_GAPS 7 /* between the last eight samples */
#define CEMM_CADENCE_MAX  3600

/* How often a series is measured, learned from its samples. Polling misses some samples, and the
 * first sample after an outage is late, so the shortest of the last gaps between samples counts. */
struct cemm_cadence {
    uint16_t gaps[CEMM_CADENCE_GAPS]; /* seconds, the newest first; 0: none */
};

struct cemm_backfill_job;

/* An output that minutes are sent to: a write plugin of collectd, or the output of cemm stream. */
struct cemm_sink {
    bool current; /* this run sends to it; other sinks come from the state file only */
    char name[CEMM_SINK_SIZE];
};

/* Which minutes of one series were sent to one sink. */
struct cemm_sent {
    struct cemm_sent *next;
    const struct cemm_sink *sink;
    struct cemm_minutes minutes;
    struct cemm_backfill_job *job; /* the backfill's job, which the backfill owns; NULL: none yet */
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
    int64_t accepted;          /* time of the newest accepted sample (see ledger.c); 0: none */
    double value;              /* of that sample, if it was accepted in this run */
    uint64_t source;           /* hash of the name of that sample's source; 0: not known */
    int64_t measured;          /* cemm_document_newest() of that sample's document */
    int64_t newest_sent;       /* time of the newest sample that was sent; 0: none */
    struct cemm_sent *sent_to; /* a list: one for each sink to which minutes were sent */
    struct cemm_cadence cadence;
    bool paced;     /* measured at regular intervals: the meter is not a pulse meter */
    bool by_minute; /* the API has a row of it for each minute */
    char channel[];
};

struct cemm_ledger {
    pthread_mutex_t lock; /* for all members but those that only the saving thread uses */
    STAILQ_HEAD(cemm_ledger_meters, cemm_ledger_meter) meters;
    void *tree;                     /* finds a meter */
    struct cemm_ledger_meter *last; /* a cache: the meter found last, often wanted again */
    struct cemm_sink sinks[CEMM_SINKS_MAX];
    size_t sink_count;
    int64_t window; /* how far back missing minutes are looked for, in seconds */
    /* For the state file: */
    const char *path;
    struct cemm_buffer lines; /* lines not yet written to the file */
    size_t grown;             /* bytes appended since the last complete write */
    bool any_sent;            /* something was sent in this run; until then, nothing is saved */
    bool rewrite; /* the file lacks something that `lines` does not hold: it must be rewritten */
    /* Used only by the thread that saves: */
    int64_t write_tried; /* when a complete write was last tried (monotonic ms); 0: never */
    bool failing;
};

/* Learns that a sample's time is `gap_ms` after that of the previous sample. */
void cemm_cadence_learn(struct cemm_cadence *cadence, int64_t gap_ms);

/* Returns 10, 30, 60, 300 or 3600 seconds, or 0 if the cadence is not known yet. */
unsigned cemm_cadence_seconds(const struct cemm_cadence *cadence);

/* Forgets everything but the sinks. Pointers to entries become invalid. */
void cemm_ledger_clear(struct cemm_ledger *ledger);

/* Finds or creates the record of which minutes of the series were sent to a sink. Needs the lock.
 * Returns NULL if there is no memory, the name is invalid, or there are too many sinks. */
struct cemm_sent *cemm_ledger_sent_to(struct cemm_ledger_entry *entry, const char *sink);

/* Writes a line of the state file: the sink and the series, then `before`, `number` and `after`. If
 * `after` does not end in "\n", the caller may write more to the line. */
void cemm_ledger_line(struct cemm_buffer *lines, const struct cemm_ledger_entry *entry,
                      const char *sink, const char *before, int64_t number, const char *after);

/*
 * Finds the first stretch of minutes that were not sent to a sink. It begins at `from` or later,
 * lies in the window before `limit`, and ends at least a minute before `limit`: a minute that has
 * just ended may still arrive as a live sample. Returns false if no minute is missing, or
 * cemm_ledger_sent_to() fails. All times are Unix milliseconds; `*ret_until` is the stretch's end.
 */
bool cemm_ledger_missing(struct cemm_ledger_entry *entry, const char *sink, int64_t from,
                         int64_t limit, int64_t *ret_from, int64_t *ret_until);

/* Makes a document with samples of the series that are in `day`: one for each minute from `from` on
 * that the sink lacks (cemm_ledger_missing()), oldest first. It has at most `most` samples. Returns
 * NULL if there is no memory. The caller unrefs it. */
struct cemm_document *cemm_ledger_pick_missing(struct cemm_ledger_entry *entry, const char *sink,
                                               const struct cemm_document *day, int64_t from,
                                               size_t most, int64_t limit);

/* Makes the state file's whole text, which the caller frees. Needs the lock. The text has all
 * minutes of the last CEMM_WINDOW_MAX seconds, because a later run may have a longer window.
 * Returns 0 or a negative errno. */
int cemm_state_text(const struct cemm_ledger *ledger, int64_t now, char **ret_text,
                    size_t *ret_length);

#endif
