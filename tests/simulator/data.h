/* What the simulated meters measure: a pure function of uid, alias, channel and time. See data.c.
 */
#pragma once

#include "household.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values are whole numbers of 1/1024, so that each has a finite, exact decimal form. */
#define VALUE_ONE 1024

/* The interval of the readings, unless meter_read_every() changes it. */
#define READ_EVERY_S 10

/* Times outside this range have no data, whatever --since and --now are. */
#define TIME_MIN_S INT64_C(946684800)  /* 2000 */
#define TIME_MAX_S INT64_C(4102444800) /* 2100 */

/* t1 and t2 count the energy of positive power, at the low and the high tariff; t3 and t4 count the
 * energy of negative power, at the same tariffs. The API has two names for t1 - t3. */
enum channel {
    CHANNEL_T1,
    CHANNEL_T2,
    CHANNEL_T3,
    CHANNEL_T4,
    CHANNEL_POWER,
    CHANNEL_RATE,
    CHANNEL_SWITCH,
    CHANNEL_GAS,
    CHANNEL_FLOW,
    CHANNEL_VOLUME,
    CHANNEL_ENERGY,      /* the reading of t1 - t3: only the low tariff, despite its name */
    CHANNEL_ENERGY_LOW,  /* the amount of t1 - t3 in a period */
    CHANNEL_ENERGY_HIGH, /* t2 - t4: the reading, and also the amount in a period */
    CHANNEL_HUMIDITY,    /* not in the vendor's documentation */
};

struct sample {
    int64_t time_ms;
    int64_t value; /* in 1/VALUE_ONE */
    bool null;
};

struct meter;

/* Convert between a channel and its name in the API. -ENOENT: there is no such channel. */
const char *channel_name(enum channel channel);
int channel_find(const char *name, enum channel *ret_channel);

/* Makes a meter. -ENOENT: the alias is not simulated. `since` is the first second that has data. */
int meter_new(const struct calendar *calendar, int64_t since, const char *uid, const char *alias,
              struct meter **ret_meter);
void meter_free(struct meter *meter);
/* For DSMR 5: a day of gas has a row in L/min for each minute, instead of one in m3 for each hour.
 */
void meter_gas_by_minute(struct meter *meter);
/* Gives a gas reading the time of the full hour at which it changed, instead of the time at which
 * the smart meter sent it. */
void meter_gas_stamped_hourly(struct meter *meter);
void meter_read_every(struct meter *meter, int seconds);
enum meter_kind meter_kind(const struct meter *meter);

/* Returns a channel's value at a time. -ENOENT: there is no data at that time, or no such channel.
 */
int meter_value(struct meter *meter, enum channel channel, int64_t time_ms, int64_t *ret_value);

/* Returns what realtime shows: the newest measurement at or before `now_ms`, with its own time. */
int meter_latest(struct meter *meter, enum channel channel, int64_t now_ms,
                 struct sample *ret_sample);

/* Returns the rows of the period that contains `utc`, newest first; none if there is no data.
 * The caller frees them. */
int meter_rows(struct meter *meter, enum period period, enum channel channel, int64_t utc,
               int64_t now_ms, struct sample **ret_rows, size_t *ret_count);
