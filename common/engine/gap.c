#include "common/engine/gap.h"

#include <errno.h>

#define MINUTE_MS INT64_C(60000)

static const struct cemm_rest rest_of_gap = {.first = 60 * 1000, .max = 3600 * 1000};

static bool missing(const struct cemm_gap *gap, int64_t from, int64_t *ret_from)
{
    int64_t until;

    return cemm_ledger_missing(gap->entry, gap->taker, from, gap->limit, ret_from, &until);
}

bool cemm_gap_wants(struct cemm_gap *gap, int64_t limit, int64_t now)
{
    int64_t from;

    gap->limit = limit;
    if (!missing(gap, gap->since, &from)) { /* it was given, or has left the window */
        (void)cemm_health_recover(&gap->rest);
        return false;
    }
    return !cemm_health_rests(&gap->rest, now) ||
           missing(gap, gap->asked > gap->since ? gap->asked : gap->since, &from);
}

void cemm_gap_begin(struct cemm_gap *gap)
{
    gap->cursor = gap->since;
    gap->gave = false;
}

bool cemm_gap_next(struct cemm_gap *gap, const struct cemm_zone *zone, struct cemm_period *ret_day)
{
    if (!missing(gap, gap->cursor, &gap->cursor))
        return false;
    *ret_day = cemm_period_at(zone, CEMM_DAY, gap->cursor / 1000);
    gap->row = 0;
    return true;
}

int cemm_gap_pick(struct cemm_gap *gap, const struct cemm_document *day, size_t most,
                  struct cemm_document **ret_rows)
{
    struct cemm_document *rows =
        cemm_ledger_pick_missing(gap->entry, gap->taker, day, gap->row, most, gap->limit);

    if (!rows)
        return -ENOMEM;
    if (!cemm_document_newest(rows)) {
        cemm_document_unref(rows);
        return 0;
    }
    gap->row = (cemm_document_newest(rows) / MINUTE_MS + 1) * MINUTE_MS;
    *ret_rows = rows;
    return 1;
}

void cemm_gap_pass(struct cemm_gap *gap, const struct cemm_zone *zone,
                   const struct cemm_period *day, const struct cemm_document *document)
{
    const struct cemm_series *series =
        document ? cemm_document_channel(document, gap->entry->channel) : NULL;
    int64_t since = 0;

    gap->cursor = cemm_period_end(zone, day) * 1000;
    if (series && series->count > 0)
        since = (series->samples[series->count - 1].time / MINUTE_MS + 1) * MINUTE_MS;
    if (since > gap->since)
        gap->since = since;
}

void cemm_gap_end(struct cemm_gap *gap, bool failed, int64_t now, uint32_t chance)
{
    if (gap->gave || failed)
        (void)cemm_health_recover(&gap->rest);
    (void)cemm_health_fail(&gap->rest, now, rest_of_gap, chance);
    gap->asked = (gap->limit / MINUTE_MS - 1) * MINUTE_MS;
}
