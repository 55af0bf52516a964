/*
 * "Sent" means passed to an output: dispatched in collectd, or written by
 * stream. The ledger records the newest sample of each series that was sent,
 * so that each is sent once and a counter does not step back when another
 * source answers; and which minutes each sink was sent, from which backfill
 * computes what is missing.
 *
 * A sample is "taken" when it is accepted for output, and "sent" when it was
 * output. Between the two it may wait in a queue, or be lost with the process:
 * so the state file has only what was sent.
 *
 * The window limits what is requested, not what is recorded: it may be wider in
 * the next run.
 */
#include "common/model/ledger.h"

#include "common/base/limits.h"
#include "common/model/channel.h"
#include "common/model/document.h"
#include "common/model/names.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BACK_MAX 1.0 /* in the meter's own unit: a greater step is a new meter */
#define MINUTE_MS     INT64_C(60000)
#define SETTLE_MS     INT64_C(60000) /* a minute that has only just ended may still come live */

/* ---- names --------------------------------------------------------------------- */

static int compare_meters(const void *left, const void *right)
{
    const struct cemm_ledger_meter *a = left;
    const struct cemm_ledger_meter *b = right;
    int r = strcmp(a->uid.text, b->uid.text);

    return r ? r : strcmp(a->alias, b->alias);
}

static struct cemm_ledger_meter *meter_new(struct cemm_ledger *ledger,
                                           const struct cemm_ledger_meter *names)
{
    struct cemm_ledger_meter *meter = malloc(sizeof(*meter));

    if (!meter)
        return NULL;
    *meter = *names;
    meter->ledger = ledger;
    if (tsearch(meter, &ledger->meters, compare_meters))
        return meter;
    free(meter);
    return NULL;
}

/* Finds a meter, or creates it; NULL: no memory, or an invalid name. */
static struct cemm_ledger_meter *meter_get(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                                           const char *alias)
{
    struct cemm_ledger_meter names = {.entries = NULL};

    if (!cemm_uid_parse(uid->text, &names.uid) || !cemm_name_valid(alias))
        return NULL;
    strcpy(names.alias, alias);
    struct cemm_ledger_meter **found = tfind(&names, &ledger->meters, compare_meters);
    return found ? *found : meter_new(ledger, &names);
}

static struct cemm_ledger_entry *entry_new(struct cemm_ledger_meter *meter, const char *channel)
{
    struct cemm_ledger_entry *entry = calloc(1, sizeof(*entry) + strlen(channel) + 1);

    if (!entry)
        return NULL;
    entry->meter = meter;
    entry->paced = cemm_alias_kind(meter->alias) != CEMM_ALIAS_PULSE;
    entry->followed = strcmp(channel, "electric_power") == 0 || strcmp(channel, "flow") == 0;
    strcpy(entry->channel, channel);
    return entry;
}

struct cemm_ledger_entry *cemm_ledger_get(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                                          const char *alias, const char *channel)
{
    struct cemm_ledger_meter *meter = meter_get(ledger, uid, alias);
    struct cemm_ledger_entry **place = meter ? &meter->entries : NULL;
    int order = -1;

    while (place && *place && (order = strcmp((*place)->channel, channel)) < 0)
        place = &(*place)->next;
    if (order == 0)
        return *place;
    struct cemm_ledger_entry *entry =
        meter && cemm_name_valid(channel) ? entry_new(meter, channel) : NULL;
    if (entry) {
        entry->next = *place;
        *place = entry;
    }
    return entry;
}

struct cemm_ledger_entry *cemm_ledger_entry(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                                            const char *alias, const char *channel)
{
    pthread_mutex_lock(&ledger->lock);
    struct cemm_ledger_entry *entry = cemm_ledger_get(ledger, uid, alias, channel);
    pthread_mutex_unlock(&ledger->lock);
    return entry;
}

const struct cemm_uid *cemm_ledger_uid(const struct cemm_ledger_entry *entry)
{
    return &entry->meter->uid;
}

const char *cemm_ledger_alias(const struct cemm_ledger_entry *entry)
{
    return entry->meter->alias;
}

const char *cemm_ledger_channel(const struct cemm_ledger_entry *entry)
{
    return entry->channel;
}

/* ---- sinks --------------------------------------------------------------------- */

bool cemm_sink_valid(const char *sink)
{
    for (const char *c = sink; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return strlen(sink) < CEMM_SINK_SIZE;
}

/* Finds a sink, or creates it; NULL: no memory, or too many sinks. */
static struct cemm_sink *sink_get(struct cemm_ledger *ledger, const char *name, bool current)
{
    for (size_t i = 0; i < ledger->sink_count; i++)
        if (strcmp(ledger->sinks[i]->name, name) == 0)
            return ledger->sinks[i];
    if (!cemm_sink_valid(name) || ledger->sink_count == CEMM_SINKS_MAX)
        return NULL;
    struct cemm_sink *sink = malloc(sizeof(*sink) + strlen(name) + 1);
    if (!sink)
        return NULL;
    sink->current = current;
    strcpy(sink->name, name);
    ledger->sinks[ledger->sink_count++] = sink;
    return sink;
}

struct cemm_sent *cemm_ledger_sent_to(struct cemm_ledger_entry *entry, const char *sink)
{
    struct cemm_sent **place = &entry->sinks;
    int order = -1;

    while (*place && (order = strcmp((*place)->sink->name, sink)) < 0)
        place = &(*place)->next;
    if (order == 0)
        return *place;
    const struct cemm_sink *named = sink_get(entry->meter->ledger, sink, false);
    struct cemm_sent *sent = named ? calloc(1, sizeof(*sent)) : NULL;
    if (!sent)
        return NULL;
    sent->sink = named;
    sent->next = *place;
    *place = sent;
    return sent;
}

/* ---- beginning and end -------------------------------------------------------------- */

struct cemm_ledger *cemm_ledger_new(int64_t window, const char *const *sinks, size_t count)
{
    struct cemm_ledger *ledger = calloc(1, sizeof(*ledger));

    if (!ledger)
        return NULL;
    pthread_mutex_init(&ledger->lock, NULL);
    ledger->window = window > CEMM_WINDOW_MAX ? CEMM_WINDOW_MAX : window;
    ledger->lines = CEMM_BUFFER_INIT(CEMM_LINES_MAX);
    ledger->behind = true;
    for (size_t i = 0; i < count; i++)
        if (!sink_get(ledger, sinks[i], true)) {
            cemm_ledger_free(ledger);
            return NULL;
        }
    return ledger;
}

static void entry_free(struct cemm_ledger_entry *entry)
{
    while (entry->sinks) {
        struct cemm_sent *sent = entry->sinks;
        entry->sinks = sent->next;
        cemm_minutes_clear(&sent->minutes);
        free(sent);
    }
    free(entry);
}

static void meter_free(void *data)
{
    struct cemm_ledger_meter *meter = data;

    while (meter->entries) {
        struct cemm_ledger_entry *entry = meter->entries;
        meter->entries = entry->next;
        entry_free(entry);
    }
    free(meter);
}

void cemm_ledger_clear(struct cemm_ledger *ledger)
{
    tdestroy(ledger->meters, meter_free);
    ledger->meters = NULL;
    cemm_buffer_clear(&ledger->lines);
    ledger->behind = true;
}

void cemm_ledger_free(struct cemm_ledger *ledger)
{
    if (!ledger)
        return;
    cemm_ledger_clear(ledger);
    tdestroy(ledger->sources, free);
    for (size_t i = 0; i < ledger->sink_count; i++)
        free(ledger->sinks[i]);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger);
}

/* ---- news for the state file --------------------------------------------------------- */

void cemm_ledger_line(struct cemm_buffer *lines, const struct cemm_ledger_entry *entry,
                      const char *sink)
{
    const char *const parts[] = {sink, entry->meter->uid.text, entry->meter->alias, entry->channel};

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        cemm_buffer_text(lines, parts[i]);
        cemm_buffer_char(lines, '\t');
    }
}

/* Adds a line for the file. If there is no room, the file is rewritten later. */
static void add_line(const struct cemm_ledger_entry *entry, const char *sink, const char *before,
                     int64_t number, const char *behind)
{
    struct cemm_ledger *ledger = entry->meter->ledger;

    if (ledger->behind)
        return;
    cemm_ledger_line(&ledger->lines, entry, sink);
    cemm_buffer_text(&ledger->lines, before);
    cemm_buffer_integer(&ledger->lines, number);
    cemm_buffer_text(&ledger->lines, behind);
    if (!ledger->lines.error)
        return;
    cemm_buffer_clear(&ledger->lines);
    ledger->behind = true;
}

/* ---- samples taken ------------------------------------------------------------------ */

static int compare_texts(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* The ledger's copy of a source's name; NULL: no memory. There are few sources. */
static const char *source_named(struct cemm_ledger *ledger, const char *name)
{
    char **found = tfind(name, &ledger->sources, compare_texts);
    if (found)
        return *found;
    char *source = strdup(name);
    if (source && tsearch(source, &ledger->sources, compare_texts))
        return source;
    free(source);
    return NULL;
}

static bool steps_back(const struct cemm_ledger_entry *entry, const struct cemm_sample *sample,
                       const char *source)
{
    double back = entry->value - sample->value;

    return entry->source && entry->source != source && back > 0 && back < STEP_BACK_MAX &&
           cemm_channel_kind(entry->channel) == CEMM_CHANNEL_READING;
}

/* A sample that is too far ahead was taken while our clock was wrong, so it does not count. */
static int64_t newest_taken(const struct cemm_ledger_entry *entry, int64_t now)
{
    return entry->taken <= now + CEMM_AHEAD_MAX ? entry->taken : 0;
}

/* The time of a reading in `totals` is not when it was measured: the same value is new only if
 * the meter was read since. */
static bool is_same_total(const struct cemm_ledger_entry *entry,
                          const struct cemm_document *document, const struct cemm_sample *sample)
{
    const struct cemm_series *series = cemm_document_channel(document, entry->channel);
    bool same = sample->value >= entry->value && sample->value <= entry->value;

    return series && series->total && entry->source && same &&
           cemm_document_newest(document) <= entry->measured;
}

/* Learns the distance of two samples of this run; between runs, some may have been missed. */
static void learn(struct cemm_ledger_entry *entry, int64_t time)
{
    unsigned known = cemm_cadence_seconds(&entry->cadence);

    if (!entry->paced || !entry->source)
        return;
    cemm_cadence_learn(&entry->cadence, time - entry->taken);
    if (cemm_cadence_seconds(&entry->cadence) != known)
        add_line(entry, "", "/", cemm_cadence_seconds(&entry->cadence), "\n");
}

static enum cemm_verdict take(struct cemm_ledger_entry *entry, const struct cemm_document *document,
                              const struct cemm_sample *sample)
{
    const char *source = source_named(entry->meter->ledger, cemm_document_source(document));

    if (!source)
        return CEMM_NO_ROOM;
    if (sample->time <= newest_taken(entry, cemm_document_fetched(document)) ||
        is_same_total(entry, document, sample))
        return CEMM_REPEATED;
    if (steps_back(entry, sample, source))
        return CEMM_WITHHELD;
    learn(entry, sample->time);
    entry->taken = sample->time;
    entry->value = sample->value;
    entry->source = source;
    entry->measured = cemm_document_newest(document);
    return CEMM_NEW;
}

enum cemm_verdict cemm_ledger_take(struct cemm_ledger_entry *entry,
                                   const struct cemm_document *document,
                                   const struct cemm_sample *sample)
{
    struct cemm_ledger *ledger = entry->meter->ledger;

    pthread_mutex_lock(&ledger->lock);
    enum cemm_verdict verdict = take(entry, document, sample);
    pthread_mutex_unlock(&ledger->lock);
    return verdict;
}

bool cemm_ledger_cadence(struct cemm_ledger_entry *entry, unsigned *ret_seconds)
{
    struct cemm_ledger *ledger = entry->meter->ledger;

    pthread_mutex_lock(&ledger->lock);
    *ret_seconds = cemm_cadence_seconds(&entry->cadence);
    pthread_mutex_unlock(&ledger->lock);
    return *ret_seconds > 0 || !entry->paced;
}

unsigned cemm_ledger_meter_cadence(struct cemm_ledger *ledger, const struct cemm_document *document)
{
    const struct cemm_query *query = cemm_document_query(document);
    unsigned shortest = 0;
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);

    for (size_t i = 0; i < count; i++) {
        struct cemm_ledger_entry *entry =
            cemm_ledger_entry(ledger, &query->uid, query->alias, series[i].channel);
        unsigned cadence = 0;
        if (entry && !series[i].total && cemm_ledger_cadence(entry, &cadence) && cadence > 0 &&
            (shortest == 0 || cadence < shortest))
            shortest = cadence;
    }
    return shortest;
}

/* ---- samples sent ------------------------------------------------------------------ */

static bool time_valid(int64_t time)
{
    return time >= CEMM_TIME_MIN && time <= CEMM_TIME_MAX;
}

static int mark(struct cemm_ledger_entry *entry, const char *sink, int64_t time)
{
    struct cemm_sent *sent = time_valid(time) ? cemm_ledger_sent_to(entry, sink) : NULL;
    int32_t minute = (int32_t)(time / MINUTE_MS);

    if (!sent)
        return -ENOMEM;
    entry->meter->ledger->sent = true;
    int r = cemm_minutes_add(&sent->minutes, (struct cemm_stretch){minute, minute + 1});
    if (r > 0)
        add_line(entry, sink, "", minute * (MINUTE_MS / 1000), "+1\n");
    return r;
}

int cemm_ledger_mark(struct cemm_ledger_entry *entry, const char *sink, int64_t time)
{
    struct cemm_ledger *ledger = entry->meter->ledger;

    pthread_mutex_lock(&ledger->lock);
    int r = mark(entry, sink, time);
    pthread_mutex_unlock(&ledger->lock);
    return r;
}

static int note(struct cemm_ledger_entry *entry, int64_t time)
{
    const struct cemm_ledger *ledger = entry->meter->ledger;
    int r = 0;

    if (!time_valid(time))
        return -EINVAL;
    entry->meter->ledger->sent = true;
    if (time > entry->sent) {
        entry->sent = time;
        add_line(entry, "", "@", time, "\n");
    }
    for (size_t i = 0; entry->followed && i < ledger->sink_count && r >= 0; i++)
        if (ledger->sinks[i]->current)
            r = mark(entry, ledger->sinks[i]->name, time);
    return r < 0 ? r : 0;
}

int cemm_ledger_sent(struct cemm_ledger_entry *entry, int64_t time)
{
    struct cemm_ledger *ledger = entry->meter->ledger;

    pthread_mutex_lock(&ledger->lock);
    int r = note(entry, time);
    pthread_mutex_unlock(&ledger->lock);
    return r;
}

/* ---- minutes missing ------------------------------------------------------------------ */

/* The minutes that may be missing: those from `from` on. */
static struct cemm_stretch range(const struct cemm_ledger *ledger, int64_t from, int64_t now)
{
    int64_t oldest = now - ledger->window * 1000;

    if (from < oldest)
        from = oldest;
    return (struct cemm_stretch){
        (int32_t)((from + MINUTE_MS - 1) / MINUTE_MS),
        (int32_t)((now - SETTLE_MS) / MINUTE_MS),
    };
}

bool cemm_ledger_missing(struct cemm_ledger_entry *entry, const char *sink, int64_t from,
                         int64_t now, int64_t *ret_from, int64_t *ret_until)
{
    static const struct cemm_minutes nothing = {0};
    struct cemm_ledger *ledger = entry->meter->ledger;
    const struct cemm_sent *sent = entry->sinks;
    struct cemm_stretch missing = {0, 0};

    if (!time_valid(now) || from >= now)
        return false;
    pthread_mutex_lock(&ledger->lock);
    while (sent && strcmp(sent->sink->name, sink) != 0)
        sent = sent->next;
    bool any =
        cemm_minutes_missing(sent ? &sent->minutes : &nothing, range(ledger, from, now), &missing);
    pthread_mutex_unlock(&ledger->lock);
    *ret_from = missing.from * MINUTE_MS;
    *ret_until = missing.until * MINUTE_MS;
    return any;
}
