/*
 * What was missed while the program or a device was away: `stream --state`.
 */
#ifndef CEMM_EXEC_MISSED_H
#define CEMM_EXEC_MISSED_H

#include "plugin/exec/message.h"

#define MISSED_WINDOW 86400 /* seconds that are looked back: as Backfill's default (spec §5) */

struct missed;
struct missed_meter;

/* A state file belongs to one process: locks it by a file beside it, because it is replaced.
 * Returns a descriptor that holds the lock, or a negative errno with `words`. */
int missed_lock(const char *path, struct cemm_words *words);

/* Takes a document that is to be given: a realtime answer, or (`old`) minutes that were missed. */
typedef void missed_give_fn(void *data, const struct cemm_document *document, bool old);

/*
 * Reads the state file into a ledger; one that is not there or damaged is said
 * and counts as empty. `give` is called from missed_take() and from within
 * cemm_turn(). NULL: no memory. End it with missed_close(), after the context
 * and before the ledger.
 */
struct missed *missed_open(const char *path, struct cemm *cemm, struct cemm_ledger *ledger,
                           missed_give_fn *give, void *data);
void missed_close(struct missed *missed); /* NULL is allowed */

/* A realtime answer has come: gives it, but first what was missed before it, which takes its time.
 * `meter` is the place of what is remembered of its meter, NULL at first. Returns 0 or -ENOMEM. */
int missed_take(struct missed *missed, struct missed_meter **meter, struct cemm_document *document);

/* A document was given. It counts once missed_save() has run: call it when the document has been
 * written. */
int missed_gave(struct missed *missed, const struct cemm_document *document, bool old);
void missed_save(struct missed *missed);

/* How many realtime answers wait for what comes first. */
size_t missed_waiting(const struct missed *missed);

#endif
