/*
 * What the simulated households do, minute by minute.
 *
 * There is a base load, a morning and an evening peak, and sometimes a kettle. s01 measures the
 * panels on the roof. p1 is consumption minus production, and therefore negative on summer
 * afternoons. Gas is burnt in winter. `usage` is the consumption of p1's house. mb1 to mb247 are
 * inverters: they produce what the panels produce, and consume a few watts at night. Each household
 * and each roof has its own seed and is some minutes early or late, so no two series are equal. All
 * numbers are whole, so the results are the same on every machine.
 */
#include "household.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MINUTES      1440
#define SOLAR_NOON       795 /* 13:15; it is earlier in winter time and later in summer time */
#define KETTLE_WATT      1800
#define LOW_TARIFF_UNTIL (7 * 60)
#define LOW_TARIFF_FROM  (23 * 60)

#define MODBUS_PREFIX      "mb"
#define MODBUS_ADDRESS_MAX 247
#define MODBUS_PHASE       10

/* The consumption of an inverter when there is no sun, in 1/8 W. */
#define INVERTER_LEAST 24
#define INVERTER_RANGE 17

struct alias {
    const char *name;
    enum meter_kind kind;
    bool cloud;
    int phase;
};

static const struct alias aliases[] = {
    {"p1", METER_SMART, true, 0},         {"p1-gas", METER_GAS, true, 0},
    {"han", METER_SMART, true, 15},       {"s01", METER_PULSE, true, 0},
    {"s02", METER_PULSE, true, 25},       {"s03", METER_PULSE, true, -25},
    {"p1-usb", METER_SMART, false, 5},    {"emucs", METER_SMART, false, -5},
    {"emucs-usb", METER_SMART, false, 8}, {"emucs-gas", METER_GAS, false, 0},
    {"dlms-usb", METER_SMART, false, -8}, {"pulse-1", METER_WATER, false, 0},
    {"pulse-2", METER_WATER, false, 10},  {"pulse-3", METER_WATER, false, -10},
    {"usage", METER_USAGE, false, 0},
};

/* mb1 to mb247 are not in the table. The number is the Modbus address, without leading zeros. */
static const struct alias modbus = {MODBUS_PREFIX, METER_MODBUS, false, MODBUS_PHASE};

static bool is_modbus(const char *name)
{
    const char *digits = name + strlen(MODBUS_PREFIX);
    int address = 0;

    if (strncmp(name, MODBUS_PREFIX, strlen(MODBUS_PREFIX)) != 0 || *digits == '0')
        return false;
    for (; isdigit((unsigned char)*digits) && address <= MODBUS_ADDRESS_MAX; digits++)
        address = address * 10 + (*digits - '0');
    return !*digits && address >= 1 && address <= MODBUS_ADDRESS_MAX;
}

/* Finds an alias. NULL: it is not simulated. */
static const struct alias *find_alias(const char *name)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(name, aliases[i].name) == 0)
            return &aliases[i];
    return is_modbus(name) ? &modbus : NULL;
}

static int alias_phase(const char *name)
{
    const struct alias *alias = find_alias(name);

    return alias ? alias->phase : 0;
}

int meter_kind_of(const char *name, enum meter_kind *ret_kind)
{
    const struct alias *alias = find_alias(name);

    if (!alias)
        return -ENOENT;
    *ret_kind = alias->kind;
    return 0;
}

bool meter_in_cloud(const char *name)
{
    const struct alias *alias = find_alias(name);

    return alias && alias->cloud;
}

/* Hashes a number to 64 bits, so that consecutive numbers give unrelated results. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    return x;
}

static uint64_t seed_of(const char *uid, const char *alias)
{
    uint64_t seed = 1;

    for (; *uid; uid++)
        seed = mix(seed * 257 + (unsigned char)*uid);
    for (; *alias; alias++)
        seed = mix(seed * 263 + (unsigned char)*alias);
    return seed;
}

/* Returns a pseudo-random number from 0 to `limit` - 1. Equal arguments give equal numbers. */
static int draw(uint64_t seed, int64_t number, int limit)
{
    uint64_t high = mix(seed + (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

    return (int)((high * (uint64_t)limit) >> 32);
}

/* Returns a number from 0 in midwinter to 1000 at midsummer. */
static int summer(int yearday)
{
    int distance = abs(yearday - 172);

    if (distance > 183)
        distance = 366 - distance;
    return 1000 - distance * 1000 / 183;
}

/* Returns how high a hill is at `minute`. Its top is at `middle` and has the height `height`. It
 * extends for `half` minutes to either side. */
static int hill(int minute, int middle, int half, int height)
{
    int distance = abs(minute - middle);

    return distance < half ? height * (half - distance) / half : 0;
}

/* The values that are the same for all minutes of a roof's day. */
struct sun {
    uint64_t seed;
    int noon;     /* minutes after 00:00 */
    int64_t half; /* half of the time from sunrise to sunset, in minutes */
    int64_t peak; /* in 1/8 W */
};

static struct sun sun_of(uint64_t seed, int phase, int64_t day, int yearday)
{
    int height = summer(yearday);
    int64_t panels = 80 + draw(seed, -1, 40);
    int64_t clear = 60 + draw(seed, day, 40);

    return (struct sun){
        .seed = seed,
        .noon = SOLAR_NOON + phase,
        .half = 250 + 245 * height / 1000,
        .peak = INT64_C(8) * (800 + 3400 * height / 1000) * panels * clear / 10000,
    };
}

/* Returns the power of the panels. Here and below, `minute` counts from 1970 and seeds the random
 * numbers; `local` is the local time in minutes after 00:00. */
static int64_t sunshine(const struct sun *sun, int64_t minute, int local)
{
    int64_t distance = local - sun->noon;
    int64_t square = sun->half * sun->half;

    if (distance * distance >= square)
        return 0;
    return sun->peak * (square - distance * distance) / square *
           (224 + draw(sun->seed, minute, 32)) / 256;
}

static int64_t usage(const struct household *household, int64_t minute, int local)
{
    int at = local - household->phase;
    int64_t watt = 150 + (int64_t)(household->seed % 150) + draw(household->seed, minute, 180);

    watt += hill(at, 465, 90, 700) + hill(at, 1125, 210, 1300);
    if (at > 390 && at < 1350 && draw(household->seed ^ 1, minute / 4, 32) == 0)
        watt += KETTLE_WATT;
    return watt * 8;
}

static int64_t water(const struct household *household, int64_t minute, int local)
{
    if (local < 360 || local > 1380 || draw(household->seed, minute / 3, 16) != 0)
        return 0;
    return 16 + draw(household->seed ^ 1, minute, 80);
}

/* Rounds towards zero to whole watts, because smart meters measure in whole watts. */
static int64_t whole_watts(int64_t eighths)
{
    return eighths >= 0 ? eighths / 8 * 8 : -(-eighths / 8 * 8);
}

/* Returns the power of an inverter. Production is positive. */
static int64_t inverter(const struct household *household, const struct sun *sun, int64_t minute,
                        int local)
{
    int64_t power = sunshine(sun, minute, local);

    return power > 0 ? power : -(INVERTER_LEAST + draw(household->seed, minute, INVERTER_RANGE));
}

static int64_t minute_amount(const struct household *household, const struct sun *sun,
                             int64_t minute, int local)
{
    switch (household->kind) {
    case METER_SMART:
        return whole_watts(usage(household, minute, local) - sunshine(sun, minute, local));
    case METER_PULSE:
        return sunshine(sun, minute, local);
    case METER_MODBUS:
        return inverter(household, sun, minute, local);
    case METER_WATER:
        return water(household, minute, local);
    case METER_USAGE:
        return usage(household, minute, local);
    case METER_GAS:
        break;
    }
    return 0;
}

int64_t household_first(const struct household *household, int counter)
{
    /* t3 and t4 of an inverter count only its consumption at night, which is small. */
    bool small = household->kind == METER_MODBUS && counter >= 2;

    if (household->kind == METER_PULSE)
        return 0;
    return (small ? 0 : 1000) + draw(household->seed, -3 - counter, small ? 40 : 1000);
}

/* Returns the local time in minutes after 00:00. It jumps when the clocks change. */
static int local_minute(const struct calendar *calendar, const struct day *day, int index)
{
    int64_t utc = day->start + index * INT64_C(60);

    if (day->end - day->start == DAY_MINUTES * 60)
        return index;
    return (int)((utc + calendar_offset(calendar, utc)) % 86400 / 60);
}

static void fill_minutes(const struct household *household, const struct calendar *calendar,
                         struct day *day, const struct date *date)
{
    struct sun sun =
        sun_of(household->solar_seed, household->solar_phase, day->start / 86400, date->yearday);
    bool weekend = date->weekday == 0 || date->weekday == 6;

    for (int i = 0; i < day->count; i++) {
        int local = local_minute(calendar, day, i);

        day->amount[i] = (int32_t)minute_amount(household, &sun, day->start / 60 + i, local);
        day->low[i] = weekend || local < LOW_TARIFF_UNTIL || local >= LOW_TARIFF_FROM;
    }
}

/* Computes a day of gas in 1/1024 m3 per hour: heating, which depends on the season and the time of
 * day, and a constant pilot light. */
static void fill_hours(const struct household *household, const struct calendar *calendar,
                       struct day *day, const struct date *date)
{
    int cold = 1000 - summer(date->yearday);

    for (int i = 0; i < day->count; i++) {
        int64_t hour = day->start / 3600 + i;
        int local = local_minute(calendar, day, i * 60) / 60;
        int heating = cold * (local >= 6 && local < 22 ? 900 : 200) / 1000;

        day->amount[i] = heating * (50 + draw(household->seed, hour, 50)) / 100 + 1 +
                         draw(household->seed ^ 1, hour, 8);
    }
}

int household_begin(const char *uid, const char *alias, struct household *ret_household)
{
    enum meter_kind kind;
    const char *roof;
    uint64_t seed, solar_seed;

    if (meter_kind_of(alias, &kind) < 0)
        return -ENOENT;
    if (kind == METER_USAGE)
        alias = "p1";
    roof = kind == METER_SMART || kind == METER_MODBUS ? "s01" : alias;
    seed = seed_of(uid, alias);
    solar_seed = seed_of(uid, roof);
    *ret_household = (struct household){
        .kind = kind,
        .seed = seed,
        .solar_seed = solar_seed,
        .phase = alias_phase(alias) + draw(seed, -2, 31) - 15,
        .solar_phase = alias_phase(roof) + draw(solar_seed, -2, 31) - 15,
    };
    return 0;
}

void household_day(const struct household *household, const struct calendar *calendar,
                   int64_t start, int64_t end, struct day *ret_day)
{
    int64_t length = household->kind == METER_GAS ? 3600 : 60;
    int64_t count = (end - start + length - 1) / length;
    struct date date = calendar_date(calendar, start);

    ret_day->start = start;
    ret_day->end = end;
    ret_day->length = length;
    ret_day->count = count > DAY_MINUTES_MAX ? DAY_MINUTES_MAX : (int)count;
    if (household->kind == METER_GAS)
        fill_hours(household, calendar, ret_day, &date);
    else
        fill_minutes(household, calendar, ret_day, &date);
}
