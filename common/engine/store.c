#include "common/engine/store.h"

#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/protocol/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE "archive"

/* When a query's period is closed (Unix milliseconds); INT64_MAX for what is no period. */
static int64_t closed_at(const struct cemm_store *store, const struct cemm_query *query)
{
    if (query->endpoint != CEMM_DATA && query->endpoint != CEMM_TOTALS)
        return INT64_MAX;
    return cemm_period_closed(store->loop->zone, &query->period) * 1000;
}

void cemm_store_judge(const struct cemm_store *store, struct cemm_document *document, int64_t date,
                      int64_t heard)
{
    int64_t closed = closed_at(store, &document->query);
    bool doubted = date >= CEMM_TIME_MIN && date < closed && heard < closed;

    document->closed = document->fetched >= closed && !doubted;
}

bool cemm_store_fresh(const struct cemm_store *store, const struct cemm_document *document)
{
    if (document->newest == 0)
        return cemm_loop_recent(store->loop, document->fetched, CEMM_EMPTY_AGE);
    /* Whoever deletes the file wants it fetched anew. */
    return !document->archived || cemm_archive_has(store->archive, &document->query);
}

/* ---- failures: logged once, and again when they are over ---------------------- */

static void failed(struct cemm_store *store, const char *what, int error)
{
    struct cemm_archive_state *state = &store->state;

    state->failed = store->loop->wall;
    cemm_words_set(&store->words, "archive %s: %s: %s", cemm_archive_directory(store->archive),
                   what, strerror(-error));
    if (!store->failing)
        cemm_log(store->loop, CEMM_LOG_WARNING, "%s; what is fetched is shown, but not kept",
                 store->words.text);
    store->failing = true;
}

static void written(struct cemm_store *store, int result)
{
    if (result < 0) {
        failed(store, "can't be written", result);
        return;
    }
    store->state.written++;
    if (store->failing)
        cemm_log(store->loop, CEMM_LOG_INFO, "archive %s: can be written again",
                 cemm_archive_directory(store->archive));
    store->failing = false;
}

static void put_aside(struct cemm_store *store, const struct cemm_query *query, const char *why)
{
    struct cemm_words aside;
    int r = cemm_archive_put_aside(store->archive, query, &aside);

    store->state.damaged++;
    if (r < 0)
        failed(store, "a damaged file can't be put aside", r);
    else
        cemm_log(store->loop, CEMM_LOG_WARNING,
                 "archive: a damaged file is fetched anew; it is now %s (%s)", aside.text, why);
}

/* ---- documents ------------------------------------------------------------------- */

static struct cemm_document *read_shelf(struct cemm_store *store, enum cemm_shelf shelf,
                                        const struct cemm_query *query)
{
    struct cemm_document *document;
    struct cemm_words problem = {.text = ""};
    int64_t fetched;
    size_t length;
    char *bytes;
    int r = cemm_archive_read(store->archive, shelf, query, &bytes, &length, &fetched);

    if (r < 0 && r != -EFBIG) {
        if (r != -ENOENT && r != -ENOTDIR)
            failed(store, "can't be read", r);
        return NULL;
    }
    if (r == 0)
        r = cemm_answer_read(query, bytes, length, store->loop->wall, &document, &problem);
    if (r == 0) {
        document->fetched = fetched;
        document->source = strdup(SOURCE);
        if (document->source)
            return document;
        cemm_document_unref(document);
        return NULL; /* it can be asked for, as if it were not there */
    }
    if (r != -ENOMEM && shelf == CEMM_KEPT)
        put_aside(store, query, r == -EFBIG ? "too long" : problem.text);
    return NULL;
}

struct cemm_document *cemm_store_read(struct cemm_store *store, const struct cemm_query *query)
{
    int64_t closed = closed_at(store, query);
    struct cemm_document *document;

    if (!store->archive || closed == INT64_MAX)
        return NULL;
    document = read_shelf(store, CEMM_KEPT, query);
    if (document) {
        /* A copied file may be older than its period's end; that it is here says enough. */
        if (document->fetched < closed)
            document->fetched = closed;
        document->archived = document->closed = true;
        store->state.read++;
        return document;
    }
    document = read_shelf(store, CEMM_EMPTY, query);
    if (document && (document->fetched < closed || !cemm_store_fresh(store, document))) {
        cemm_document_unref(document);
        return NULL;
    }
    if (document)
        document->closed = true;
    return document;
}

void cemm_store_write(struct cemm_store *store, struct cemm_document *document)
{
    bool empty = document->newest == 0;

    if (!store->archive || !document->closed)
        return;
    int r = cemm_archive_write(store->archive, empty ? CEMM_EMPTY : CEMM_KEPT, &document->query,
                               document->bytes, document->length);
    written(store, r);
    document->archived = r == 0 && !empty;
}

void cemm_store_meter(struct cemm_store *store, const struct cemm_uid *uid, const char *alias)
{
    if (store->archive)
        written(store, cemm_archive_know(store->archive, uid, alias));
}

bool cemm_store_read_first(const struct cemm_store *store, const struct cemm_uid *uid,
                           const char *alias, struct cemm_period *ret_day)
{
    return store->archive && cemm_archive_read_first(store->archive, uid, alias, ret_day) == 0;
}

void cemm_store_write_first(struct cemm_store *store, const struct cemm_uid *uid, const char *alias,
                            const struct cemm_period *day)
{
    if (store->archive)
        written(store, cemm_archive_write_first(store->archive, uid, alias, day));
}

/* ---- the archive as a whole ------------------------------------------------------ */

void cemm_store_open(struct cemm_store *store, const char *directory, cemm_archive_meter_fn *meter,
                     void *data)
{
    if (store->archive)
        return;
    if (!directory) {
        cemm_log(store->loop, CEMM_LOG_WARNING,
                 "no archive: neither [archive] directory nor $HOME says where to keep it");
        return;
    }
    store->archive = cemm_archive_new(directory);
    int r = store->archive ? cemm_archive_each(store->archive, meter, data) : -ENOMEM;
    if (!store->archive)
        cemm_log(store->loop, CEMM_LOG_ERROR, "no archive: out of memory");
    else if (r < 0)
        failed(store, "can't be read", r);
}

void cemm_store_close(struct cemm_store *store)
{
    cemm_archive_free(store->archive);
}

bool cemm_store_state(const struct cemm_store *store, struct cemm_archive_state *ret_state)
{
    if (!store->archive)
        return false;
    *ret_state = store->state;
    ret_state->directory = cemm_archive_directory(store->archive);
    ret_state->words = store->words.text;
    return true;
}

bool cemm_store_has(const struct cemm_store *store, const struct cemm_query *query)
{
    return store->archive && cemm_archive_has(store->archive, query);
}

bool cemm_store_has_any(const struct cemm_store *store, const struct cemm_uid *uid,
                        const char *alias, enum cemm_endpoint endpoint)
{
    return store->archive && cemm_archive_has_any(store->archive, uid, alias, endpoint);
}
