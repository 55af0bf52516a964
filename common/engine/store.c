#include "common/engine/store.h"

#include "common/base/limits.h"
#include "common/model/period.h"
#include "common/protocol/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When a query's period closes (Unix milliseconds); INT64_MAX if the query has no period. */
static int64_t closed_at(const struct cemm_store *store, const struct cemm_query *query)
{
    if (!cemm_query_has_period(query))
        return INT64_MAX;
    return cemm_period_closed(store->loop->zone, &query->period) * 1000;
}

static void drop_stray_rows(const struct cemm_store *store, struct cemm_document *document)
{
    const struct cemm_query *query = &document->query;
    const struct cemm_zone *zone = store->loop->zone;

    if (cemm_query_has_period(query))
        cemm_answer_bound(document, cemm_period_start(zone, &query->period) * 1000,
                          cemm_period_end(zone, &query->period) * 1000);
}

void cemm_store_check_closed(struct cemm_store *store, struct cemm_document *document, int64_t date,
                             int64_t newest)
{
    const struct cemm_query *query = &document->query;
    int64_t closed = closed_at(store, query);
    bool doubted = date >= CEMM_TIME_MIN && date < closed && newest < closed;

    drop_stray_rows(store, document);
    document->closed = document->fetched >= closed && !doubted && !document->stray;
    if (document->stray && !store->stray_logged)
        cemm_log(store->loop, CEMM_LOG_WARNING,
                 "%s: %s %s has rows outside the period that was asked for; the time zone is "
                 "probably not the meter's (set time-zone)",
                 document->source, query->uid.text, query->alias);
    store->stray_logged |= document->stray;
}

/* ---- failures, logged when they begin and when they end ----------------------- */

static void failed(struct cemm_store *store, const char *what, int error)
{
    store->state.failed = store->loop->wall;
    cemm_message_set(&store->message, "archive %s: %s: %s", store->archive, what, strerror(-error));
    if (!store->failing)
        cemm_log(store->loop, CEMM_LOG_WARNING, "%s; what is fetched is shown, but not kept",
                 store->message.text);
    store->failing = true;
}

/* Writes a file of two texts, with a newline between them. */
static int write_two(const struct cemm_store *store, enum cemm_archive_kind kind,
                     const struct cemm_query *query, const char *first, const char *second)
{
    char *text;
    int length = asprintf(&text, "%s\n%s", first, second);

    if (length < 0)
        return -ENOMEM;
    int r = cemm_archive_write(store->archive, kind, query, text, (size_t)length);
    free(text);
    return r;
}

/* Counts a write, or logs its failure. The first write also records our time zone. */
static void report_write(struct cemm_store *store, int result)
{
    if (result == 0 && !store->zone_known) {
        result = write_two(store, CEMM_ARCHIVE_ZONE, NULL, cemm_zone_name(store->loop->zone), "");
        store->zone_known = result == 0;
    }
    if (result < 0) {
        failed(store, "can't be written", result);
        return;
    }
    store->state.written++;
    if (store->failing)
        cemm_log(store->loop, CEMM_LOG_INFO, "archive %s: can be written again", store->archive);
    store->failing = false;
}

static void put_aside(struct cemm_store *store, const struct cemm_query *query, const char *why)
{
    struct cemm_message aside;
    int r = cemm_archive_put_aside(store->archive, query, &aside);

    store->state.damaged++;
    if (r < 0)
        failed(store, "a damaged file can't be put aside", r);
    else
        cemm_log(store->loop, CEMM_LOG_WARNING,
                 "archive: a damaged file was renamed to %s (%s); its period is fetched again",
                 aside.text, why);
}

/* ---- documents ------------------------------------------------------------------- */

/* Logs once that a file has rows of another period: our zone, or that of its writer, is wrong. */
static void warn_zone(struct cemm_store *store, const struct cemm_query *query)
{
    char date[16];

    if (store->archived_stray_logged)
        return;
    store->archived_stray_logged = true;
    cemm_period_format(&query->period, date, sizeof(date));
    cemm_log(store->loop, CEMM_LOG_WARNING,
             "archive: %s %s %s has rows outside that period, as if it had been fetched in another "
             "time zone; such periods are fetched again, and shown as they are until that "
             "succeeds",
             query->uid.text, query->alias, date);
}

/* Removes and returns the deps (registry.h) at the beginning of an empty answer's file. NULL: an
 * earlier version wrote the file without deps, or there is no memory. */
static char *split_deps(char *bytes, size_t *length)
{
    char *end = strstr(bytes, "\n\n");
    char *deps = end && *bytes != '{' ? strndup(bytes, (size_t)(end + 1 - bytes)) : NULL;

    if (!deps)
        return NULL;
    *length -= (size_t)(end + 2 - bytes);
    memmove(bytes, end + 2, *length + 1);
    return deps;
}

static struct cemm_document *read_kind(struct cemm_store *store, enum cemm_archive_kind kind,
                                       const struct cemm_query *query)
{
    struct cemm_document *document;
    struct cemm_message problem = {.text = ""};
    int64_t closed = closed_at(store, query);
    /* Rows after `limit` count as future rows. It is at least `closed`: our clock may be slow. */
    int64_t limit = store->loop->wall > closed ? store->loop->wall : closed;
    int64_t fetched;
    size_t length;
    char *bytes;
    char *deps = NULL;
    int r = cemm_archive_read(store->archive, kind, query, &bytes, &length, &fetched);

    if (r < 0 && r != -EFBIG && r != -EINVAL) {
        if (r != -ENOENT && r != -ENOTDIR)
            failed(store, "can't be read", r);
        return NULL;
    }
    if (r == 0 && kind == CEMM_ARCHIVE_EMPTY)
        deps = split_deps(bytes, &length);
    if (r == 0)
        r = cemm_answer_read(query, bytes, length, limit, &document, &problem);
    if (r < 0) {
        free(deps);
        if (r != -ENOMEM && kind == CEMM_ARCHIVE_ANSWER)
            put_aside(store, query,
                      r == -EFBIG    ? "too long"
                      : r == -EINVAL ? "not a regular file"
                                     : problem.text);
        return NULL;
    }
    document->deps = deps;
    drop_stray_rows(store, document);
    document->fetched = fetched;
    document->source = strdup("archive");
    if (document->source)
        return document;
    cemm_document_unref(document);
    return NULL; /* as if the file did not exist */
}

struct cemm_document *cemm_store_read(struct cemm_store *store, enum cemm_archive_kind kind,
                                      const struct cemm_query *query)
{
    int64_t closed = closed_at(store, query);
    struct cemm_document *document =
        store->archive && closed < INT64_MAX ? read_kind(store, kind, query) : NULL;

    if (!document)
        return NULL;
    if (kind == CEMM_ARCHIVE_EMPTY) {
        document->closed = document->fetched >= closed;
        return document;
    }
    /* A copied file may be dated before its period closed; the period counts as closed anyway. */
    if (document->fetched < closed)
        document->fetched = closed;
    document->archived = true;
    document->closed = !document->stray;
    store->state.read++;
    if (!document->closed)
        warn_zone(store, query);
    return document;
}

void cemm_store_write(struct cemm_store *store, struct cemm_document *document)
{
    const struct cemm_query *query = &document->query;
    bool empty = document->newest == 0;

    if (!store->archive || !document->closed || (empty && !document->deps))
        return;
    int r = empty ? write_two(store, CEMM_ARCHIVE_EMPTY, query, document->deps, document->bytes)
                  : cemm_archive_write(store->archive, CEMM_ARCHIVE_ANSWER, query, document->bytes,
                                       document->length);
    report_write(store, r);
    document->archived = r == 0 && !empty;
}

void cemm_store_meter(struct cemm_store *store, const struct cemm_uid *uid, const char *alias)
{
    if (store->archive)
        report_write(store, cemm_archive_add_meter(store->archive, uid, alias));
}

bool cemm_store_read_first(const struct cemm_store *store, const struct cemm_query *query,
                           struct cemm_period *ret_day, char **ret_deps)
{
    char *text;

    if (!store->archive ||
        cemm_archive_read(store->archive, CEMM_ARCHIVE_FIRST, query, &text, NULL, NULL) < 0)
        return false;
    size_t date = strcspn(text, "\n");
    size_t rest = date + (text[date] == '\n');
    text[date] = '\0';
    bool valid = cemm_period_parse(CEMM_DAY, text, ret_day);
    *ret_deps = valid ? strdup(text + rest) : NULL;
    free(text);
    return *ret_deps != NULL;
}

void cemm_store_write_first(struct cemm_store *store, const struct cemm_query *query,
                            const struct cemm_period *day, const char *deps)
{
    char date[16];

    if (!store->archive)
        return;
    cemm_period_format(day, date, sizeof(date));
    report_write(store, write_two(store, CEMM_ARCHIVE_FIRST, query, date, deps));
}

/* ---- the archive as a whole ------------------------------------------------------ */

/* Logs if the archive was filled in another zone: its files may have rows of other periods. */
static void check_zone(struct cemm_store *store)
{
    const char *zone = cemm_zone_name(store->loop->zone);
    char *text;

    if (cemm_archive_read(store->archive, CEMM_ARCHIVE_ZONE, NULL, &text, NULL, NULL) < 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    store->zone_known = strcmp(text, zone) == 0;
    if (!store->zone_known)
        cemm_log(store->loop, CEMM_LOG_WARNING,
                 "archive %s was filled while the time zone was %.80s, but the zone is now %s; "
                 "periods with rows outside their dates are fetched again",
                 store->archive, text, zone);
    free(text);
}

void cemm_store_open(struct cemm_store *store, const char *directory, cemm_archive_meter_fn *visit,
                     void *data)
{
    if (store->archive)
        return;
    if (!directory) {
        cemm_log(store->loop, CEMM_LOG_WARNING,
                 "no archive: neither [archive] directory nor $HOME says where to keep it");
        return;
    }
    store->archive = store->state.directory = directory;
    store->state.message = store->message.text;
    int r = cemm_archive_each(directory, visit, data);
    check_zone(store);
    if (r < 0)
        failed(store, "can't be read", r);
}

bool cemm_store_has(const struct cemm_store *store, const struct cemm_query *query)
{
    return store->archive && cemm_archive_has(store->archive, query);
}
