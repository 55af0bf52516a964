#include "common/model/channel.h"

#include <string.h>

#define MINUTE_MS   INT64_C(60000)
#define WH_PER_KWH  1000.0
#define GAS_CADENCE 3600 /* smart meters report gas once an hour */

/* Gas rows come once a minute or once an hour. A row stands for a minute if a neighbour is nearer
 * than NEAR_MS. Rows may be missing, so it is also enough if both neighbours are nearer than
 * NEAR_BOTH_MS. The only neighbour of the first or last row counts as both. */
#define NEAR_MS      (5 * MINUTE_MS)
#define NEAR_BOTH_MS (30 * MINUTE_MS)

/*
 * Names and units are those of LAN §Common channels. Those of electric_energy_low are from cloud
 * §monthly data; it has no realtime value, so its kind is OTHER. All types are in collectd's own
 * types.db. The first match applies; the last entry is for all other channels.
 */
static const struct channel {
    const char *pattern; /* for cemm_channel_matches() */
    const char *unit;
    enum cemm_channel_kind kind;
    const char *type;
    double factor;    /* converts the unit to that of the type */
    unsigned cadence; /* assumed seconds between samples, until they are learned; 0: not known */
} channels[] = {
    {"t1", "kWh", CEMM_CHANNEL_READING, "energy_wh", WH_PER_KWH, 0},
    {"t2", "kWh", CEMM_CHANNEL_READING, "energy_wh", WH_PER_KWH, 0},
    {"t3", "kWh", CEMM_CHANNEL_READING, "energy_wh", WH_PER_KWH, 0},
    {"t4", "kWh", CEMM_CHANNEL_READING, "energy_wh", WH_PER_KWH, 0},
    {"electric_energy", "kWh", CEMM_CHANNEL_ENERGY, "energy_wh", WH_PER_KWH, 0},
    {"electric_energy_high", "kWh", CEMM_CHANNEL_ENERGY, "energy_wh", WH_PER_KWH, 0},
    {"electric_energy_low", "kWh", CEMM_CHANNEL_OTHER, "energy_wh", WH_PER_KWH, 0},
    {"electric_energy*", "", CEMM_CHANNEL_OTHER, "energy_wh", WH_PER_KWH, 0},
    {"electric_power", "W", CEMM_CHANNEL_MOMENT, "power", 1, 0},
    {"gas", "m3", CEMM_CHANNEL_READING, "gauge", 1, GAS_CADENCE},
    {"volume", "m3", CEMM_CHANNEL_READING, "gauge", 1, 0},
    {"flow", "L/min", CEMM_CHANNEL_MOMENT, "flow", 1, 0},
    {"rate", "", CEMM_CHANNEL_MOMENT, "gauge", 1, 0},
    {"switch", "", CEMM_CHANNEL_MOMENT, "gauge", 1, 0},
    {"*", "", CEMM_CHANNEL_OTHER, "gauge", 1, 0},
};

bool cemm_channel_matches(const char *pattern, const char *channel)
{
    while (*pattern && *pattern == *channel) {
        pattern++;
        channel++;
    }
    return *pattern == '*' || *pattern == *channel;
}

static const struct channel *find_channel(const char *name)
{
    const struct channel *channel = channels;

    while (!cemm_channel_matches(channel->pattern, name))
        channel++;
    return channel;
}

static bool is_gas_by_minute(const struct cemm_query *query, const struct cemm_series *series,
                             const struct cemm_sample *row)
{
    size_t i = (size_t)(row - series->samples);
    int64_t before = i > 0 ? row->time - row[-1].time : INT64_MAX;
    int64_t after = i + 1 < series->count ? row[1].time - row->time : before; /* for the last row */

    if (query->endpoint != CEMM_DATA || query->period.span != CEMM_DAY ||
        strcmp(series->channel, "gas") != 0)
        return false;
    if (i == 0)
        before = after;
    return before < NEAR_MS || after < NEAR_MS || (before < NEAR_BOTH_MS && after < NEAR_BOTH_MS);
}

const char *cemm_row_channel(const struct cemm_query *query, const struct cemm_series *series,
                             const struct cemm_sample *row)
{
    return is_gas_by_minute(query, series, row) ? "gas_flow" : series->channel;
}

const char *cemm_row_unit(const struct cemm_query *query, const struct cemm_series *series,
                          const struct cemm_sample *row)
{
    if (!row || query->endpoint != CEMM_DATA || strcmp(series->channel, "gas") != 0)
        return series->unit;
    return is_gas_by_minute(query, series, row) ? "L/min" : "m3";
}

const char *cemm_history_tag(const struct cemm_query *query, const char *channel)
{
    static const char *const spans[] = {
        [CEMM_DAY] = "day", [CEMM_MONTH] = "month", [CEMM_YEAR] = "year"};
    bool tagged = query->endpoint == CEMM_DATA &&
                  (query->period.span != CEMM_DAY || strcmp(channel, "gas") == 0);

    return tagged ? spans[query->period.span] : NULL;
}

const char *cemm_series_unit(const struct cemm_query *query, const struct cemm_series *series)
{
    if (series->count > 0 && is_gas_by_minute(query, series, series->samples))
        return "L/min";
    return find_channel(series->channel)->unit;
}

enum cemm_channel_kind cemm_channel_kind(const char *channel)
{
    return find_channel(channel)->kind;
}

bool cemm_identify(const char *alias, const char *channel, struct cemm_identity *ret_identity)
{
    const struct channel *found = find_channel(channel);

    if (strlen(alias) + 1 + strlen(channel) >= CEMM_FIELD_SIZE)
        return false;
    strcpy(stpcpy(stpcpy(ret_identity->type_instance, alias), "-"), channel);
    ret_identity->type = found->type;
    ret_identity->factor = found->factor;
    ret_identity->cadence = found->cadence;
    return true;
}
