/*
 * Prometheus's text format, as node_exporter reads it from its textfile directory: values in base
 * units, without timestamps. All samples of a metric form one block, so all results are needed at
 * once. A device that fails has no samples, but its cemm_up is 0. A value that may fall, or whose
 * channel is not documented, is a gauge.
 *
 * History is written as OpenMetrics, a later format that has timestamps. Metrics keep their names.
 * Amounts in history (cemm_history_tag()) are metrics of their own, with the label "period".
 */
#include "common/format/format.h"
#include "common/model/channel.h"
#include "common/model/names.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOULES_PER_KWH  3600000.0
#define FLOW_PER_M3_S   60000.0 /* L/min in one m3/s */
#define KEY_SIZE        512     /* room for a metric's name and its labels */
#define METER_STEP_BACK 1.0     /* kWh or m3; a smaller step back is another source's rounding */

enum family {
    POWER,
    ENERGY,
    NET_ENERGY,
    GAS,
    VOLUME,
    FLOW,
    TARIFF,
    OTHER,
    /* about meters, devices and sources: */
    TIME,
    INFO,
    UP,
    /* only in history: */
    ENERGY_AMOUNT,
    GAS_AMOUNT,
    GAS_FLOW,
    VOLUME_AMOUNT,
};

static const struct {
    const char *name;
    const char *type;
    const char *help;
} families[] = {
    [POWER] =
        {"cemm_electric_power_watts", "gauge",
         "Electric power. For a smart meter, positive is import; for others it is forward, which "
         "for a solar meter is production."},
    [ENERGY] = {"cemm_energy_joules_total", "counter",
                "Meter reading of electric energy: import and export of a smart meter, forward and "
                "reverse of others. Tariff 1 is the low or the only one."},
    [NET_ENERGY] = {"cemm_electric_energy_joules", "gauge",
                    "Electric energy: import minus export of a smart meter, forward minus reverse "
                    "of others."},
    [GAS] = {"cemm_gas_cubic_meters_total", "counter", "Meter reading of gas."},
    [VOLUME] = {"cemm_volume_cubic_meters_total", "counter", "Meter reading of water or gas."},
    [FLOW] = {"cemm_flow_cubic_meters_per_second", "gauge", "Flow rate of water or gas."},
    [TARIFF] = {"cemm_tariff_index", "gauge", "The tariff that is in force."},
    [OTHER] = {"cemm_value", "gauge",
               "A channel without a documented unit, as reported by the meter."},
    [TIME] = {"cemm_last_sample_timestamp_seconds", "gauge",
              "When the newest sample of the meter was taken."},
    [INFO] = {"cemm_meter_info", "gauge", "The type of a meter, as reported by the device."},
    [UP] = {"cemm_up", "gauge", "Whether the meter, the device or the source could be read."},
    [ENERGY_AMOUNT] =
        {"cemm_energy_amount_joules", "gauge",
         "Electric energy of each day or month: import minus export of a smart meter, "
         "forward minus reverse of others."},
    [GAS_AMOUNT] = {"cemm_gas_amount_cubic_meters", "gauge",
                    "Gas used in each hour, day or month."},
    [GAS_FLOW] = {"cemm_gas_flow_cubic_meters_per_second", "gauge", "Flow rate of gas."},
    [VOLUME_AMOUNT] = {"cemm_volume_amount_cubic_meters", "gauge",
                       "Water or gas used in each day or month."},
};

/* The first match applies. */
static const struct kind {
    const char *channel; /* a pattern for cemm_channel_matches() */
    enum family family;
    const char *labels; /* for smart meters; NULL: the channel's name */
    const char *other;  /* the same for all other meters */
    double multiply;
    double divide;
} kinds[] = {
    {"electric_power", POWER, "", "", 1, 1},
    {"t1", ENERGY, ",direction=\"import\",tariff=\"1\"", ",direction=\"forward\",tariff=\"1\"",
     JOULES_PER_KWH, 1},
    {"t2", ENERGY, ",direction=\"import\",tariff=\"2\"", ",direction=\"forward\",tariff=\"2\"",
     JOULES_PER_KWH, 1},
    {"t3", ENERGY, ",direction=\"export\",tariff=\"1\"", ",direction=\"reverse\",tariff=\"1\"",
     JOULES_PER_KWH, 1},
    {"t4", ENERGY, ",direction=\"export\",tariff=\"2\"", ",direction=\"reverse\",tariff=\"2\"",
     JOULES_PER_KWH, 1},
    {"electric_energy*", NET_ENERGY, NULL, NULL, JOULES_PER_KWH, 1},
    {"gas", GAS, "", "", 1, 1},
    {"volume", VOLUME, "", "", 1, 1},
    {"flow", FLOW, "", "", 1, FLOW_PER_M3_S},
    {"rate", TARIFF, "", "", 1, 1},
    {"*", OTHER, NULL, NULL, 1, 1},
};

/* The same for rows of history that have a tag (cemm_history_tag()). */
static const struct kind amounts[] = {
    {"electric_energy*", ENERGY_AMOUNT, NULL, NULL, JOULES_PER_KWH, 1},
    {"gas", GAS_AMOUNT, "", "", 1, 1},
    {"gas_flow", GAS_FLOW, "", "", 1, FLOW_PER_M3_S},
    {"volume", VOLUME_AMOUNT, "", "", 1, 1},
    {"*", OTHER, NULL, NULL, 1, 1},
};

/* The earlier output. Its lines are in the same order as the new output's, so each search begins
 * where the previous search ended. */
struct previous {
    const char *text; /* NULL: there is none */
    const char *cursor;
};

static const struct kind *kind_of(const struct kind *kind, const char *channel)
{
    while (!cemm_channel_matches(kind->channel, channel))
        kind++;
    return kind;
}

/* Writes HELP and TYPE, with the first `length` characters of the family's name. */
static void write_head(struct cemm_buffer *out, enum family family, size_t length)
{
    cemm_buffer_format(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)length, families[family].name,
                       families[family].help, (int)length, families[family].name,
                       families[family].type);
}

/* ---- counters ------------------------------------------------------------------ */

/* Finds a line at or after `from` that begins with `key`. Returns what follows the key, or NULL. */
static const char *find_line(const char *text, const char *from, const char *key)
{
    while (from && (from = strstr(from, key)) && from != text && from[-1] != '\n')
        from++;
    return from ? from + strlen(key) : NULL;
}

/* Finds a series' number in the earlier output. Returns its text, or NULL if there is none. */
static const char *find_earlier(struct previous *previous, const char *key, double *ret_value,
                                size_t *ret_length)
{
    const char *old = find_line(previous->text, previous->cursor, key);
    char *end;

    if (!old)
        old = find_line(previous->text, previous->text, key);
    if (!old)
        return NULL;
    previous->cursor = old;
    *ret_value = strtod(old, &end);
    if (end == old || *end != '\n' || !isfinite(*ret_value))
        return NULL;
    *ret_length = (size_t)(end - old);
    return old;
}

/* ---- samples --------------------------------------------------------------------- */

static void write_value(struct cemm_buffer *out, const struct kind *kind,
                        const struct cemm_sample *sample)
{
    if (kind->multiply == 1 && kind->divide == 1)
        cemm_buffer_append(out, sample->text, sample->text_length);
    else
        cemm_buffer_number(out, sample->value * kind->multiply / kind->divide);
}

static void write_seconds(struct cemm_buffer *out, int64_t time)
{
    cemm_buffer_integer(out, time / 1000);
    if (time % 1000)
        cemm_buffer_format(out, ".%03" PRId64, time % 1000);
}

/* Writes the metric's name, its labels and a space. Valid names fit, and need no escaping. */
static void write_key(const struct kind *kind, const struct cemm_query *query, const char *channel,
                      const char *period, char ret_key[KEY_SIZE])
{
    bool smart = cemm_alias_find(query->alias)->kind == CEMM_ALIAS_SMART;
    const char *labels = smart ? kind->labels : kind->other;
    (void)snprintf(ret_key, KEY_SIZE, "%s{uid=\"%s\",alias=\"%s\"%s%s%s%s%s%s} ",
                   families[kind->family].name, query->uid.text, query->alias,
                   labels ? labels : ",channel=\"", labels ? "" : channel, labels ? "" : "\"",
                   period ? ",period=\"" : "", period ? period : "", period ? "\"" : "");
}

/* A counter that would step back a little keeps its earlier number. */
static void write_sample(struct cemm_buffer *out, const struct kind *kind,
                         const struct cemm_query *query, const struct cemm_series *series,
                         struct previous *previous)
{
    const struct cemm_sample *sample = &series->samples[series->count - 1];
    bool counter = strcmp(families[kind->family].type, "counter") == 0;
    char key[KEY_SIZE];
    double before = 0;
    size_t length = 0;

    write_key(kind, query, series->channel, NULL, key);
    const char *old = counter ? find_earlier(previous, key, &before, &length) : NULL;
    double back = before - sample->value * kind->multiply;
    cemm_buffer_text(out, key);
    if (old && back > 0 && back < METER_STEP_BACK * kind->multiply)
        cemm_buffer_append(out, old, length);
    else
        write_value(out, kind, sample);
    cemm_buffer_char(out, '\n');
}

static void write_samples(struct cemm_buffer *out, enum family family,
                          const struct cemm_document *document, struct previous *previous)
{
    for (size_t i = 0; document && i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        const struct kind *kind = kind_of(kinds, series->channel);
        if (kind->family == family && series->count > 0)
            write_sample(out, kind, &document->query, series, previous);
    }
}

/* ---- about the results -------------------------------------------------------------- */

/* Whether a result before this one has the same labels: a series may be written only once. */
static bool is_repeated(const struct cemm_result *results, size_t index)
{
    const struct cemm_result *result = &results[index];
    const char *source = result->source ? result->source : "";

    for (size_t i = index; i-- > 0 && strcmp(results[i].uid, result->uid) == 0;) {
        const char *other = results[i].source ? results[i].source : "";
        if (strcmp(results[i].alias, result->alias) == 0 &&
            (*result->uid || strcmp(other, source) == 0))
            return true;
    }
    return false;
}

/* A meter that fails or has no sample keeps the time in the earlier output. */
static void write_time(struct cemm_buffer *out, const struct cemm_result *result,
                       struct previous *previous)
{
    int64_t time = result->document ? cemm_document_newest(result->document) : 0;
    char key[KEY_SIZE];
    double value = 0;
    size_t length = 0;

    (void)snprintf(key, sizeof(key), "%s{uid=\"%s\",alias=\"%s\"} ", families[TIME].name,
                   result->uid, result->alias);
    const char *old = time == 0 ? find_earlier(previous, key, &value, &length) : NULL;
    if (time == 0 && !old)
        return;
    cemm_buffer_text(out, key);
    if (old)
        cemm_buffer_append(out, old, length);
    else
        write_seconds(out, time);
    cemm_buffer_char(out, '\n');
}

/* Writes nothing if a meter fails and its type is not known: "" would mean that it has no type. */
static void write_info(struct cemm_buffer *out, const struct cemm_result *result)
{
    const char *type = result->document ? result->document->type : result->type;

    if (result->document || (type && *type))
        cemm_buffer_format(out, "%s{uid=\"%s\",alias=\"%s\",type=\"%s\"} 1\n", families[INFO].name,
                           result->uid, result->alias, type);
}

static void write_up(struct cemm_buffer *out, const struct cemm_result *result)
{
    const char *alias = result->alias;

    cemm_buffer_text(out, families[UP].name);
    if (*result->uid)
        cemm_buffer_format(out, "{uid=\"%s\"%s%s%s}", result->uid, *alias ? ",alias=\"" : "", alias,
                           *alias ? "\"" : "");
    else if (result->source && *result->source)
        cemm_buffer_format(out, "{source=\"%s\"}", result->source);
    cemm_buffer_text(out, result->document ? " 1\n" : " 0\n");
}

static void write_family(struct cemm_buffer *out, enum family family,
                         const struct cemm_result *results, size_t count, struct previous *previous)
{
    for (size_t i = 0; i < count; i++) {
        bool meter = *results[i].uid && *results[i].alias;
        if (family <= OTHER)
            write_samples(out, family, results[i].document, previous);
        else if (is_repeated(results, i))
            continue;
        else if (family == UP)
            write_up(out, &results[i]);
        else if (meter && family == TIME)
            write_time(out, &results[i], previous);
        else if (meter)
            write_info(out, &results[i]);
    }
}

int cemm_render_prometheus(const struct cemm_result *results, size_t count, const char *before,
                           char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);
    struct previous previous = {.text = before, .cursor = before};

    for (enum family family = POWER; family <= UP; family++) {
        size_t begin = out.length;
        write_head(&out, family, strlen(families[family].name));
        size_t head = out.length;
        write_family(&out, family, results, count, &previous);
        if (out.length == head) /* the family has no samples */
            out.length = begin;
    }
    return cemm_buffer_steal(&out, ret_text, ret_length);
}

/* ---- OpenMetrics --------------------------------------------------------------------- */

static void write_history_sample(struct cemm_buffer *out, const struct cemm_query *query,
                                 const struct cemm_series *series, const struct cemm_sample *sample)
{
    const char *channel = cemm_row_channel(query, series, sample);
    const char *period = cemm_history_tag(query, series->channel);
    const struct kind *kind = kind_of(period ? amounts : kinds, channel);
    char key[KEY_SIZE];

    write_key(kind, query, channel, period, key);
    cemm_buffer_text(out, key);
    write_value(out, kind, sample);
    cemm_buffer_char(out, ' ');
    write_seconds(out, sample->time);
    cemm_buffer_char(out, '\n');
}

void cemm_write_openmetrics(struct cemm_buffer *out, const struct cemm_document *document)
{
    for (size_t i = 0; i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        for (size_t j = 0; j < series->count; j++)
            write_history_sample(out, &document->query, series, &series->samples[j]);
    }
}

/* In OpenMetrics, the family of a counter is named without the "_total" of its samples. */
int cemm_openmetrics_head(const char *line, char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        const char *name = families[i].name;
        size_t length = strlen(name);
        if (strncmp(line, name, length) != 0 || line[length] != '{')
            continue;
        if (strcmp(families[i].type, "counter") == 0)
            length -= strlen("_total");
        write_head(&out, (enum family)i, length);
    }
    return cemm_buffer_steal(&out, ret_text, ret_length);
}
