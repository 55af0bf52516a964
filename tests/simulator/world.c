/*
 * All that is simulated: devices, their meters and the clock.
 *
 * This is also the oracle (--print), which tests ask for the values that a client should show. It
 * uses the same code for the data as the documents do, but no HTTP and no JSON.
 */
#include "world.h"

#include "document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SINCE_YEARS 2

static int find_since(struct world *world)
{
    const char *text = world->options->since;
    struct date now = calendar_date(world->calendar, simclock_now(&world->clock) / 1000);
    struct tm tm = {0};
    const char *end;

    if (!text) {
        world->since = calendar_start(world->calendar, now.year - SINCE_YEARS, now.month, now.day);
    } else {
        end = strptime(text, "%Y-%m-%d", &tm);
        if (!end || *end)
            return -EINVAL;
        world->since =
            calendar_start(world->calendar, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    }
    if (world->since < TIME_MIN_S)
        world->since = TIME_MIN_S;
    return world->since > TIME_MAX_S ? -EINVAL : 0;
}

int world_uid(int number, char ret_uid[static UID_SIZE])
{
    unsigned bits = (unsigned)number;
    int length = snprintf(ret_uid, UID_SIZE, "00-1E-C0-%02X-%02X-%02X", bits >> 16 & 0xff,
                          bits >> 8 & 0xff, bits & 0xff);

    return length == (int)UID_SIZE - 1 ? 0 : -EOVERFLOW;
}

static int begin_device(struct world *world, int index)
{
    struct device *device = &world->devices[index];
    const struct options *options = world->options;
    int r = world_uid(options->first + index, device->uid);

    for (int i = 0; r == 0 && i < options->meter_count; i++) {
        r = meter_new(world->calendar, world->since, device->uid, options->meters[i].like,
                      &device->meters[i]);
        if (r == 0 && options->dsmr5)
            meter_gas_by_minute(device->meters[i]);
        if (r == 0 && options->gas_stamped_hourly)
            meter_gas_stamped_hourly(device->meters[i]);
        if (r == 0)
            meter_read_every(device->meters[i], options->read_every);
    }
    return r;
}

static int begin(struct world *world)
{
    const struct options *options = world->options;
    int r = calendar_new(options->zone, &world->calendar);

    if (r == -EINVAL)
        fprintf(stderr, "cemm-sim: --zone: unknown zone '%s'\n", options->zone);
    if (r < 0)
        return r;
    world->clock = simclock_begin(options->now_ms, options->speed);
    if (options->clock) {
        r = simclock_follow(&world->clock, options->clock);
        if (r < 0) {
            fprintf(stderr, "cemm-sim: --clock %s: %s\n", options->clock, strerror(-r));
            return -EINVAL;
        }
    }
    r = find_since(world);
    if (r == -EINVAL)
        fprintf(stderr, "cemm-sim: --since: bad date '%s'\n", options->since ? options->since : "");
    if (r < 0)
        return r;
    world->devices = calloc((size_t)options->devices, sizeof(*world->devices));
    if (!world->devices)
        return -ENOMEM;
    for (int i = 0; r == 0 && i < options->devices; i++)
        r = begin_device(world, i);
    return r;
}

int world_new(struct options *options, struct world *ret_world)
{
    int r;

    *ret_world = (struct world){.options = options};
    promises_begin(&ret_world->promises, options);
    r = begin(ret_world);
    if (r < 0)
        world_free(ret_world);
    return r;
}

void world_free(struct world *world)
{
    if (world->devices)
        for (int i = 0; i < world->options->devices; i++)
            for (int k = 0; k < METERS_MAX; k++)
                meter_free(world->devices[i].meters[k]);
    free(world->devices);
    world->devices = NULL;
    calendar_free(world->calendar);
    world->calendar = NULL;
    promises_end(&world->promises);
    simclock_end(&world->clock);
}

struct device *world_device(const struct world *world, const char *uid)
{
    const struct options *options = world->options;
    unsigned high, middle, low;
    long index = -1;

    if (sscanf(uid, "%*8[0-9A-F-]-%2X-%2X-%2X", &high, &middle, &low) == 3)
        index = (long)(high << 16 | middle << 8 | low) - options->first;
    if (index < 0 || index >= options->devices || strcmp(world->devices[index].uid, uid) != 0)
        return NULL;
    return &world->devices[index];
}

int world_meter(const struct world *world, const char *alias)
{
    for (int i = 0; i < world->options->meter_count; i++)
        if (strcmp(world->options->meters[i].alias, alias) == 0)
            return i;
    return -ENOENT;
}

/* Returns the value of the newest row whose time is not later than `ms`. */
static int value_of_row(const struct world *world, struct meter *meter, enum period period,
                        enum channel channel, int64_t ms, int64_t *ret_value)
{
    struct sample *rows;
    size_t count;
    int r =
        meter_rows(meter, period, channel, ms / 1000, simclock_now(&world->clock), &rows, &count);

    if (r < 0)
        return r;
    r = -ENOENT;
    for (size_t i = 0; r < 0 && i < count; i++)
        if (rows[i].time_ms <= ms) {
            *ret_value = rows[i].value;
            r = 0;
        }
    free(rows);
    return r;
}

/* Returns a value. The name is CHANNEL or PERIOD:CHANNEL. */
static int value_by_name(const struct world *world, struct device *device, int index,
                         const char *name, int64_t ms, int64_t *ret_value)
{
    static const char *const periods[] = {"day:", "month:", "year:"};
    struct meter *meter = device->meters[index];
    enum channel channel;

    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++)
        if (strncmp(name, periods[i], strlen(periods[i])) == 0) {
            if (channel_find(name + strlen(periods[i]), &channel) < 0)
                return -ENOENT;
            return value_of_row(world, meter, (enum period)i, channel, ms, ret_value);
        }
    if (channel_find(name, &channel) < 0)
        return -ENOENT;
    meter = document_meter(world, device, index, channel);
    return meter ? meter_value(meter, channel, ms, ret_value) : -ENOENT;
}

/* Whether `*name` begins with `prefix`, which is then removed. */
static bool take_prefix(const char **name, const char *prefix)
{
    size_t length = strlen(prefix);
    bool found = strncmp(*name, prefix, length) == 0;

    *name += found ? length : 0;
    return found;
}

/* The value to print. The prefixes of `name` (lan:, totals:) say how it is written. */
struct wanted {
    const char *name;
    bool lan;
    bool totals;
};

static struct wanted wanted_of(const char *word)
{
    struct wanted wanted = {.name = word};

    wanted.lan = take_prefix(&wanted.name, "lan:");
    wanted.totals = take_prefix(&wanted.name, "totals:");
    return wanted;
}

/* Prints the single register of an inverter, t1, as `data` has it on the LAN. */
static int print_register(const struct world *world, struct device *device, int index,
                          const struct wanted *wanted, int64_t ms)
{
    int64_t low, high;
    int r = strcmp(wanted->name, "t1") == 0 ? 0 : -ENOENT;

    if (r == 0)
        r = value_by_name(world, device, index, "t1", ms, &low);
    if (r == 0)
        r = value_by_name(world, device, index, "t2", ms, &high);
    if (r == 0)
        document_register(stdout, low, high, document_rounding(world, API_LAN));
    return r;
}

static int print_value(const struct world *world, struct device *device, int index,
                       const struct wanted *wanted, int64_t ms)
{
    enum rounding rounding = document_rounding(world, wanted->lan ? API_LAN : API_CLOUD);
    int64_t value;
    int r;

    if (!device || index < 0)
        return -ENOENT;
    if (wanted->lan && !wanted->totals && meter_kind(device->meters[index]) == METER_MODBUS &&
        wanted->name[0] == 't')
        return print_register(world, device, index, wanted, ms);
    if (wanted->totals) /* `ms` is later than the reading from which the totals are computed */
        ms -= ms % (world->options->read_every * INT64_C(1000));
    r = value_by_name(world, device, index, wanted->name, ms, &value);
    if (r == 0)
        document_value(stdout, value, wanted->totals ? ROUND_DOWN : rounding);
    return r;
}

int world_print(const struct world *world)
{
    char **arguments = world->options->arguments;
    struct device *device = world_device(world, arguments[0]);
    int index = world_meter(world, arguments[1]);
    struct wanted wanted = wanted_of(arguments[2]);

    for (int i = 3; i < world->options->argument_count; i++) {
        char *end;
        int64_t ms = strtoll(arguments[i], &end, 10);

        if (end == arguments[i] || *end || print_value(world, device, index, &wanted, ms) < 0) {
            fprintf(stderr, "cemm-sim: %s %s has no %s at %s\n", arguments[0], arguments[1],
                    arguments[2], arguments[i]);
            return 1;
        }
        putchar('\n');
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
