/*
 * Takes minutes that were missed from the library to the writers of history
 * (spec §5), by a thread of its own, which saves the state file, too: both may
 * block, which neither collectd's threads nor the loop may.
 */
#ifndef CEMM_COLLECTD_HISTORY_WRITER_H
#define CEMM_COLLECTD_HISTORY_WRITER_H

#include "plugin/collectd/config.h"

struct history_writer;

/* Starts the thread. All that is handed in must outlive it, but for `cemm`, which is freed between
 * stop and free. 0 or a negative errno, and then *ret_writer is to be freed all the same. */
int history_writer_start(struct history_writer **ret_writer, const struct settings *settings,
                         struct cemm *cemm, struct cemm_ledger *ledger);

/* Ends the thread after the value that it is just giving. NULL is allowed, here and below. */
void history_writer_stop(struct history_writer *writer);
void history_writer_free(struct history_writer *writer);

/* A sample of a series has come and will be dispatched. By the thread of the loop. */
void history_writer_live(struct history_writer *writer, const struct block *block,
                         struct cemm_ledger_entry *entry);

/* Does what is due at `now` (monotonic milliseconds), in which it never waits. Returns for how many
 * milliseconds nothing will be. By the thread of the loop. */
int64_t history_writer_step(struct history_writer *writer, int64_t now);

/* There is something new in the ledger. From any thread. */
void history_writer_nudge(struct history_writer *writer);

#endif
