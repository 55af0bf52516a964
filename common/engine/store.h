/*
 * The engine's use of the archive. Only periods that had closed when they were fetched are
 * archived. They count as closed, even if our clock says otherwise. A closed period without a
 * sample may get samples later, so it is requested again after a day. If the archive can't be used,
 * that is logged, and documents are used without it.
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
    bool failing;                /* it could not be read or written; already logged */
    bool zone_known;             /* the archive remembers our time zone */
    bool stray_logged;           /* an answer had rows of another period */
    bool archived_stray_logged;  /* the same for a file in the archive */
};

/* Uses the archive in `directory` (NULL: none, which is logged), which must outlive the store, and
 * calls `meter` for each meter in it. Does nothing if an archive is in use already. */
void cemm_store_open(struct cemm_store *store, const char *directory, cemm_archive_meter_fn *meter,
                     void *data);

/* Removes from a new document the rows outside its period, and decides whether the period had
 * closed: then the document will not change any more. A document that had such rows (other than
 * one exactly at the period's end) is not closed, because our zone is not the meter's. Our clock
 * may be ahead, so the answer's own `date` (Unix ms; 0: none) must not be before the closing. The
 * device's clock may be wrong, too, so the date is ignored if the device has sent a sample from
 * after the closing; `newest` is the time of its newest one. */
void cemm_store_check_closed(struct cemm_store *store, struct cemm_document *document, int64_t date,
                             int64_t newest);

/* What the archive has of a closed period; the caller unrefs it. NULL: nothing. An ANSWER that is
 * not `closed` has rows of another period, and is used only if no source answers. An EMPTY one has
 * no sample, and is used only if its deps (registry.h) are still valid. */
struct cemm_document *cemm_store_read(struct cemm_store *store, enum cemm_archive_kind kind,
                                      const struct cemm_query *query);

/* Archives a new document, if it is closed. */
void cemm_store_write(struct cemm_store *store, struct cemm_document *document);

/* Records a meter in the archive. */
void cemm_store_meter(struct cemm_store *store, const struct cemm_uid *uid, const char *alias);

/* The first day for which a meter has data, and its deps, which the caller frees; they are empty in
 * an archive of an earlier version. False: not known. */
bool cemm_store_read_first(const struct cemm_store *store, const struct cemm_query *meter,
                           struct cemm_period *ret_day, char **ret_deps);
void cemm_store_write_first(struct cemm_store *store, const struct cemm_query *meter,
                            const struct cemm_period *day, const char *deps);

/* Like cemm_archived(). */
bool cemm_store_has(const struct cemm_store *store, const struct cemm_query *query);

#endif
