/*
 * `cemm energy`: energy from the minutes and readings of meters. history-run.c
 * fetches up to three documents of each meter and day, and passes them on in
 * order. The month comes last, because it is only needed without readings.
 *
 * If a document of a day can't be fetched, the interval with that day is left
 * out: with the document it would have another value.
 */
#include "plugin/exec/energy-print.h"
#include "plugin/exec/history-run.h"

#include <errno.h>
#include <stdlib.h>

/* The documents of a meter and a day, in this order. */
enum column { READINGS, MINUTES, MONTH, COLUMNS };

/* Days before the range, of which only the readings are asked for. */
#define AHEAD 1

struct meter {
    struct energy *energy;
    const struct history_meter *names;
    struct cemm_document *before; /* readings of the day before, and of the day */
    struct cemm_document *after;
    struct cemm_document *minutes;
    bool failed;          /* a document of the day */
    bool readings_failed; /* which the day after needs, too */
    bool ever_failed;
    bool begun; /* a minute has come */
    bool by_hour;
    enum cemm_quantity quantity;
    struct cemm_interval interval;
    size_t refused; /* days that were not scaled */
    struct cemm_period refused_first;
};

struct energy {
    struct exec_options options;
    struct history history;
    int64_t now; /* seconds */
    struct meter *meters;
    struct energy_rows rows;
};

static bool for_home_assistant(const struct energy *energy)
{
    return energy->rows.format == EXEC_FORMAT_HOME_ASSISTANT;
}

static const struct cemm_zone *zone_of(const struct energy *energy)
{
    return cemm_zone(energy->history.session.cemm);
}

/* ---- requests ----------------------------------------------------------------- */

static bool needs_month(const struct meter *meter, const struct cemm_period *day)
{
    const struct energy *energy = meter->energy;
    const struct cemm_energy_input input = {meter->minutes, meter->before, meter->after, NULL};
    return !meter->failed && cemm_energy_needs_month(zone_of(energy), &input, day, energy->now);
}

static bool needs_readings(const struct energy *energy, const struct cemm_query *query)
{
    return cemm_energy_has_readings(query->alias) &&
           cemm_period_end(zone_of(energy), &query->period) <= energy->now;
}

static enum history_need ask(void *data, const struct history_item *item, struct cemm_query *query)
{
    const struct energy *energy = data;
    bool needed = item->period_index >= AHEAD;
    if (item->column == READINGS) {
        query->endpoint = CEMM_TOTALS;
        needed = needs_readings(energy, query);
    } else if (item->column == MONTH) {
        if (!item->next)
            return HISTORY_LATER;
        query->period = (struct cemm_period){CEMM_MONTH, item->period.year, item->period.month, 1};
        needed = needed && needs_month(&energy->meters[item->meter_index], &item->period);
    }
    return needed ? HISTORY_NEEDED : HISTORY_NOT_NEEDED;
}

/* ---- intervals ---------------------------------------------------------------- */

/* Rows begin with the first interval that has a minute. */
static void give(void *data, const struct cemm_interval *interval)
{
    struct meter *meter = data;
    const struct energy_row row = {
        .uid = meter->names->uid.text,
        .alias = meter->names->alias,
        .quantity = meter->quantity,
        .interval = *interval,
    };
    meter->begun = meter->begun || interval->amount.count > 0;
    if (meter->begun)
        energy_rows_add(&meter->energy->rows, &row);
}

static int add_day(struct meter *meter, const struct cemm_period *period,
                   const struct cemm_document *month)
{
    const struct energy *energy = meter->energy;
    const struct cemm_energy_input input = {meter->minutes, meter->before, meter->after, month};
    struct cemm_energy_day day;
    cemm_energy_of(zone_of(energy), &input, period, energy->now, &day);
    if (day.count > 0)
        meter->quantity = day.quantity;
    if (day.basis == CEMM_BASIS_HOURS && energy->rows.by == CEMM_BY_QUARTER) {
        meter->by_hour = true;
        return 0;
    }
    if (day.refused && meter->refused++ == 0)
        meter->refused_first = *period;
    cemm_interval_add(&meter->interval, zone_of(energy), energy->rows.by, &day, energy->now, give,
                      meter);
    return (int)day.count;
}

/* Home Assistant gets closed days only, so that tomorrow's file has the same values. */
static bool is_open(const struct meter *meter)
{
    return for_home_assistant(meter->energy) &&
           (!meter->minutes || !cemm_document_closed(meter->minutes));
}

static int end_day(struct meter *meter, const struct history_item *item,
                   const struct cemm_document *month)
{
    int r = 0;
    if (meter->failed || is_open(meter))
        meter->interval = (struct cemm_interval){0};
    else if (item->period_index >= AHEAD)
        r = add_day(meter, &item->period, month);
    cemm_document_unref(meter->minutes);
    cemm_document_unref(meter->before);
    meter->before = meter->after;
    meter->minutes = meter->after = NULL;
    meter->failed = meter->readings_failed;
    meter->readings_failed = false;
    return r;
}

static int make_meters(struct energy *energy)
{
    size_t count = energy->history.meter_count;
    energy->meters = calloc(count, sizeof(*energy->meters));
    if (!energy->meters)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        energy->meters[i] = (struct meter){.energy = energy, .names = &energy->history.meters[i]};
    return 0;
}

static int take(void *data, const struct history_item *item, int result,
                struct cemm_document *document, FILE *stream)
{
    struct energy *energy = data;
    bool failed = result != 0 && result != CEMM_ABSENT;
    int r = energy->meters ? 0 : make_meters(energy);
    if (r < 0)
        return r;
    struct meter *meter = &energy->meters[item->meter_index];
    meter->failed = meter->failed || failed;
    meter->readings_failed = meter->readings_failed || (failed && item->column == READINGS);
    meter->ever_failed = meter->ever_failed || failed;
    if (item->column == MONTH)
        r = end_day(meter, item, document);
    else if (document)
        *(item->column == MINUTES ? &meter->minutes : &meter->after) = cemm_document_ref(document);
    int error = item->last ? energy_rows_print(&energy->rows, stream) : 0;
    return error < 0 ? error : r;
}

static void frame(void *data, bool last, FILE *stream)
{
    struct energy *energy = data;
    energy->rows.zone = zone_of(energy);
    if (last)
        energy_rows_end(&energy->rows, stream);
    else
        energy_rows_begin(&energy->rows, stream);
}

static bool any_row(void *data)
{
    const struct energy *energy = data;
    return energy->rows.begun;
}

/* ---- messages ----------------------------------------------------------------- */

static bool report_meter(const struct energy *energy, const struct meter *meter)
{
    const char *uid = meter->names->uid.text;
    const char *alias = meter->names->alias;
    if (meter->refused > 0) {
        char first[CEMM_TIME_SIZE];
        cemm_period_format(&meter->refused_first, first, sizeof(first));
        message_print(
            CEMM_LOG_WARNING,
            "%s/%s: not scaled on %zu day%s, first on %s: minutes and readings are too far "
            "apart",
            uid, alias, meter->refused, meter->refused == 1 ? "" : "s", first);
    }
    if (meter->by_hour)
        message_about(CEMM_LOG_ERROR, uid, alias, "its gas comes by the hour and has no quarters");
    else if (meter->names->rows == 0 && !meter->ever_failed && !meter->names->elsewhere)
        message_about(CEMM_LOG_ERROR, uid, alias,
                      for_home_assistant(energy) ? "there are no minutes of a closed day"
                                                 : "there are no minutes for these dates");
    return !meter->by_hour && (meter->names->rows > 0 || meter->ever_failed);
}

static bool report(void *data)
{
    const struct energy *energy = data;
    bool good = true;
    for (size_t i = 0; energy->meters && i < energy->history.meter_count; i++) {
        const struct meter *meter = &energy->meters[i];
        good = report_meter(energy, meter) && !meter->ever_failed && good;
    }
    if (good && !energy->rows.begun)
        message_print(CEMM_LOG_WARNING,
                      "no interval of these dates is over yet; each is printed when "
                      "it has ended");
    return good;
}

/* ---- the command -------------------------------------------------------------- */

/* Widens the range to whole months. */
static void widen(struct exec_options *options)
{
    options->from.day = 1;
    if (options->to.year == 0)
        return;
    struct cemm_period next = cemm_period_step(
        &(struct cemm_period){CEMM_MONTH, options->to.year, options->to.month, 1}, 1);
    next.span = CEMM_DAY;
    options->to = cemm_period_step(&next, -1);
}

static void clear(struct energy *energy)
{
    for (size_t i = 0; energy->meters && i < energy->history.meter_count; i++) {
        cemm_document_unref(energy->meters[i].before);
        cemm_document_unref(energy->meters[i].after);
        cemm_document_unref(energy->meters[i].minutes);
    }
    free(energy->meters);
    energy_rows_clear(&energy->rows);
}

enum exec_exit exec_energy(const struct exec_options *options)
{
    static const struct history_use use = {COLUMNS, AHEAD, ask, take, frame, any_row, report};
    struct energy energy = {
        .options = *options,
        .history = {.use = &use},
        .now = cemm_clock_wall() / 1000,
        .rows = {.format = options->format, .by = options->by},
    };
    energy.history.options = &energy.options;
    energy.history.data = &energy;
    if (for_home_assistant(&energy))
        energy.rows.by = CEMM_BY_UTC_HOUR;
    if (options->by == CEMM_BY_MONTH)
        widen(&energy.options);
    enum exec_exit end = history_command(&energy.history);
    clear(&energy);
    return end;
}
