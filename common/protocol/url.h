/*
 * Builds the URL of a query, and says which API has which endpoint. Pure: no network.
 */
#ifndef CEMM_PROTOCOL_URL_H
#define CEMM_PROTOCOL_URL_H

#include "common/base/buffer.h"
#include "common/config/config.h"

/* Whether sources of this kind have this endpoint: as documented, and also IO on the LAN, which
 * devices offer although it is not documented. */
bool cemm_endpoint_offered(enum cemm_endpoint endpoint, enum cemm_source_kind kind);

/* Appends the whole URL. `base` ends in a slash; the time parameter is the period's start in
 * `zone`; `key` becomes the parameter api_key, and is NULL on the LAN. */
void cemm_url_write(struct cemm_buffer *out, enum cemm_source_kind kind, const char *base,
                    const struct cemm_query *query, const struct cemm_zone *zone, const char *key);

#endif
