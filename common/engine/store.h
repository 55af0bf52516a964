/*
 * What is kept of documents beyond this run.
 */
#ifndef CEMM_ENGINE_STORE_H
#define CEMM_ENGINE_STORE_H

#include "common/engine/context.h"

/* When a query's period is closed (Unix milliseconds); INT64_MAX for what is no period. */
int64_t cemm_store_closed_at(const struct cemm_zone *zone, const struct cemm_query *query);

/* Whether a document was fetched after its period had closed: it will not change. */
bool cemm_store_closed(const struct cemm *cemm, const struct cemm_document *document);

/* Whether such a document still serves. */
bool cemm_store_fresh(const struct cemm *cemm, const struct cemm_document *document);

/* What the archive has of a closed period; the caller unrefs it. NULL: nothing. */
struct cemm_document *cemm_store_read(struct cemm *cemm, const struct cemm_query *query);

/* Keeps a document that has just come, if it is one to be kept. */
void cemm_store_write(struct cemm *cemm, struct cemm_document *document);

/* Keeps that a meter is known, and since when it has data. */
void cemm_store_meter(struct cemm *cemm, const struct cemm_uid *uid, const char *alias);
void cemm_store_first(struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                      const struct cemm_period *day);

#endif
