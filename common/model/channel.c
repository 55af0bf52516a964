#include "common/model/channel.h"

#include <string.h>

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

const char *cemm_channel_unit(const char *channel, const struct cemm_query *query, bool by_minute)
{
    bool day = query->endpoint == CEMM_DATA && query->period.span == CEMM_DAY;

    if (day && by_minute && strcmp(channel, "gas") == 0)
        return "L/min";
    for (size_t i = 0; i < CHANNELS; i++)
        if (strcmp(channels[i].name, channel) == 0)
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
