/*
 * The library finds out what is missing and fetches it; what is left is to take
 * it to the thread that may wait for a writer, and to tell who does not take it.
 *
 * Nothing is given before collectd itself has a value of the series that is not
 * too old, and has had it for long enough to be written: old values come after
 * the first new one.
 */
#include "plugin/collectd/backfill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MS   1000  /* for a live sample to reach the writers */
#define AGE_MS     30000 /* how old the document of a day may be */
#define ROUNDS_MAX 4     /* at a time: it is no hurry */

struct backfill {
    struct cemm_backfill *backfill;
    struct history_writer *writer;
    const struct settings *settings;
    bool *complained; /* of each writer: that it does not take history */
};

/* ---- what is to be given --------------------------------------------------------------- */

static int give(void *data, struct cemm_fill *fill, struct cemm_document *rows)
{
    struct backfill *backfill = data;
    struct cemm_ledger_entry *entry = cemm_fill_entry(fill);
    const struct cemm_series *series = cemm_document_channel(rows, cemm_ledger_channel(entry));
    struct batch *batch = malloc(sizeof(*batch));

    if (!batch)
        return -EAGAIN;
    *batch = (struct batch){
        .fill = fill,
        .writer = cemm_fill_taker(fill),
        .block = cemm_fill_user(fill),
        .entry = entry,
        .rows = cemm_document_ref(rows),
        .samples = series->samples,
        .count = series->count,
    };
    history_writer_give(backfill->writer, batch);
    return 1;
}

/* ---- how writers do -------------------------------------------------------------------- */

static bool *complained_of(struct backfill *backfill, const char *writer)
{
    size_t i = 0;

    while (strcmp(backfill->settings->writers[i], writer) != 0)
        i++;
    return &backfill->complained[i];
}

static void complain(const char *writer, int status)
{
    if (status == ENOENT)
        plugin_log(LOG_WARNING,
                   "cemm plugin: <Backfill>: there is no writer \"%s\"; history waits for it",
                   writer);
    else
        plugin_log(LOG_WARNING,
                   "cemm plugin: <Backfill>: the writer \"%s\" did not take a value (%d); it is "
                   "tried again",
                   writer, status);
}

/* Each is logged once when it fails and once when it takes history again. */
static void note_writer(struct backfill *backfill, const struct batch *batch, bool failed)
{
    bool *complained = complained_of(backfill, batch->writer);

    if (batch->given > 0 && *complained) {
        plugin_log(LOG_INFO, "cemm plugin: <Backfill>: the writer \"%s\" takes history now",
                   batch->writer);
        *complained = false;
    }
    if (failed && !*complained)
        complain(batch->writer, batch->status);
    *complained |= failed;
}

static void take_back(struct backfill *backfill, const struct batch *batch)
{
    bool failed = batch->status != 0 && batch->status != HISTORY_NOT_LIVE;
    int result = batch->given == batch->count ? 0 : -EAGAIN;

    note_writer(backfill, batch, failed);
    cemm_backfill_gave(batch->fill, batch->given, failed ? -EIO : result);
}

/* ---- for the poller -------------------------------------------------------------------- */

struct backfill *backfill_new(const struct settings *settings, struct cemm *cemm,
                              struct cemm_ledger *ledger, struct history_writer *writer)
{
    static const struct cemm_backfill_rules rules = {
        .delay_ms = DELAY_MS,
        .max_age_ms = AGE_MS,
        .rows_max = SIZE_MAX,
        .rounds_max = ROUNDS_MAX,
        .give = give,
    };
    struct backfill *backfill = calloc(1, sizeof(*backfill));

    if (!backfill)
        return NULL;
    backfill->settings = settings;
    backfill->writer = writer;
    backfill->complained = calloc(settings->writer_count + 1, sizeof(*backfill->complained));
    backfill->backfill = cemm_backfill_new(cemm, ledger, &rules, backfill);
    if (backfill->complained && backfill->backfill)
        return backfill;
    backfill_free(backfill);
    return NULL;
}

void backfill_free(struct backfill *backfill)
{
    if (!backfill)
        return;
    cemm_backfill_free(backfill->backfill);
    free(backfill->complained);
    free(backfill);
}

void backfill_live(struct backfill *backfill, const struct block *block,
                   struct cemm_ledger_entry *entry)
{
    (void)cemm_backfill_live(backfill->backfill, entry, cemm_clock_wall(), (void *)block);
}

int64_t backfill_step(struct backfill *backfill, int64_t now)
{
    struct batch *batch;
    int64_t wait;

    while ((batch = history_writer_take(backfill->writer))) {
        take_back(backfill, batch);
        batch_free(batch);
    }
    wait = cemm_backfill_step(backfill->backfill, now);
    return wait < 0 ? INTERVAL_MAX_MS : wait;
}
