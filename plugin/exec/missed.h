/*
 * `stream --state`: minutes that were missed during an outage.
 */
#ifndef CEMM_EXEC_MISSED_H
#define CEMM_EXEC_MISSED_H

#include "plugin/exec/message.h"

#define MISSED_WINDOW 86400 /* seconds: the same as the default of collectd's <Backfill> */

#define HELD_MAX 64 /* at most this many answers of a meter wait; each sweep adds one */

/* Writes a realtime answer or (`old`) missed minutes. */
typedef void missed_write_fn(void *data, const struct cemm_document *document, bool old);

/* A struct missed must not move. */
struct missed {
    struct cemm_ledger *ledger;
    struct cemm_backfill *backfill;
    missed_write_fn *write;
    void *data;
    size_t waiting; /* answers that wait to be written */
};

/* A meter's answers that wait to be written; all zeroes at first. */
struct missed_meter {
    size_t held_count;
    struct cemm_document *held[HELD_MAX]; /* oldest first */
};

/* Locks the state file for this process. A separate file is locked, because the state file itself
 * gets replaced. The lock ends with the process. False: another process may be using the state
 * file; this was reported. */
bool missed_lock(const char *path);

/* Reads the state file into the ledger; a missing file counts as empty, a damaged file is reported.
 * `write` is called from missed_take() and cemm_turn(). Returns 0 or -ENOMEM. The caller frees the
 * backfill in either case. */
int missed_open(struct missed *ret_missed, const char *path, struct cemm *cemm,
                struct cemm_ledger *ledger, missed_write_fn *write, void *data);

/* Takes a realtime answer, and writes it after the minutes that were missed before it. `meter` must
 * not move while its answers wait or its missed minutes are being fetched. */
void missed_take(struct missed *missed, struct missed_meter *meter, struct cemm_document *document);

void missed_drop(struct missed_meter *meter); /* drops the answers that wait */

/* Records in the state file what was written (`old`: missed minutes). Returns 0 or -ENOMEM. */
int missed_save(struct missed *missed, const struct cemm_document *document, bool old);

#endif
