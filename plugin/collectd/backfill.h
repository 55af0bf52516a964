/*
 * Minutes that were missed, from the library to the writers of history (spec
 * §5). Of the thread that does the I/O, all of it.
 */
#ifndef CEMM_COLLECTD_BACKFILL_H
#define CEMM_COLLECTD_BACKFILL_H

#include <stdint.h>

#include "plugin/collectd/config.h"
#include "plugin/collectd/history_writer.h"

struct backfill;

/* All that is handed in must outlive it; but it is freed after `cemm`. NULL: no memory. */
struct backfill *backfill_new(const struct settings *settings, struct cemm *cemm,
                              struct cemm_ledger *ledger, struct history_writer *writer);
void backfill_free(struct backfill *backfill); /* NULL is allowed */

/* A sample of a series has come and will be dispatched. */
void backfill_live(struct backfill *backfill, const struct block *block,
                   struct cemm_ledger_entry *entry);

/* Does what is due at `now` (monotonic milliseconds), in which it never waits. Returns for how many
 * milliseconds nothing will be. */
int64_t backfill_step(struct backfill *backfill, int64_t now);

#endif
