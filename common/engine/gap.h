/*
 * What one taker lacks of a series, and what to do next: which day to request,
 * which of its rows to give, and how long to wait before minutes that could not
 * be fetched are tried again. Pure: time and documents are arguments.
 *
 * A round goes from the oldest missing minute to the newest, a day at a time. A
 * missing row before the day's last row will hardly come later, so it is not
 * requested again. Other missing minutes are tried again after a pause, longer
 * each time; newly missed minutes are requested at once.
 */
#ifndef CEMM_ENGINE_GAP_H
#define CEMM_ENGINE_GAP_H

#include "common/engine/health.h"
#include "common/model/ledger.h"

/* Times of minutes are Unix milliseconds. */
struct cemm_gap {
    struct cemm_ledger_entry *entry;
    const char *taker;
    int64_t limit;  /* only minutes that are over by then count, see cemm_ledger_missing() */
    int64_t since;  /* earlier minutes were requested, and the API had later rows */
    int64_t asked;  /* earlier minutes were requested, and wait for another try */
    int64_t cursor; /* how far this round has come */
    int64_t row;    /* and within its day */
    struct cemm_health rest; /* pauses before minutes that could not be fetched */
    bool gave;               /* rows were given in this round */
};

/* Whether a round should begin at `now` (monotonic milliseconds), for minutes missing before
 * `limit`. */
bool cemm_gap_wants(struct cemm_gap *gap, int64_t limit, int64_t now);

void cemm_gap_begin(struct cemm_gap *gap);

/* The day of the oldest missing minute that this round has not requested. False: the round is
 * over. */
bool cemm_gap_next(struct cemm_gap *gap, const struct cemm_zone *zone, struct cemm_period *ret_day);

/* The next missing rows of that day, at most `most`. Each call goes on after the last one. 1: the
 * caller unrefs *ret_rows; 0: none is left; or -ENOMEM. */
int cemm_gap_pick(struct cemm_gap *gap, const struct cemm_document *day, size_t most,
                  struct cemm_document **ret_rows);

/* All rows of a day have been given; `document` NULL: it has none. */
void cemm_gap_pass(struct cemm_gap *gap, const struct cemm_zone *zone,
                   const struct cemm_period *day, const struct cemm_document *document);

/* Ends the round; `failed`: it can't go on. Minutes that are still missing are tried again
 * later. */
void cemm_gap_end(struct cemm_gap *gap, bool failed, int64_t now, uint32_t chance);

#endif
