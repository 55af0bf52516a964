/*
 * The archive: closed periods as files, in a plain directory laid out as cemmfs shows them. A .json
 * file has exactly the bytes of the API's answer, so the directory is a backup that any program can
 * read.
 *
 *   <uid>/<alias>/data/day/2024/03/2024-03-31.json
 *   <uid>/<alias>/data/month/2024/2024-03.json
 *   <uid>/<alias>/data/year/2024.json
 *   <uid>/<alias>/totals/2024/03/2024-03-31.json
 *   <uid>/<alias>/.first          the meter's first day with data
 *   .zone                         the time zone in which the archive was filled
 *   .empty/<the same without .json>     answers without a sample, valid for 24 hours
 *
 * Every known meter has a directory, even if none of its data is archived.
 *
 * Programs may share an archive without locks: a file is complete when it gets its name, and all
 * programs would write the same bytes. Files are not synced: if a power failure damages a file, the
 * damage is recognised, and the period is fetched again.
 *
 * The argument `archive` is always the archive's directory, which the first write creates.
 * Functions that return int return 0 or a negative errno.
 */
#ifndef CEMM_ARCHIVE_ARCHIVE_H
#define CEMM_ARCHIVE_ARCHIVE_H

#include "common/frontend.h"

enum cemm_archive_kind {
    CEMM_ARCHIVE_ANSWER, /* the answer for a period */
    CEMM_ARCHIVE_EMPTY,  /* deps (zone and sources, registry.h), then an answer without a sample */
    CEMM_ARCHIVE_FIRST,  /* a meter's first day with data, then the deps of that result */
    CEMM_ARCHIVE_ZONE,   /* the archive's time zone; `query` is NULL */
};

/* Reads a file. The caller frees *ret_bytes, which end in a NUL that *ret_length does not count.
 * *ret_fetched is when the file was written (Unix milliseconds); `ret_length` and `ret_fetched` may
 * be NULL. -EFBIG: it is too long; -EINVAL: it is not a regular file. */
int cemm_archive_read(const char *archive, enum cemm_archive_kind kind,
                      const struct cemm_query *query, char **ret_bytes, size_t *ret_length,
                      int64_t *ret_fetched);

/* Writes a file, completely or not at all. */
int cemm_archive_write(const char *archive, enum cemm_archive_kind kind,
                       const struct cemm_query *query, const char *bytes, size_t length);

/* Whether the file of an answer exists, and whether a meter has any TOTALS. */
bool cemm_archive_has(const char *archive, const struct cemm_query *query);
bool cemm_archive_has_totals(const char *archive, const struct cemm_uid *uid, const char *alias);

/* Renames a damaged file to NAME.damaged, and sets *ret_name to its new path, for the log. */
int cemm_archive_put_aside(const char *archive, const struct cemm_query *query,
                           struct cemm_message *ret_name);

/* Makes a meter's directory. */
int cemm_archive_add_meter(const char *archive, const struct cemm_uid *uid, const char *alias);

/* Calls `visit` for each meter that has a directory. If a call returns anything but 0, stops and
 * returns that. An archive that does not exist has no meters. */
typedef int cemm_archive_meter_fn(void *data, const struct cemm_uid *uid, const char *alias);
int cemm_archive_each(const char *archive, cemm_archive_meter_fn *visit, void *data);

#endif
