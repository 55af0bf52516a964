/*
 * What to fetch from history, for which writer, and when (spec §5). Of the
 * thread that does the I/O, all of it.
 */
#ifndef CEMM_COLLECTD_BACKFILL_H
#define CEMM_COLLECTD_BACKFILL_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/collectd/config.h"
#include "plugin/collectd/giver.h"
#include "plugin/collectd/state.h"

struct backfill;

/* All that is handed in must outlive it; it is freed after `cemm`, whose completions it waits for.
 * NULL: no memory. */
struct backfill *backfill_new(const struct settings *settings, struct cemm *cemm,
                              struct state *state, struct giver *giver);
void backfill_free(struct backfill *backfill); /* NULL is allowed */

/* Whether the minutes of this channel are filled: it has them, and there is a writer. */
bool backfill_follows(const struct backfill *backfill, const char *channel);

/* There was a live sample of a series that is followed. */
void backfill_meet(struct backfill *backfill, const struct block *block,
                   const struct cemm_identity *identity, const struct series *series);

/* Does what is due at `now` (monotonic milliseconds), in which it never waits. Returns for how many
 * milliseconds nothing will be. */
int backfill_step(struct backfill *backfill, int64_t now);

#endif
