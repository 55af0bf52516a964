#include "common/model/channel.h"

#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define FAR       (5 * MINUTE_MS)  /* a minute's row has another one nearer than this */
#define BETWEEN   (30 * MINUTE_MS) /* or, where some are missing, one on either side */

/* LAN §Common channels, and cloud §monthly data for electric_energy_low. */
static const struct {
    const char *name;
    const char *unit;
    bool counts; /* its realtime value is a meter reading */
} channels[] = {
    {"t1", "kWh", true},
    {"t2", "kWh", true},
    {"t3", "kWh", true},
    {"t4", "kWh", true},
    {"electric_energy", "kWh", false},
    {"electric_energy_low", "kWh", false},
    {"electric_energy_high", "kWh", false},
    {"electric_power", "W", false},
    {"gas", "m3", true},
    {"volume", "m3", true},
    {"flow", "L/min", false},
};

#define CHANNELS (sizeof(channels) / sizeof(channels[0]))

/* Milliseconds to the row before and to the one behind; at an end, the other one counts. */
static void distances(const struct cemm_series *series, const struct cemm_sample *row,
                      int64_t *ret_before, int64_t *ret_behind)
{
    size_t i = (size_t)(row - series->samples);
    int64_t before = i > 0 ? row->time - row[-1].time : INT64_MAX;
    int64_t behind = i + 1 < series->count ? row[1].time - row->time : before;

    *ret_before = i > 0 ? before : behind;
    *ret_behind = behind;
}

static bool is_gas_by_minute(const struct cemm_query *query, const struct cemm_series *series,
                             const struct cemm_sample *row)
{
    int64_t before, behind;

    if (query->endpoint != CEMM_DATA || query->period.span != CEMM_DAY ||
        strcmp(series->channel, "gas") != 0)
        return false;
    distances(series, row, &before, &behind);
    return before < FAR || behind < FAR || (before < BETWEEN && behind < BETWEEN);
}

const char *cemm_row_channel(const struct cemm_query *query, const struct cemm_series *series,
                             const struct cemm_sample *row)
{
    return is_gas_by_minute(query, series, row) ? "gas_flow" : series->channel;
}

const char *cemm_row_unit(const struct cemm_query *query, const struct cemm_series *series,
                          const struct cemm_sample *row)
{
    if (query->endpoint != CEMM_DATA || strcmp(series->channel, "gas") != 0)
        return series->unit;
    return is_gas_by_minute(query, series, row) ? "L/min" : "m3";
}

const char *cemm_series_unit(const struct cemm_query *query, const struct cemm_series *series)
{
    if (series->count > 0 && is_gas_by_minute(query, series, series->samples))
        return "L/min";
    for (size_t i = 0; i < CHANNELS; i++)
        if (strcmp(channels[i].name, series->channel) == 0)
            return channels[i].unit;
    return "";
}

bool cemm_channel_counts(const char *channel)
{
    for (size_t i = 0; i < CHANNELS; i++)
        if (strcmp(channels[i].name, channel) == 0)
            return channels[i].counts;
    return false;
}
