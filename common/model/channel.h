/*
 * The table of channels: unit, kind, and type in collectd (cemm_identify()). The unit does not
 * depend on the name alone: gas is a meter reading in realtime and totals, an amount in history,
 * and litres a minute in a day's data of a meter that is read every five minutes (cloud §daily
 * data, DSMR 5.x).
 */
#ifndef CEMM_MODEL_CHANNEL_H
#define CEMM_MODEL_CHANNEL_H

#include "common/frontend.h"

/* The unit of a series, which is that of its first row; "" if none is documented. */
const char *cemm_series_unit(const struct cemm_query *query, const struct cemm_series *series);

/* The name and the unit of a row of history. On the day on which a meter is replaced, gas may have
 * both hourly rows in m3 and rows by the minute in L/min: the latter are named "gas_flow". If `row`
 * is NULL, the unit is that of the series. */
const char *cemm_row_channel(const struct cemm_query *query, const struct cemm_series *series,
                             const struct cemm_sample *row);
const char *cemm_row_unit(const struct cemm_query *query, const struct cemm_series *series,
                          const struct cemm_sample *row);

/* The tag `period` is "day", "month" or "year" for rows that must not be mixed with the channel's
 * realtime values: gas history, and all rows of months and years. NULL for other rows. */
const char *cemm_history_tag(const struct cemm_query *query, const char *channel);

/* What the realtime value of a channel is. */
enum cemm_channel_kind {
    CEMM_CHANNEL_OTHER,
    CEMM_CHANNEL_READING, /* a meter reading, which does not fall: t1–t4, gas, volume */
    CEMM_CHANNEL_ENERGY,  /* the difference of two readings; it may fall */
    CEMM_CHANNEL_MOMENT,  /* a value of this moment: power, flow, rate, switch */
};
enum cemm_channel_kind cemm_channel_kind(const char *channel);

/* Whether a pattern, which may end in '*', matches a channel. */
bool cemm_channel_matches(const char *pattern, const char *channel);

#endif
