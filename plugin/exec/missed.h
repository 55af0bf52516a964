/*
 * What was missed while the program or a device was away: `stream --state`.
 */
#ifndef CEMM_EXEC_MISSED_H
#define CEMM_EXEC_MISSED_H

#include "plugin/exec/speech.h"

#define MISSED_WINDOW 86400 /* seconds that are looked back: as Backfill's default (spec §5) */

struct missed;

/* Takes a document that is to be given: a realtime answer, or (`old`) minutes that were missed. */
typedef void missed_give_fn(void *data, const struct cemm_document *document, bool old);

/*
 * Reads the state file; one that is not there or damaged is said and counts as
 * empty. `give` is called from the other functions and from within
 * cemm_turn(). NULL: no memory. End it with missed_close(), after the context.
 */
struct missed *missed_open(const char *path, struct cemm *cemm, struct speech *speech,
                           missed_give_fn *give, void *data);
void missed_close(struct missed *missed);

/* A realtime answer has come: gives it, but first what was missed before it, which takes its time.
 * Returns 0 or -ENOMEM. */
int missed_take(struct missed *missed, struct cemm_document *document);

/* Tells a ledger what was given in earlier runs, as far as this document is concerned. */
int missed_remind(const struct missed *missed, struct cemm_ledger *ledger,
                  const struct cemm_document *document);

/* These samples are given. They count once missed_keep() has run: call it when they have been
 * written. */
int missed_given(struct missed *missed, const struct cemm_document *document);
void missed_keep(struct missed *missed);

/* How many realtime answers wait for what comes first. */
size_t missed_waiting(const struct missed *missed);

#endif
