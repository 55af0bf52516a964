/*
 * Sends missed minutes to the write plugins that <Backfill> names. A separate
 * thread sends them and saves the state file, because both may block.
 */
#ifndef CEMM_COLLECTD_HISTORY_WRITER_H
#define CEMM_COLLECTD_HISTORY_WRITER_H

#include "plugin/collectd/config.h"

struct history_writer;

/* Starts the thread. `ledger` must outlive `*ret_history`; `cemm` must be freed between
 * history_writer_stop() and history_writer_free(). Returns 0 or a negative errno; *ret_history must
 * be freed in either case. */
int history_writer_start(struct history_writer **ret_history, struct cemm *cemm,
                         struct cemm_ledger *ledger);

/* Ends the thread when it has finished the value that it is writing. Both functions accept NULL. */
void history_writer_stop(struct history_writer *history);
void history_writer_free(struct history_writer *history);

/* Reports that a sample was received and will be dispatched. Called in the loop's thread. */
void history_writer_live(struct history_writer *history, const struct block *block,
                         struct cemm_ledger_entry *entry);

/* Does what is due at `now` (monotonic milliseconds), and never waits. Returns the milliseconds
 * until something is due again. Called in the loop's thread. */
int64_t history_writer_step(struct history_writer *history, int64_t now);

/* Wakes the thread, for example because the ledger has changed. May be called in any thread. */
void history_writer_nudge(struct history_writer *history);

#endif
