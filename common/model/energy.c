/*
 * Computes the energy of intervals.
 *
 * The API has the mean power of each minute. Energy is computed from it, each direction (side)
 * separately. Means are less exact than the meter's own counters, so a day that has nearly all its
 * minutes is scaled to what the counters show, if known. Any difference left is unallocated.
 *
 * The running sum since midnight is rounded at the end of each quarter-hour, and a quarter-hour
 * gets the difference between two rounded sums. So quarter-hours add up to the day, and nothing
 * depends on where a range begins.
 */
#include "common/model/channel.h"
#include "common/model/document.h"
#include "common/model/names.h"
#include "common/model/period.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE           60
#define QUARTER          (15 * MINUTE)
#define HOUR             (60 * MINUTE)
#define KILO             1000
#define MINUTES_PER_HOUR 60           /* Wh are W x minutes / 60 */
#define NEAR             (5 * MINUTE) /* a reading this close to midnight counts as taken then */

/* A sum at most this far below x.5 is rounded up, too: such a gap can only be a rounding error. */
#define TIE 1e-6

/* ---- what was measured -------------------------------------------------------- */

static const struct cemm_series *find_measured(const struct cemm_document *document,
                                               enum cemm_quantity *ret_quantity)
{
    const struct cemm_series *series;

    *ret_quantity = CEMM_QUANTITY_NONE;
    if (!document)
        return NULL;
    if ((series = cemm_document_channel(document, "electric_power")))
        *ret_quantity = cemm_alias_find(document->query.alias)->kind == CEMM_ALIAS_SMART
                            ? CEMM_QUANTITY_GRID
                            : CEMM_QUANTITY_ENERGY;
    else if ((series = cemm_document_channel(document, "gas")))
        *ret_quantity = CEMM_QUANTITY_GAS;
    else if ((series = cemm_document_channel(document, "flow")))
        *ret_quantity = CEMM_QUANTITY_VOLUME;
    return series;
}

static bool is_electric(enum cemm_quantity quantity)
{
    return quantity == CEMM_QUANTITY_GRID || quantity == CEMM_QUANTITY_ENERGY;
}

/* Adds each row to its quarter-hour: W or L/min for minutes, L for hours. Skips all but
 * the first row of a minute, and a row at the day's last second, which measures nothing. */
static void add_rows(const struct cemm_document *document, const struct cemm_series *series,
                     struct cemm_energy_day *day)
{
    int64_t last = -1;

    for (size_t i = 0; i < series->count; i++) {
        const struct cemm_sample *sample = &series->samples[i];
        int64_t second = sample->time / KILO - day->start;
        if (second < 0 || second >= day->end - day->start - 1 || second / MINUTE == last ||
            second / QUARTER >= (int64_t)day->quarter_count)
            continue;
        last = second / MINUTE;
        struct cemm_amount *quarter = &day->quarters[second / QUARTER];
        bool hourly = strcmp(cemm_row_unit(&document->query, series, sample), "m3") == 0;
        if (hourly)
            day->basis = CEMM_BASIS_HOURS;
        if (sample->value < 0 && is_electric(day->quantity))
            quarter->sides[CEMM_REVERSE] -= sample->value;
        else
            quarter->sides[CEMM_FORWARD] += hourly ? sample->value * KILO : sample->value;
        quarter->count++;
        day->count++;
    }
}

/* ---- what the meter counted --------------------------------------------------- */

/* What the meter counted in a day, in Wh: each side, or only the difference between the sides. */
struct known {
    enum cemm_basis basis; /* READINGS or NET; NONE: nothing is known */
    double sides[CEMM_SIDES];
    double difference;
};

static double round_half_up(double value)
{
    return floor(value + 0.5 + TIE);
}

static const struct cemm_sample *reading_at(const struct cemm_document *totals, const char *channel,
                                            int64_t midnight)
{
    const struct cemm_series *series = cemm_document_channel(totals, channel);

    if (!series || series->count == 0 || llabs(series->samples[0].time / KILO - midnight) > NEAR)
        return NULL;
    return series->samples;
}

/* Skips a tariff without readings. If a tariff has one reading, not two, nothing is known. */
static void find_readings(const struct cemm_energy_input *input, const struct cemm_energy_day *day,
                          struct known *ret_known)
{
    static const char *const channels[] = {"t1", "t2", "t3", "t4"};
    double sums[CEMM_SIDES] = {0};
    bool any = false;

    for (size_t i = 0; i < 4 && input->before && input->after; i++) {
        const struct cemm_sample *from = reading_at(input->before, channels[i], day->start);
        const struct cemm_sample *to = reading_at(input->after, channels[i], day->end);
        if (!from != !to)
            return;
        sums[i / 2] += to ? to->value - from->value : 0;
        any = any || to;
    }
    if (!any)
        return;
    ret_known->basis = CEMM_BASIS_READINGS;
    for (size_t i = 0; i < CEMM_SIDES; i++)
        ret_known->sides[i] = round_half_up(sums[i] * KILO);
    ret_known->difference = ret_known->sides[CEMM_FORWARD] - ret_known->sides[CEMM_REVERSE];
}

/* Adds up the day's rows of both tariffs. If a tariff has rows, but none of this day, nothing is
 * known. */
static void find_net(const struct cemm_document *month, const struct cemm_energy_day *day,
                     struct known *ret_known)
{
    static const char *const channels[] = {"electric_energy_low", "electric_energy_high"};
    double sum = 0;
    size_t found = 0;
    size_t wanted = 0;

    for (size_t i = 0; i < 2 && month; i++) {
        const struct cemm_series *series = cemm_document_channel(month, channels[i]);
        wanted += series && series->count > 0;
        for (size_t j = 0; series && j < series->count; j++) {
            int64_t second = series->samples[j].time / KILO;
            if (second < day->start || second >= day->end)
                continue;
            sum += series->samples[j].value;
            found++;
        }
    }
    if (found == 0 || found != wanted)
        return;
    ret_known->basis = CEMM_BASIS_NET;
    ret_known->difference = round_half_up(sum * KILO);
}

bool cemm_energy_has_readings(const char *alias)
{
    return cemm_alias_find(alias)->kind == CEMM_ALIAS_SMART;
}

bool cemm_energy_needs_month(const struct cemm_zone *zone, const struct cemm_energy_input *input,
                             const struct cemm_period *period, int64_t now)
{
    const struct cemm_energy_day day = {
        .start = cemm_period_start(zone, period),
        .end = cemm_period_end(zone, period),
    };
    struct known known = {0};
    enum cemm_quantity quantity;

    if (!find_measured(input->minutes, &quantity) || !is_electric(quantity) || day.end > now)
        return false;
    find_readings(input, &day, &known);
    return !known.basis;
}

/* ---- both together ------------------------------------------------------------ */

static struct cemm_amount sum_quarters(const struct cemm_energy_day *day)
{
    struct cemm_amount sum = {0};

    for (size_t i = 0; i < day->quarter_count; i++)
        for (size_t j = 0; j < CEMM_SIDES; j++)
            sum.sides[j] += day->quarters[i].sides[j];
    return sum;
}

/* Finds each side's factor, and the day's basis. A factor that would not be between 0.8 and 1.25
 * stays 1. The bounds are checked without division, because i386 rounds quotients differently. */
static void scale(const struct known *known, const double sums[CEMM_SIDES],
                  struct cemm_energy_day *day, double factors[CEMM_SIDES])
{
    bool fits = false;

    for (size_t i = 0; i < CEMM_SIDES; i++) {
        double wanted = known->sides[i];
        if (sums[i] > 0 && 5 * wanted >= 4 * sums[i] && 4 * wanted <= 5 * sums[i]) {
            factors[i] = wanted / sums[i];
            fits = true;
        } else if (sums[i] > 0 && round_half_up(sums[i]) != wanted) {
            day->refused = true;
        }
    }
    if (fits || !day->refused)
        day->basis = known->basis;
}

static void round_sums(struct cemm_energy_day *day, const double factors[CEMM_SIDES])
{
    for (size_t i = 0; i < CEMM_SIDES; i++) {
        double sum = 0;
        double spent = 0;
        for (size_t j = 0; j < day->quarter_count; j++) {
            double *part = &day->quarters[j].sides[i];
            sum += *part;
            *part = round_half_up(sum * factors[i]) - spent;
            spent += *part;
        }
    }
}

static void adjust(const struct cemm_energy_input *input, struct cemm_energy_day *day, bool ended)
{
    struct known known = {0};
    double factors[CEMM_SIDES] = {1, 1};
    struct cemm_amount sum = sum_quarters(day);
    bool nearly_all = (int64_t)day->count * MINUTE * 100 >= (day->end - day->start) * 99;
    size_t side = sum.sides[CEMM_REVERSE] > 0 ? CEMM_REVERSE : CEMM_FORWARD;

    if (ended)
        find_readings(input, day, &known);
    if (ended && !known.basis)
        find_net(input->month, day, &known);
    bool net = known.basis == CEMM_BASIS_NET;
    if (net)
        known.sides[side] = side == CEMM_FORWARD ? known.difference : -known.difference;
    for (size_t i = 0; i < CEMM_SIDES; i++)
        sum.sides[i] /= MINUTES_PER_HOUR;
    /* Net energy can scale a day only if all the day's energy flowed in the same direction. */
    if (nearly_all && known.basis && (!net || side == CEMM_FORWARD || sum.sides[CEMM_FORWARD] <= 0))
        scale(&known, sum.sides, day, factors);
    for (size_t i = 0; i < CEMM_SIDES; i++)
        factors[i] /= MINUTES_PER_HOUR;
    round_sums(day, factors);
    sum = sum_quarters(day);
    day->total_known = known.basis != CEMM_BASIS_NONE;
    if (day->total_known)
        day->unallocated = known.difference - (sum.sides[CEMM_FORWARD] - sum.sides[CEMM_REVERSE]);
}

void cemm_energy_of(const struct cemm_zone *zone, const struct cemm_energy_input *input,
                    const struct cemm_period *period, int64_t now, struct cemm_energy_day *ret_day)
{
    static const double as_they_are[CEMM_SIDES] = {1, 1};

    *ret_day = (struct cemm_energy_day){
        .start = cemm_period_start(zone, period),
        .end = cemm_period_end(zone, period),
        .basis = CEMM_BASIS_MINUTES,
    };
    int64_t quarters = (ret_day->end - ret_day->start + QUARTER - 1) / QUARTER;
    ret_day->quarter_count = quarters < CEMM_QUARTERS_MAX ? (size_t)quarters : CEMM_QUARTERS_MAX;
    const struct cemm_series *series = find_measured(input->minutes, &ret_day->quantity);
    if (series)
        add_rows(input->minutes, series, ret_day);
    if (ret_day->quantity == CEMM_QUANTITY_GAS || ret_day->quantity == CEMM_QUANTITY_VOLUME)
        round_sums(ret_day, as_they_are);
    else
        adjust(input, ret_day, ret_day->end <= now);
}

/* ---- intervals ---------------------------------------------------------------- */

static bool interval_begins(const struct cemm_zone *zone, enum cemm_by by, int64_t moment)
{
    enum cemm_span span = by == CEMM_BY_MONTH ? CEMM_MONTH : CEMM_DAY;
    int64_t offset = cemm_zone_offset(zone, moment);

    if (by == CEMM_BY_QUARTER)
        return true;
    if (by == CEMM_BY_HOUR) /* an hour also begins where the clock changes */
        return (moment + offset) % HOUR == 0 || offset != cemm_zone_offset(zone, moment - 1);
    if (by == CEMM_BY_UTC_HOUR)
        return moment % HOUR == 0;
    struct cemm_period period = cemm_period_at(zone, span, moment);
    return cemm_period_start(zone, &period) == moment;
}

static void add_quarter(struct cemm_interval *interval, const struct cemm_energy_day *day,
                        const struct cemm_amount *quarter)
{
    for (size_t i = 0; i < CEMM_SIDES; i++)
        interval->amount.sides[i] += quarter->sides[i];
    interval->amount.count += quarter->count;
    if (quarter->count > 0 && day->basis > interval->basis)
        interval->basis = day->basis;
}

void cemm_interval_add(struct cemm_interval *interval, const struct cemm_zone *zone,
                       enum cemm_by by, const struct cemm_energy_day *day, int64_t now,
                       cemm_interval_fn *give, void *data)
{
    for (size_t i = 0; i < day->quarter_count; i++) {
        int64_t start = day->start + (int64_t)i * QUARTER;
        bool last = i + 1 == day->quarter_count;
        int64_t end = last ? day->end : start + QUARTER;
        if (end > now)
            return;
        if (interval_begins(zone, by, start))
            *interval = (struct cemm_interval){.begun = true, .start = start};
        add_quarter(interval, day, &day->quarters[i]);
        if (last && day->total_known && (by == CEMM_BY_DAY || by == CEMM_BY_MONTH)) {
            interval->total_known = true;
            interval->unallocated += day->unallocated;
        }
        if (interval->begun && interval_begins(zone, by, end))
            give(data, interval);
    }
}
