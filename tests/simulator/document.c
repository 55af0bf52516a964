/*
 * The JSON documents of both APIs.
 *
 * They are written as the vendor's documentation shows them, with each member in the same place,
 * because clients must be tested with realistic answers. The small differences between the two APIs
 * (io_id is a number or a string, time is in milliseconds or in seconds) are intentional.
 */
#include "document.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FRACTION_DIGITS 10 /* number of digits after the point of 1/1024 */
#define FULL_ID         16384
#define CHANNELS_MAX    8
#define LIST_END        -1

/* The ten digits after the point of 1/1024 = 0.0009765625, as a number: 10^10 / 1024. */
#define DIGITS_OF_UNIT INT64_C(9765625)

int64_t document_hundredths(int64_t value, enum rounding rounding)
{
    int64_t scaled = value * 100 + (rounding == ROUND_NEAREST ? VALUE_ONE / 2 : 0);

    return scaled / VALUE_ONE - (scaled % VALUE_ONE < 0);
}

void document_number(FILE *out, int64_t hundredths)
{
    int fraction = (int)(llabs(hundredths) % 100);

    fprintf(out, "%s%" PRId64, hundredths < 0 ? "-" : "", (int64_t)llabs(hundredths) / 100);
    if (fraction % 10)
        fprintf(out, ".%02d", fraction);
    else if (fraction)
        fprintf(out, ".%d", fraction / 10);
}

void document_value(FILE *out, int64_t value, enum rounding rounding)
{
    int64_t fraction = llabs(value) % VALUE_ONE * DIGITS_OF_UNIT;
    int digits = FRACTION_DIGITS;

    if (rounding != ROUND_NOT) {
        document_number(out, document_hundredths(value, rounding));
        return;
    }

    fprintf(out, "%s%" PRId64, value < 0 ? "-" : "", (int64_t)llabs(value) / VALUE_ONE);
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; digits--)
        fraction /= 10;
    fprintf(out, ".%0*" PRId64, digits, fraction);
}

enum rounding document_rounding(const struct world *world, enum api api)
{
    return api == API_LAN && world->options->firmware == FIRMWARE_2_26 ? ROUND_NEAREST : ROUND_NOT;
}

void document_sample(FILE *out, const struct sample *sample, enum rounding rounding)
{
    fprintf(out, "[%" PRId64 ",", sample->time_ms);
    if (sample->null)
        fputs("null", out);
    else
        document_value(out, sample->value, rounding);
    putc(']', out);
}

/* The channels of each kind of meter: in a day, in a month or year, and in totals. */
static const int8_t day_channels[][2] = {
    [METER_SMART] = {CHANNEL_POWER, LIST_END},  [METER_GAS] = {CHANNEL_GAS, LIST_END},
    [METER_PULSE] = {CHANNEL_POWER, LIST_END},  [METER_WATER] = {CHANNEL_FLOW, LIST_END},
    [METER_MODBUS] = {CHANNEL_POWER, LIST_END}, [METER_USAGE] = {CHANNEL_POWER, LIST_END},
};

static const int8_t sum_channels[][3] = {
    [METER_SMART] = {CHANNEL_ENERGY_LOW, CHANNEL_ENERGY_HIGH, LIST_END},
    [METER_GAS] = {CHANNEL_GAS, LIST_END},
    [METER_PULSE] = {CHANNEL_ENERGY_LOW, CHANNEL_ENERGY_HIGH, LIST_END},
    [METER_WATER] = {CHANNEL_VOLUME, LIST_END},
    [METER_MODBUS] = {CHANNEL_ENERGY_LOW, CHANNEL_ENERGY_HIGH, LIST_END},
    [METER_USAGE] = {CHANNEL_ENERGY_LOW, CHANNEL_ENERGY_HIGH, LIST_END},
};

static const int8_t totals_channels[][CHANNELS_MAX] = {
    [METER_SMART] = {CHANNEL_T1, CHANNEL_T2, CHANNEL_T3, CHANNEL_T4, CHANNEL_ENERGY,
                     CHANNEL_ENERGY_HIGH, CHANNEL_GAS, LIST_END},
    [METER_GAS] = {CHANNEL_GAS, LIST_END},
    [METER_PULSE] = {CHANNEL_ENERGY, CHANNEL_ENERGY_HIGH, LIST_END},
    [METER_WATER] = {LIST_END},
    [METER_MODBUS] = {LIST_END},
    [METER_USAGE] = {LIST_END},
};

/* The entries of `io`. The last row is for all of mb1 to mb247. */
static const struct {
    const char *alias;
    int port;
    const char *type;
    const char *port_option;
} io_rows[] = {
    {"p1", 3, "p1", "p1_in"},
    {"p1-gas", 3, "gas", "enabled"},
    {"han", 3, "han", "p1_in"},
    {"s01", 1, "solar_energy", "s0_in"},
    {"s02", 2, "solar_energy", "s0_in"},
    {"s03", 3, "solar_energy", "s0_in"},
    {"p1-usb", 4, "p1", "usb"},
    {"emucs", 3, "emucs", "p1_in"},
    {"emucs-usb", 4, "emucs", "usb"},
    {"emucs-gas", 3, "gas", "enabled"},
    {"dlms-usb", 4, "dlms", "usb"},
    {"pulse-1", 1, "water", "s0_in"},
    {"pulse-2", 2, "water", "s0_in"},
    {"pulse-3", 3, "water", "s0_in"},
    {"mb", 5, "solar_energy", "rs485"},
};

/* Smart meters and their gas meters. Firmware 2.26 also lists p1's gas meter as emucs-gas.
 * If several rows have the smart meter, the last of them whose gas meter exists is used. */
static const struct {
    const char *smart;
    const char *gas;
} gas_rows[] = {
    {"p1", "emucs-gas"},    {"p1", "p1-gas"},           {"p1-usb", "p1-gas"},
    {"emucs", "emucs-gas"}, {"emucs-usb", "emucs-gas"},
};

struct meter *document_meter(const struct world *world, struct device *device, int index,
                             enum channel channel)
{
    int gas = -1;

    if (channel != CHANNEL_GAS || meter_kind(device->meters[index]) != METER_SMART)
        return device->meters[index];
    for (size_t i = 0; i < sizeof(gas_rows) / sizeof(gas_rows[0]); i++)
        if (strcmp(world->options->meters[index].like, gas_rows[i].smart) == 0 &&
            world_meter(world, gas_rows[i].gas) >= 0)
            gas = world_meter(world, gas_rows[i].gas);
    return gas < 0 ? NULL : device->meters[gas];
}

void document_devices(const struct world *world, FILE *out)
{
    fputs("{\"data\":[", out);
    for (int i = 0; i < world->options->devices; i++)
        fprintf(out, "%s{\"uid\":\"%s\"}", i ? "," : "", world->devices[i].uid);
    fputs("]}", out);
}

const char *document_core(const struct world *world)
{
    return world->options->firmware == FIRMWARE_2_18 ? "1.24" : "1.25";
}

void document_lan_root(const struct world *world, const struct device *device, FILE *out)
{
    const char *version = world->options->firmware == FIRMWARE_2_18 ? "2.18.1.0" : "2.26.0.0";

    fputs("{\"data\":{\"mac\":\"", out);
    for (const char *c = device->uid; *c; c++)
        putc(*c == '-' ? ':' : *c, out);
    fprintf(out,
            "\",\"name\":\"CEMM Basic\",\"type\":\"E5AD649292BBBB51060F\","
            "\"version\":\"%s\",\"core\":\"%s\"}}",
            version, document_core(world));
}

static void put_io(const struct world *world, enum api api, int index, FILE *out)
{
    const char *alias = world->options->meters[index].alias;
    const char *type = world->options->meters[index].type;
    size_t i = 0;

    while (i + 1 < sizeof(io_rows) / sizeof(io_rows[0]) && strcmp(io_rows[i].alias, alias) != 0)
        i++;
    fprintf(out, "{\"io_id\":%d,\"port\":%d,\"type\":\"%s\",", index + 1, io_rows[i].port,
            type ? type : io_rows[i].type);
    if (api == API_LAN)
        fprintf(out, "\"alias\":\"%s\"}", alias);
    else
        fprintf(out, "\"port_option\":\"%s\",\"full_id\":%d}", io_rows[i].port_option, FULL_ID);
}

void document_io(const struct world *world, enum api api, int only, FILE *out)
{
    const char *comma = "";

    fputs("{\"data\":[", out);
    for (int i = 0; i < world->options->meter_count; i++) {
        const struct meter_name *meter = &world->options->meters[i];

        if ((only >= 0 && i != only) || meter->unlisted ||
            (api == API_CLOUD && !meter_in_cloud(meter->alias)))
            continue;
        fputs(comma, out);
        put_io(world, api, i, out);
        comma = ",";
    }
    fputs("]}", out);
}

/* Writes the beginning of an answer that has a time. The type of io_id and the unit of the time
 * depend on the API. */
static void put_head(enum api api, int index, int64_t utc, FILE *out)
{
    if (api == API_LAN)
        fprintf(out, "{\"io_id\":\"%d\",\"time\":%" PRId64 ",\"data\":{", index + 1, utc);
    else
        fprintf(out, "{\"io_id\":%d,\"time\":%" PRId64 ",\"data\":{", index + 1, utc * 1000);
}

/* Whether a day has a row at 23:59:59, which comes first because rows are newest first. On
 * the LAN, its value is null. In the cloud, only gas has this row, and its value is 0. */
static bool has_last_second(const struct world *world, struct meter *meter, enum api api,
                            int64_t utc, struct sample *ret_sample)
{
    int64_t start, end;

    if (api == API_CLOUD && meter_kind(meter) != METER_GAS)
        return false;
    calendar_period(world->calendar, PERIOD_DAY, utc, &start, &end);
    *ret_sample = (struct sample){.time_ms = end * 1000 - 1000, .null = api == API_LAN};
    return start >= world->since && start * 1000 <= simclock_now(&world->clock);
}

/* Whether the option --next-row adds a row at the end of this period: only if the period has ended.
 */
static bool has_next(const struct world *world, enum period period, int64_t utc,
                     struct sample *ret_sample)
{
    int64_t start, end;

    if (!world->options->next_row || utc < TIME_MIN_S || utc > TIME_MAX_S)
        return false;
    calendar_period(world->calendar, period, utc, &start, &end);
    *ret_sample = (struct sample){.time_ms = end * 1000, .value = VALUE_ONE};
    return start >= world->since && end * 1000 <= simclock_now(&world->clock);
}

static int put_series(const struct world *world, struct meter *meter, enum api api,
                      enum period period, enum channel channel, int64_t utc, FILE *out)
{
    enum rounding rounding = document_rounding(world, api);
    const char *comma = "";
    struct sample extra;
    struct sample *rows;
    size_t count;
    int r = meter_rows(meter, period, channel, utc, simclock_now(&world->clock), &rows, &count);

    if (r < 0)
        return r;
    fprintf(out, "\"%s\":[", channel_name(channel));
    if (has_next(world, period, utc, &extra)) {
        document_sample(out, &extra, rounding);
        comma = ",";
    }
    if (period == PERIOD_DAY && has_last_second(world, meter, api, utc, &extra)) {
        fputs(comma, out);
        document_sample(out, &extra, rounding);
        comma = ",";
    }
    for (size_t i = 0; i < count; i++) {
        fputs(comma, out);
        document_sample(out, &rows[i], rounding);
        comma = ",";
    }
    putc(']', out);
    free(rows);
    return 0;
}

int document_history(const struct world *world, struct device *device, int index, enum api api,
                     enum period period, int64_t utc, FILE *out)
{
    struct meter *meter = device->meters[index];
    enum meter_kind kind = meter_kind(meter);
    const int8_t *list = period == PERIOD_DAY ? day_channels[kind] : sum_channels[kind];
    int64_t start = utc, end;
    int r = 0;

    if (utc >= TIME_MIN_S && utc <= TIME_MAX_S)
        calendar_period(world->calendar, period, utc, &start, &end);
    put_head(api, index, utc, out);
    for (const int8_t *c = list; r == 0 && *c != LIST_END; c++) {
        if (c != list)
            putc(',', out);
        if (api == API_LAN && utc != start) /* the LAN finds a period only by its start */
            fprintf(out, "\"%s\":[]", channel_name((enum channel) * c));
        else
            r = put_series(world, meter, api, period, (enum channel) * c, utc, out);
    }
    fputs("}}", out);
    return r;
}

/* Returns when the newest minute of the day that contains `utc` began, or 0 if there is no data. */
static int64_t last_minute(const struct world *world, int64_t utc)
{
    int64_t now = simclock_now(&world->clock) / 1000;
    int64_t start, end, minute;

    if (utc < TIME_MIN_S || utc > TIME_MAX_S)
        return 0;
    calendar_period(world->calendar, PERIOD_DAY, utc, &start, &end);
    minute = end - 60;
    if (now < end)
        minute = now - now % 60;
    return minute < start || minute < world->since ? 0 : minute;
}

int document_totals(const struct world *world, struct device *device, int index, int64_t utc,
                    FILE *out)
{
    const int8_t *list = totals_channels[meter_kind(device->meters[index])];
    int64_t minute = last_minute(world, utc);

    put_head(API_CLOUD, index, utc, out);
    for (const int8_t *c = list; *c != LIST_END; c++) {
        enum channel channel = (enum channel) * c;
        struct meter *meter = document_meter(world, device, index, channel);
        struct sample sample = {.time_ms = minute * 1000};
        int r =
            meter && minute ? meter_value(meter, channel, sample.time_ms, &sample.value) : -ENOENT;

        if (r < 0 && r != -ENOENT)
            return r;
        if (r < 0)
            sample = (struct sample){0};
        fprintf(out, "%s\"%s\":", c != list ? "," : "", channel_name(channel));
        document_sample(out, &sample, ROUND_NOT);
    }
    fputs("}}", out);
    return 0;
}
