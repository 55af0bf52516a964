/*
 * Units. A channel's name alone does not tell: gas is a meter reading in
 * realtime and totals, an amount in history, and litres a minute in the day
 * of a meter that is read every five minutes (cloud §daily data, DSMR 5.x).
 */
#ifndef CEMM_MODEL_CHANNEL_H
#define CEMM_MODEL_CHANNEL_H

#include "common/frontend.h"

/* The unit of a series, which is that of its first row; "" where no document names one. */
const char *cemm_series_unit(const struct cemm_query *query, const struct cemm_series *series);

/*
 * The day on which a meter is replaced has both: of a row of history, what it
 * is called where the two must not become one series ("gas_flow", or as its
 * channel), and its unit.
 */
const char *cemm_row_channel(const struct cemm_query *query, const struct cemm_series *series,
                             const struct cemm_sample *row);
const char *cemm_row_unit(const struct cemm_query *query, const struct cemm_series *series,
                          const struct cemm_sample *row);

/* Whether the channel's realtime value is a meter reading, which does not fall: t1–t4, gas, volume.
 * (electric_energy* is the difference of two, and may.) */
bool cemm_channel_counts(const char *channel);

#endif
