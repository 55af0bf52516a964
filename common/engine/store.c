/*
 * Between the documents on their way (cache.c) and the archive: which answers
 * are kept, and how an archive that can't be written is survived. Closed
 * periods only, and only as they were after they had closed (spec §2). A
 * closed period without a sample may get some yet: that one is asked again
 * after a day.
 */
#include "common/engine/store.h"

#include "common/base/words.h"
#include "common/protocol/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE "archive"

int64_t cemm_store_closed_at(const struct cemm_zone *zone, const struct cemm_query *query)
{
    if (query->endpoint != CEMM_DATA && query->endpoint != CEMM_TOTALS)
        return INT64_MAX;
    return cemm_period_closed(zone, &query->period) * 1000;
}

bool cemm_store_closed(const struct cemm *cemm, const struct cemm_document *document)
{
    return document->fetched >= cemm_store_closed_at(cemm_zone(cemm), &document->query);
}

bool cemm_store_fresh(const struct cemm *cemm, const struct cemm_document *document)
{
    int64_t age = cemm->loop.wall - document->fetched;

    if (document->newest == 0)
        return age >= 0 && age <= CEMM_EMPTY_AGE;
    /* Whoever deletes the file wants it fetched anew. */
    return !document->archived || cemm_archive_has(cemm->archive, &document->query);
}

/* ---- trouble with the archive: said once, and when it is over -------------------- */

static void trouble(struct cemm *cemm, const char *what, int error)
{
    struct cemm_archive_state *state = &cemm->keeping;

    state->failed = cemm->loop.wall;
    cemm_words_set(&cemm->keeping_words, "archive %s: %s: %s",
                   cemm_archive_directory(cemm->archive), what, strerror(-error));
    if (!cemm->keeping_fails)
        cemm_log(&cemm->loop, CEMM_LOG_WARNING, "%s; what is fetched is shown, but not kept",
                 cemm->keeping_words.text);
    cemm->keeping_fails = true;
}

static void written(struct cemm *cemm, int result)
{
    if (result < 0) {
        trouble(cemm, "can't be written", result);
        return;
    }
    cemm->keeping.written++;
    if (cemm->keeping_fails)
        cemm_log(&cemm->loop, CEMM_LOG_INFO, "archive %s: can be written again",
                 cemm_archive_directory(cemm->archive));
    cemm->keeping_fails = false;
}

static void put_aside(struct cemm *cemm, const struct cemm_query *query, const char *why)
{
    struct cemm_words aside;
    int r = cemm_archive_put_aside(cemm->archive, query, &aside);

    cemm->keeping.damaged++;
    if (r < 0)
        trouble(cemm, "a damaged file can't be put aside", r);
    else
        cemm_log(&cemm->loop, CEMM_LOG_WARNING,
                 "archive: a damaged file is fetched anew; it is now %s (%s)", aside.text, why);
}

/* ---- documents ------------------------------------------------------------------- */

static struct cemm_document *read_shelf(struct cemm *cemm, enum cemm_shelf shelf,
                                        const struct cemm_query *query)
{
    struct cemm_document *document;
    struct cemm_words problem = {.text = ""};
    int64_t fetched;
    size_t length;
    char *bytes;
    int r = cemm_archive_read(cemm->archive, shelf, query, &bytes, &length, &fetched);

    if (r < 0 && r != -EFBIG) {
        if (r != -ENOENT && r != -ENOTDIR)
            trouble(cemm, "can't be read", r);
        return NULL;
    }
    if (r == 0)
        r = cemm_parse(query, bytes, length, cemm->loop.wall, &document, &problem);
    if (r == 0) {
        document->fetched = fetched;
        document->source = strdup(SOURCE);
        if (document->source)
            return document;
        cemm_document_unref(document);
        return NULL; /* it can be asked for, as if it were not there */
    }
    if (r != -ENOMEM && shelf == CEMM_KEPT)
        put_aside(cemm, query, r == -EFBIG ? "too long" : problem.text);
    return NULL;
}

struct cemm_document *cemm_store_read(struct cemm *cemm, const struct cemm_query *query)
{
    int64_t closed_at = cemm_store_closed_at(cemm_zone(cemm), query);
    struct cemm_document *document;

    if (!cemm->archive || cemm->loop.wall < closed_at)
        return NULL;
    document = read_shelf(cemm, CEMM_KEPT, query);
    if (document) {
        /* Where a file came from a copy, its time says little; that it is here says enough. */
        if (document->fetched < closed_at)
            document->fetched = closed_at;
        document->archived = true;
        cemm->keeping.read++;
        return document;
    }
    document = read_shelf(cemm, CEMM_EMPTY, query);
    if (document && (document->fetched < closed_at || !cemm_store_fresh(cemm, document))) {
        cemm_document_unref(document);
        return NULL;
    }
    return document;
}

void cemm_store_write(struct cemm *cemm, struct cemm_document *document)
{
    bool empty = document->newest == 0;

    if (!cemm->archive || !cemm_store_closed(cemm, document))
        return;
    int r = cemm_archive_write(cemm->archive, empty ? CEMM_EMPTY : CEMM_KEPT, &document->query,
                               document->bytes, document->length);
    written(cemm, r);
    document->archived = r == 0 && !empty;
}

void cemm_store_meter(struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    if (cemm->archive)
        written(cemm, cemm_archive_know(cemm->archive, uid, alias));
}

void cemm_store_first(struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                      const struct cemm_period *day)
{
    if (cemm->archive)
        written(cemm, cemm_archive_write_first(cemm->archive, uid, alias, day));
}

/* ---- the façade ------------------------------------------------------------------- */

/* Only what the settings let through, as far as can be said without knowing who reaches it. */
static bool admitted(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias)
{
    if (cemm->source_count == 0 || cemm->discovery.enabled)
        return true;
    for (size_t i = 0; i < cemm->source_count; i++) {
        const struct cemm_source *source = cemm->sources[i];
        const struct cemm_strings *devices = &source->config->devices;
        if (cemm_source_admits(source, alias) &&
            (devices->count == 0 || cemm_strings_has(devices, uid->text)))
            return true;
    }
    return false;
}

static int take_meter(void *data, const struct cemm_uid *uid, const char *alias)
{
    struct cemm *cemm = data;

    return admitted(cemm, uid, alias) ? cemm_meter_known(cemm, uid, alias) : 0;
}

void cemm_archive_use(struct cemm *cemm)
{
    const char *directory = cemm_config_archive(cemm->config);

    if (cemm->archive)
        return;
    if (!directory) {
        cemm_log(&cemm->loop, CEMM_LOG_WARNING,
                 "no archive: neither [archive] directory nor $HOME says where to keep it");
        return;
    }
    cemm->archive = cemm_archive_new(directory);
    int r = cemm->archive ? cemm_archive_each(cemm->archive, take_meter, cemm) : -ENOMEM;
    if (!cemm->archive)
        cemm_log(&cemm->loop, CEMM_LOG_ERROR, "no archive: out of memory");
    else if (r < 0)
        trouble(cemm, "can't be read", r);
}

bool cemm_archive_at(const struct cemm *cemm, struct cemm_archive_state *ret_state)
{
    if (!cemm->archive)
        return false;
    *ret_state = cemm->keeping;
    ret_state->directory = cemm_archive_directory(cemm->archive);
    ret_state->words = cemm->keeping_words.text;
    return true;
}

bool cemm_archived(const struct cemm *cemm, const struct cemm_query *query)
{
    return cemm->archive && cemm_archive_has(cemm->archive, query);
}
