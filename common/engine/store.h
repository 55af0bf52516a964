/*
 * The engine's use of the archive. A period closes a day after its end, and is archived only if it
 * was fetched after that. An archived period counts as closed, even if our clock says otherwise. A
 * closed period without a sample may get samples later, so it is requested again after a day. If
 * the archive can't be used, the store logs this, and works without it.
 */
#ifndef CEMM_ENGINE_STORE_H
#define CEMM_ENGINE_STORE_H

#include "common/archive/archive.h"
#include "common/engine/loop.h"
#include "common/model/document.h"

struct cemm_store {
    struct cemm_loop *loop;
    const char *archive; /* the archive's directory; NULL: no archive is used */
    struct cemm_archive_state state;
    struct cemm_message message; /* about the last failure */
    bool failing;                /* the archive can't be read or written, which was logged */
    bool zone_known;             /* the archive has recorded our time zone */
    bool stray_logged;           /* it was logged that an answer had rows of another period */
    bool archived_stray_logged;  /* it was logged that a file in the archive had such rows */
};

/* Uses the archive in `directory`, which must outlive the store, and calls `visit` for each meter
 * in it. If `directory` is NULL, only logs this. Does nothing if an archive is already used. */
void cemm_store_open(struct cemm_store *store, const char *directory, cemm_archive_meter_fn *visit,
                     void *data);

/* Removes from a new document the rows outside its period. Sets `closed` (it will not change any
 * more) if all of these are true:
 * - It was fetched after the period had closed, by our clock.
 * - It had no row outside its period (see cemm_answer_bound()): our zone seems to be the meter's.
 * - The answer's `date` (Unix ms; 0: none) is not before the closing (our clock may be ahead), or
 *   `newest`, the time of the device's newest sample, shows that the period had closed. */
void cemm_store_check_closed(struct cemm_store *store, struct cemm_document *document, int64_t date,
                             int64_t newest);

/* Reads an archived document; the caller unrefs it. NULL: there is none. If the file of a document
 * of kind ANSWER has rows of another period, `closed` is not set: use it only if no source answers.
 * One of kind EMPTY has no sample: use it only if its deps (registry.h) are still valid. */
struct cemm_document *cemm_store_read(struct cemm_store *store, enum cemm_archive_kind kind,
                                      const struct cemm_query *query);

/* Archives a new document if it is closed; if it has no sample, only if it has deps. */
void cemm_store_write(struct cemm_store *store, struct cemm_document *document);

/* Records a meter in the archive. */
void cemm_store_meter(struct cemm_store *store, const struct cemm_uid *uid, const char *alias);

/* Reads the first day for which the meter of `query` has data, and its deps, which the caller
 * frees; they are "" in an archive of an earlier version. Returns false if the day is not known. */
bool cemm_store_read_first(const struct cemm_store *store, const struct cemm_query *query,
                           struct cemm_period *ret_day, char **ret_deps);
void cemm_store_write_first(struct cemm_store *store, const struct cemm_query *query,
                            const struct cemm_period *day, const char *deps);

/* Like cemm_archived(). */
bool cemm_store_has(const struct cemm_store *store, const struct cemm_query *query);

#endif
