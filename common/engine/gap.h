/*
 * What one taker lacks of a series, and what to do next: which day to ask for,
 * which of its rows to give, and how long to wait before minutes that could not
 * be had are tried again. Sans I/O: time comes in, a day or rows go out.
 *
 * A round goes from the oldest missing minute to the newest, a day at a time. A
 * minute without a row that lies before the day's last row will hardly get one,
 * so it is not asked for again. What is missing for any other reason rests,
 * longer each time; but when more is missing, that is asked for at once.
 */
#ifndef CEMM_ENGINE_GAP_H
#define CEMM_ENGINE_GAP_H

#include "common/engine/health.h"
#include "common/model/ledger.h"

/* Times of minutes are Unix milliseconds. */
struct cemm_gap {
    struct cemm_ledger_entry *entry;
    const char *taker;
    int64_t limit;           /* only what is over by then is missing, see cemm_ledger_missing() */
    int64_t since;           /* what lies before was asked for, and the API had its rows */
    int64_t asked;           /* what lies before was asked for, and rests */
    int64_t cursor;          /* how far this round is */
    int64_t row;             /* and within its day */
    struct cemm_health rest; /* of what could not be had */
    bool gave;               /* something, in this round */
};

/* Whether a round is to begin at `now` (monotonic milliseconds), for what is missing before
 * `limit`. */
bool cemm_gap_wants(struct cemm_gap *gap, int64_t limit, int64_t now);

void cemm_gap_begin(struct cemm_gap *gap);

/* The day of the oldest missing minute that this round has not asked for. False: the round is
 * over. */
bool cemm_gap_next(struct cemm_gap *gap, const struct cemm_zone *zone, struct cemm_period *ret_day);

/* The next missing rows of that day, at most `most`. Each call goes on after the last one. 1: the
 * caller unrefs *ret_rows; 0: none is left; or -ENOMEM. */
int cemm_gap_pick(struct cemm_gap *gap, const struct cemm_document *day, size_t most,
                  struct cemm_document **ret_rows);

/* All rows of a day have been given; `document` NULL: it has none. */
void cemm_gap_pass(struct cemm_gap *gap, const struct cemm_zone *zone,
                   const struct cemm_period *day, const struct cemm_document *document);

/* The round is over, or (`failed`) can't go on. What is still missing rests. */
void cemm_gap_end(struct cemm_gap *gap, bool failed, int64_t now, uint32_t chance);

#endif
