/*
 * The archive behind the engine: which answers are kept, and how an archive
 * that can't be written is survived. Only closed periods are kept, and only as
 * they were after they had closed (spec §2); what is kept counts as closed,
 * whatever our clock says now. A closed period without a sample
 * may get some later, so it is asked for again after a day.
 */
#ifndef CEMM_ENGINE_STORE_H
#define CEMM_ENGINE_STORE_H

#include "common/archive/archive.h"
#include "common/engine/loop.h"
#include "common/model/document.h"

struct cemm_store {
    struct cemm_loop *loop;
    const char *archive; /* its directory; NULL: not used */
    struct cemm_archive_state state;
    struct cemm_words words; /* of the last failure */
    /* Whether what was derived so (basis.h) holds; set by whoever has the sources. */
    bool (*holds)(void *data, const struct cemm_query *query, const char *basis);
    void *holds_data;
    bool failing;    /* it could not be written, which was logged */
    bool zone_known; /* the archive remembers our time zone */
    bool suspected;  /* some file of it has rows of another period, which was logged */
};

/* Uses the archive in `directory` (NULL: none can be used, which is logged) from now on, and calls
 * `meter` for each meter in it. The text must outlive the store. Nothing happens if it is in use
 * already. */
void cemm_store_open(struct cemm_store *store, const char *directory, cemm_archive_meter_fn *meter,
                     void *data);

/*
 * Takes what belongs to other periods out of a document that has just come, and
 * says whether its own had closed: it will not change then. Not where there was
 * such, but for a row at the end: our zone is not the meter's. Our clock says so, unless the
 * answer's own `date` (Unix milliseconds; 0: none) lies before that moment: ours may be ahead. But
 * a device may not know the time: `heard` is that of the newest sample that it has given before.
 */
void cemm_store_judge(const struct cemm_store *store, struct cemm_document *document, int64_t date,
                      int64_t heard);

/* Whether a document that has closed still serves. */
bool cemm_store_fresh(const struct cemm_store *store, const struct cemm_document *document);

/* What the archive has of a closed period; the caller unrefs it. NULL: nothing. One that has not
 * closed is suspected (rows of another period): it serves only until a source answers. */
struct cemm_document *cemm_store_read(struct cemm_store *store, const struct cemm_query *query);

/* Keeps a document that has just come, if it is one to be kept. */
void cemm_store_write(struct cemm_store *store, struct cemm_document *document);

/* Keeps that a meter is known. */
void cemm_store_meter(struct cemm_store *store, const struct cemm_uid *uid, const char *alias);

/* The first day of which a meter has data, and how that was found out (basis.h), which the caller
 * frees; of an archive of an earlier version it is empty. False: not known. */
bool cemm_store_read_first(const struct cemm_store *store, const struct cemm_uid *uid,
                           const char *alias, struct cemm_period *ret_day, char **ret_basis);
void cemm_store_write_first(struct cemm_store *store, const struct cemm_uid *uid, const char *alias,
                            const struct cemm_period *day, const char *basis);

/* As cemm_archive_at(), cemm_archived() and cemm_archived_any(). */
bool cemm_store_state(const struct cemm_store *store, struct cemm_archive_state *ret_state);
bool cemm_store_has(const struct cemm_store *store, const struct cemm_query *query);
bool cemm_store_has_any(const struct cemm_store *store, const struct cemm_uid *uid,
                        const char *alias, enum cemm_endpoint endpoint);

#endif
