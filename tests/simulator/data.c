/*
 * What the simulated meters measure.
 *
 * Everything is a function of uid, alias, channel and time, and is calculated in whole numbers. So
 * two runs, two machines and the oracle (--print) agree to the last digit. The power of each minute
 * is made from a hash. Energy is the sum of these minutes, so counters, days, months and years
 * agree. The sums up to each midnight are cached (computing a year takes about 10 ms). The cache is
 * the only state, and it does not affect any answer.
 */
#include "data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS        4
#define PERIOD_ROWS_MAX 31

/* Power is stored in 1/8 W and summed in 1/8 Ws. ENERGY_UNIT times 1/8 Ws is 1/1024 kWh. */
#define ENERGY_UNIT (8 * 3600 * 1000 / VALUE_ONE)
/* Gas is stored in 1/1024 m3 per hour. 1 m3 per hour is 50/3 L/min. */
#define GAS_FLOW_TIMES_3 50

#define HUMIDITY_LOWEST 40 /* percent */
#define HUMIDITY_RANGE  40

/* Flow is stored in 1/8 L/min and summed over seconds. A sum of 1875/4 is 1/1024 m3. */
#define VOLUME_UNIT_TIMES_4 1875

struct midnight {
    int64_t start;
    int64_t sum[COUNTERS]; /* from the first day to this midnight */
};

struct meter {
    const struct calendar *calendar;
    int64_t since;
    int64_t interval_ms; /* interval of the readings */
    struct household household;
    bool by_minute;          /* gas: see meter_gas_by_minute() */
    bool stamped_hourly;     /* gas: see meter_gas_stamped_hourly() */
    int64_t first[COUNTERS]; /* the counters at installation */
    struct midnight *midnights;
    size_t midnight_count;
    size_t midnight_room;
    struct day day;
};

static const char *const channel_names[] = {
    [CHANNEL_T1] = "t1",
    [CHANNEL_T2] = "t2",
    [CHANNEL_T3] = "t3",
    [CHANNEL_T4] = "t4",
    [CHANNEL_POWER] = "electric_power",
    [CHANNEL_RATE] = "rate",
    [CHANNEL_SWITCH] = "switch",
    [CHANNEL_GAS] = "gas",
    [CHANNEL_FLOW] = "flow",
    [CHANNEL_VOLUME] = "volume",
    [CHANNEL_ENERGY] = "electric_energy",
    [CHANNEL_ENERGY_LOW] = "electric_energy_low",
    [CHANNEL_ENERGY_HIGH] = "electric_energy_high",
    [CHANNEL_HUMIDITY] = "humidity",
};

const char *channel_name(enum channel channel)
{
    return channel_names[channel];
}

int channel_find(const char *name, enum channel *ret_channel)
{
    for (size_t i = 0; i < sizeof(channel_names) / sizeof(channel_names[0]); i++)
        if (strcmp(name, channel_names[i]) == 0) {
            *ret_channel = (enum channel)i;
            return 0;
        }
    return -ENOENT;
}

/* Returns a day. Computes it, unless it is the day that was computed last. */
static const struct day *work_out(struct meter *meter, int64_t start, int64_t end)
{
    if (meter->day.start != start)
        household_day(&meter->household, meter->calendar, start, end, &meter->day);
    return &meter->day;
}

/* Returns which counter a minute belongs to: import low, import high, export low or export high.
 * Gas and water have only one counter. */
static int counter_of(const struct meter *meter, const struct day *day, int index)
{
    if (meter->household.kind == METER_GAS || meter->household.kind == METER_WATER)
        return 0;
    return (day->low[index] ? 0 : 1) + (day->amount[index] < 0 ? 2 : 0);
}

/* Adds to the sums what was measured on a day before the time `until`. An hour of gas is added only
 * when it has ended. */
static void add_day(const struct meter *meter, const struct day *day, int64_t until,
                    int64_t sum[COUNTERS])
{
    for (int i = 0; i < day->count; i++) {
        int64_t elapsed = until - (day->start + i * day->length);

        if (elapsed <= 0 || (meter->household.kind == METER_GAS && elapsed < day->length))
            break;
        if (meter->household.kind == METER_GAS)
            sum[0] += day->amount[i];
        else
            sum[counter_of(meter, day, i)] +=
                labs((long)day->amount[i]) * (elapsed < day->length ? elapsed : day->length);
    }
}

static int grow(struct meter *meter)
{
    size_t room = meter->midnight_room ? meter->midnight_room * 2 : 64;
    struct midnight *midnights;

    if (meter->midnight_count < meter->midnight_room)
        return 0;
    midnights = reallocarray(meter->midnights, room, sizeof(*midnights));
    if (!midnights)
        return -ENOMEM;
    meter->midnights = midnights;
    meter->midnight_room = room;
    return 0;
}

/* Adds midnights to the cache until the last one is after `utc`. */
static int reach(struct meter *meter, int64_t utc)
{
    while (meter->midnight_count == 0 || meter->midnights[meter->midnight_count - 1].start <= utc) {
        struct midnight next = {.start = meter->since};

        if (grow(meter) < 0)
            return -ENOMEM;
        if (meter->midnight_count > 0) {
            struct midnight last = meter->midnights[meter->midnight_count - 1];
            int64_t start;

            next = last;
            calendar_period(meter->calendar, PERIOD_DAY, last.start, &start, &next.start);
            add_day(meter, work_out(meter, last.start, next.start), next.start, next.sum);
        }
        meter->midnights[meter->midnight_count++] = next;
    }
    return 0;
}

/* Returns the day that contains `utc`, and the midnight at which it begins. -ENOENT: there is no
 * data at that time. */
static int find_day(struct meter *meter, int64_t utc, const struct day **ret_day,
                    const struct midnight **ret_midnight)
{
    size_t low = 0;
    size_t high;

    if (utc < meter->since || utc < TIME_MIN_S || utc > TIME_MAX_S)
        return -ENOENT;
    if (reach(meter, utc) < 0)
        return -ENOMEM;
    high = meter->midnight_count - 1;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (meter->midnights[middle].start <= utc)
            low = middle;
        else
            high = middle;
    }
    *ret_midnight = &meter->midnights[low];
    *ret_day = work_out(meter, meter->midnights[low].start, meter->midnights[low + 1].start);
    return 0;
}

int meter_new(const struct calendar *calendar, int64_t since, const char *uid, const char *alias,
              struct meter **ret_meter)
{
    struct meter *meter = calloc(1, sizeof(*meter));
    int r;

    if (!meter)
        return -ENOMEM;
    r = household_begin(uid, alias, &meter->household);
    if (r < 0) {
        free(meter);
        return r;
    }
    meter->calendar = calendar;
    meter->since = since;
    meter->interval_ms = READ_EVERY_S * INT64_C(1000);
    for (int i = 0; i < COUNTERS; i++)
        meter->first[i] = household_first(&meter->household, i) * VALUE_ONE;
    *ret_meter = meter;
    return 0;
}

void meter_free(struct meter *meter)
{
    if (!meter)
        return;
    free(meter->midnights);
    free(meter);
}

void meter_gas_by_minute(struct meter *meter)
{
    meter->by_minute = meter->household.kind == METER_GAS;
}

void meter_gas_stamped_hourly(struct meter *meter)
{
    meter->stamped_hourly = meter->household.kind == METER_GAS;
}

void meter_read_every(struct meter *meter, int seconds)
{
    meter->interval_ms = seconds * INT64_C(1000);
}

enum meter_kind meter_kind(const struct meter *meter)
{
    return meter->household.kind;
}

static int64_t reading(const struct meter *meter, int counter, const int64_t sum[COUNTERS])
{
    int64_t used = sum[counter];

    if (meter->household.kind == METER_WATER)
        used = used * 4 / VOLUME_UNIT_TIMES_4;
    else if (meter->household.kind != METER_GAS)
        used /= ENERGY_UNIT;
    return meter->first[counter] + used;
}

static bool has_channel(enum meter_kind kind, enum channel channel)
{
    switch (channel) {
    case CHANNEL_T1:
    case CHANNEL_T2:
    case CHANNEL_T3:
    case CHANNEL_T4:
        return kind == METER_SMART || kind == METER_MODBUS;
    case CHANNEL_RATE:
    case CHANNEL_HUMIDITY:
        return kind == METER_SMART;
    case CHANNEL_POWER:
    case CHANNEL_ENERGY:
    case CHANNEL_ENERGY_LOW:
    case CHANNEL_ENERGY_HIGH:
        return kind != METER_GAS && kind != METER_WATER;
    case CHANNEL_GAS:
        return kind == METER_GAS;
    case CHANNEL_FLOW:
    case CHANNEL_VOLUME:
        return kind == METER_WATER;
    case CHANNEL_SWITCH:
        break;
    }
    return false;
}

/* Returns the value of a channel that is a sum over time. */
static int64_t counted(const struct meter *meter, enum channel channel, const int64_t sum[COUNTERS])
{
    switch (channel) {
    case CHANNEL_T2:
        return reading(meter, 1, sum);
    case CHANNEL_T3:
        return reading(meter, 2, sum);
    case CHANNEL_T4:
        return reading(meter, 3, sum);
    case CHANNEL_ENERGY:
    case CHANNEL_ENERGY_LOW:
        return reading(meter, 0, sum) - reading(meter, 2, sum);
    case CHANNEL_ENERGY_HIGH:
        return reading(meter, 1, sum) - reading(meter, 3, sum);
    default:
        return reading(meter, 0, sum);
    }
}

int meter_value(struct meter *meter, enum channel channel, int64_t time_ms, int64_t *ret_value)
{
    int64_t sum[COUNTERS];
    int64_t utc = time_ms / 1000;
    const struct midnight *midnight;
    const struct day *day;
    int minute, r;

    if (!has_channel(meter->household.kind, channel))
        return -ENOENT;
    r = find_day(meter, utc, &day, &midnight);
    if (r < 0)
        return r;
    minute = (int)((utc - day->start) / 60);
    switch (channel) {
    case CHANNEL_POWER:
    case CHANNEL_FLOW:
        *ret_value = day->amount[minute] * (int64_t)(VALUE_ONE / 8);
        return 0;
    case CHANNEL_RATE:
        *ret_value = (day->low[minute] ? 1 : 2) * VALUE_ONE;
        return 0;
    case CHANNEL_HUMIDITY:
        *ret_value = (HUMIDITY_LOWEST + minute % HUMIDITY_RANGE) * VALUE_ONE + VALUE_ONE / 2;
        return 0;
    default:
        memcpy(sum, midnight->sum, sizeof(sum));
        add_day(meter, day, utc, sum);
        *ret_value = counted(meter, channel, sum);
        return 0;
    }
}

int meter_latest(struct meter *meter, enum channel channel, int64_t now_ms,
                 struct sample *ret_sample)
{
    int64_t read_ms = now_ms - now_ms % meter->interval_ms;
    int64_t start, end;

    if (meter->stamped_hourly) {
        calendar_period(meter->calendar, PERIOD_DAY, now_ms / 1000, &start, &end);
        read_ms = (now_ms / 1000 - (now_ms / 1000 - start) % 3600) * 1000;
    }
    *ret_sample = (struct sample){.time_ms = read_ms};
    return meter_value(meter, channel, read_ms, &ret_sample->value);
}

/* Returns the value of the row at this second of the day. */
static int64_t row_value(const struct meter *meter, const struct day *day, int64_t second)
{
    int64_t amount = day->amount[second / day->length];

    if (meter->by_minute)
        return amount * GAS_FLOW_TIMES_3 / 3;
    return meter->household.kind == METER_GAS ? amount : amount * (VALUE_ONE / 8);
}

static int day_rows(struct meter *meter, int64_t utc, int64_t now_ms, struct sample **ret_rows,
                    size_t *ret_count)
{
    const struct midnight *midnight;
    const struct day *day;
    int64_t step, entries;
    size_t count = 0;
    int r;

    r = find_day(meter, utc, &day, &midnight);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (day->start * 1000 > now_ms)
        return 0;
    step = meter->by_minute ? 60 : day->length;
    entries = day->count * (day->length / step);
    *ret_rows = calloc((size_t)entries, sizeof(**ret_rows));
    if (!*ret_rows)
        return -ENOMEM;
    for (int64_t i = entries; i-- > 0;)
        if ((day->start + (i + 1) * step) * 1000 <= now_ms)
            (*ret_rows)[count++] = (struct sample){
                .time_ms = (day->start + i * step) * 1000,
                .value = row_value(meter, day, i * step),
            };
    *ret_count = count;
    return 0;
}

/* Returns by how much a channel's reading changes from `start` to `end`, as far as it has been
 * measured. */
static int amount(struct meter *meter, enum channel channel, int64_t start, int64_t end,
                  int64_t now_ms, int64_t *ret_value)
{
    int64_t until_ms = now_ms - now_ms % meter->interval_ms;
    int64_t from = start > meter->since ? start : meter->since;
    int64_t before, after;
    int r;

    *ret_value = 0;
    if (end * 1000 < until_ms)
        until_ms = end * 1000;
    if (from * 1000 >= until_ms)
        return 0;
    r = meter_value(meter, channel, from * 1000, &before);
    if (r == 0)
        r = meter_value(meter, channel, until_ms, &after);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    *ret_value = after - before;
    return 0;
}

static int sum_rows(struct meter *meter, enum period period, enum channel channel, int64_t start,
                    int64_t end, int64_t now_ms, struct sample *rows, size_t *ret_count)
{
    enum period step = period == PERIOD_YEAR ? PERIOD_MONTH : PERIOD_DAY;
    size_t count = 0;

    /* The newest row comes first, so this loop goes back from the end. */
    for (int64_t next = end; next > start && count < PERIOD_ROWS_MAX;) {
        int64_t step_start, step_end, value;
        int r;

        calendar_period(meter->calendar, step, next - 1, &step_start, &step_end);
        if (step_end <= meter->since)
            break;
        r = amount(meter, channel, step_start, step_end, now_ms, &value);
        if (r < 0)
            return r;
        rows[count++] = (struct sample){.time_ms = step_start * 1000, .value = value};
        next = step_start;
    }
    *ret_count = count;
    return 0;
}

int meter_rows(struct meter *meter, enum period period, enum channel channel, int64_t utc,
               int64_t now_ms, struct sample **ret_rows, size_t *ret_count)
{
    int64_t start, end;

    *ret_rows = NULL;
    *ret_count = 0;
    if (!has_channel(meter->household.kind, channel) || utc < TIME_MIN_S || utc > TIME_MAX_S)
        return 0;
    if (period == PERIOD_DAY)
        return day_rows(meter, utc, now_ms, ret_rows, ret_count);
    calendar_period(meter->calendar, period, utc, &start, &end);
    *ret_rows = calloc(PERIOD_ROWS_MAX, sizeof(**ret_rows));
    if (!*ret_rows)
        return -ENOMEM;
    return sum_rows(meter, period, channel, start, end, now_ms, *ret_rows, ret_count);
}
