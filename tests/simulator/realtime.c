/*
 * The realtime document of both APIs.
 *
 * Firmware 2.26 sends two sets of readings. `data` has the meter's values and times. `totals` is
 * computed by the CEMM: it splits the single register of an inverter by tariff, rounds down to
 * hundredths while `data` rounds to the nearest hundredth, and has the times of the CEMM's clock.
 */
#include "document.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define CHANNELS_MAX 9
#define LIST_END     -1
#define TOTALS_LATE  6000 /* ms after `data`; for a smart meter, 1000 less */

static const struct {
    int8_t data[CHANNELS_MAX];
    int8_t totals[CHANNELS_MAX];
} channels[] = {
    [METER_SMART] = {{CHANNEL_T1, CHANNEL_T2, CHANNEL_T3, CHANNEL_T4, CHANNEL_POWER, CHANNEL_RATE,
                      CHANNEL_SWITCH, CHANNEL_GAS, LIST_END},
                     {CHANNEL_ENERGY, CHANNEL_ENERGY_HIGH, CHANNEL_T1, CHANNEL_T2, CHANNEL_T3,
                      CHANNEL_T4, CHANNEL_GAS, LIST_END}},
    [METER_GAS] = {{CHANNEL_GAS, LIST_END}, {LIST_END}},
    [METER_PULSE] = {{CHANNEL_POWER, LIST_END}, {CHANNEL_ENERGY, CHANNEL_ENERGY_HIGH, LIST_END}},
    [METER_WATER] = {{CHANNEL_FLOW, LIST_END}, {CHANNEL_VOLUME, LIST_END}},
    [METER_MODBUS] = {{CHANNEL_T1, CHANNEL_T2, CHANNEL_POWER, LIST_END},
                      {CHANNEL_T1, CHANNEL_T2, CHANNEL_ENERGY, CHANNEL_ENERGY_HIGH, CHANNEL_T3,
                       CHANNEL_T4, LIST_END}},
    [METER_USAGE] = {{CHANNEL_POWER, LIST_END}, {LIST_END}},
};

/* A request for realtime. */
struct realtime {
    const struct world *world;
    struct device *device;
    int index;
    enum api api;
    int64_t now_ms;
    FILE *out;
};

static bool is_reading(enum channel channel)
{
    return channel <= CHANNEL_T4 || channel == CHANNEL_GAS || channel == CHANNEL_VOLUME;
}

/* Finds the newest sample of a channel. If the channel was never read, the sample is [0,0]. */
static int find_sample(const struct realtime *realtime, enum channel channel,
                       struct sample *ret_sample)
{
    struct meter *meter =
        document_meter(realtime->world, realtime->device, realtime->index, channel);
    int r = meter ? meter_latest(meter, channel, realtime->now_ms, ret_sample) : -ENOENT;

    if (r < 0)
        *ret_sample = (struct sample){0};
    return r == -ENOENT ? 0 : r;
}

void document_register(FILE *out, int64_t low, int64_t high, enum rounding rounding)
{
    if (rounding == ROUND_NOT)
        document_value(out, low + high, rounding);
    else
        document_number(out, document_hundredths(low, ROUND_DOWN) +
                                 document_hundredths(high, ROUND_DOWN));
}

/* Writes t1, which is the single register of an inverter, or t2, which was never read. */
static int put_register(const struct realtime *realtime, enum channel channel)
{
    struct sample low, high;
    int r = find_sample(realtime, CHANNEL_T1, &low);

    if (r == 0)
        r = find_sample(realtime, CHANNEL_T2, &high);
    if (r < 0)
        return r;
    if (channel == CHANNEL_T2 || low.time_ms == 0) {
        fputs("[0,0]", realtime->out);
    } else {
        fprintf(realtime->out, "[%" PRId64 ",", low.time_ms);
        document_register(realtime->out, low.value, high.value,
                          document_rounding(realtime->world, realtime->api));
        putc(']', realtime->out);
    }
    return 0;
}

static int put_data(const struct realtime *realtime, enum channel channel)
{
    struct sample sample;
    int r;

    if (meter_kind(realtime->device->meters[realtime->index]) == METER_MODBUS &&
        channel <= CHANNEL_T2)
        return put_register(realtime, channel);
    r = find_sample(realtime, channel, &sample);
    if (r < 0)
        return r;
    if (realtime->api == API_CLOUD && is_reading(channel))
        sample.value -= sample.value % realtime->world->options->cloud_round;
    document_sample(realtime->out, &sample, document_rounding(realtime->world, realtime->api));
    return 0;
}

static int put_total(const struct realtime *realtime, enum channel channel)
{
    bool smart = meter_kind(realtime->device->meters[realtime->index]) == METER_SMART;
    int64_t interval_ms = realtime->world->options->read_every * INT64_C(1000);
    struct sample sample;
    int r = find_sample(realtime, channel, &sample);

    if (r < 0)
        return r;
    if (sample.time_ms)
        sample.time_ms =
            realtime->now_ms - realtime->now_ms % interval_ms + TOTALS_LATE - (smart ? 1000 : 0);
    document_sample(realtime->out, &sample, ROUND_DOWN);
    return 0;
}

static int put_set(const struct realtime *realtime, const char *name, const int8_t *list,
                   int (*put)(const struct realtime *realtime, enum channel channel))
{
    const char *comma = "";
    int r = 0;

    fprintf(realtime->out, "\"%s\":{", name);
    for (const int8_t *c = list; r == 0 && *c != LIST_END; c++) {
        if (*c == CHANNEL_SWITCH && realtime->api == API_LAN)
            continue;
        fprintf(realtime->out, "%s\"%s\":", comma, channel_name((enum channel) * c));
        r = put(realtime, (enum channel) * c);
        comma = ",";
    }
    putc('}', realtime->out);
    return r;
}

/* Lists the channels that `data` has for a kind of meter, and with --unknown-channel one more. */
static void list_data(const struct realtime *realtime, enum meter_kind kind,
                      int8_t ret_list[static CHANNELS_MAX + 1])
{
    const struct options *options = realtime->world->options;
    size_t count = 0;

    for (; channels[kind].data[count] != LIST_END; count++)
        ret_list[count] = channels[kind].data[count];
    if (options->unknown_channel && strcmp(options->meters[realtime->index].alias, "p1") == 0)
        ret_list[count++] = CHANNEL_HUMIDITY;
    ret_list[count] = LIST_END;
}

int document_realtime(const struct world *world, struct device *device, int index, enum api api,
                      FILE *out)
{
    const struct realtime realtime = {world, device, index, api, simclock_now(&world->clock), out};
    enum meter_kind kind = meter_kind(device->meters[index]);
    int8_t data[CHANNELS_MAX + 1];
    int r;

    list_data(&realtime, kind, data);
    putc('{', out);
    if (api == API_CLOUD)
        fprintf(out, "\"io_id\":%d,", index + 1);
    r = put_set(&realtime, "data", data, put_data);
    if (r == 0 && api == API_LAN && world->options->firmware == FIRMWARE_2_26 &&
        channels[kind].totals[0] != LIST_END) {
        putc(',', out);
        r = put_set(&realtime, "totals", channels[kind].totals, put_total);
    }
    putc('}', out);
    return r;
}
