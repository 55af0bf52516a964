/* What the simulated households do, minute by minute. See household.c. */
#pragma once

#include "calendar.h"

#include <stdbool.h>
#include <stdint.h>

#define DAY_MINUTES_MAX 1620 /* no zone has had a longer day since 2000 */

enum meter_kind {
    METER_SMART,  /* p1, emucs, han, dlms-usb */
    METER_GAS,    /* p1-gas, emucs-gas */
    METER_PULSE,  /* s01, s02, s03 */
    METER_WATER,  /* pulse-1, pulse-2, pulse-3 */
    METER_MODBUS, /* mb1 to mb247: inverters */
    METER_USAGE,  /* usage */
};

struct household {
    enum meter_kind kind;
    uint64_t seed;
    uint64_t solar_seed;
    int phase;       /* minutes by which this household is late */
    int solar_phase; /* minutes by which its roof is late */
};

/* The measurements of a day: power (1/8 W) or flow (1/8 L/min) for each minute, or gas (1/1024 m3)
 * for each hour. */
struct day {
    int64_t start;
    int64_t end;
    int64_t length; /* of each entry, in seconds */
    int count;
    int32_t amount[DAY_MINUTES_MAX];
    bool low[DAY_MINUTES_MAX]; /* whether the low tariff applies */
};

/* Returns the kind of a meter. -ENOENT: the alias is not simulated. */
int meter_kind_of(const char *alias, enum meter_kind *ret_kind);
/* Whether the cloud has meters with this alias. Meters with other aliases exist only on the LAN. */
bool meter_in_cloud(const char *alias);
/* Returns 0, or -ENOENT: the alias is not simulated. */
int household_begin(const char *uid, const char *alias, struct household *ret_household);

void household_day(const struct household *household, const struct calendar *calendar,
                   int64_t start, int64_t end, struct day *ret_day);
/* Returns the value of a counter when the meter was installed, in kWh or m3. */
int64_t household_first(const struct household *household, int counter);
