#include "common/model/channel.h"

#include <string.h>

/* LAN §Common channels, and cloud §monthly data for electric_energy_low. */
static const struct {
    const char *name;
    const char *unit;
} units[] = {
    {"t1", "kWh"},
    {"t2", "kWh"},
    {"t3", "kWh"},
    {"t4", "kWh"},
    {"electric_energy", "kWh"},
    {"electric_energy_low", "kWh"},
    {"electric_energy_high", "kWh"},
    {"electric_power", "W"},
    {"gas", "m3"},
    {"volume", "m3"},
    {"flow", "L/min"},
};

const char *cemm_channel_unit(const char *channel, const struct cemm_query *query, bool by_minute)
{
    bool day = query->endpoint == CEMM_DATA && query->period.span == CEMM_DAY;

    if (day && by_minute && strcmp(channel, "gas") == 0)
        return "L/min";
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(units[i].name, channel) == 0)
            return units[i].unit;
    return "";
}
