/*
 * A sample is "accepted" when it is to be output, and "sent" when it was dispatched in collectd or
 * written by stream. Between the two it may wait in a queue, or be lost with the process: so the
 * state file has only what was sent.
 *
 * The last accepted sample of each series is remembered, so that no sample is sent twice, and no
 * counter steps back when another source answers. From the minutes that were sent, backfill
 * computes which minutes are missing.
 *
 * The window (how far back missing minutes are requested) does not limit what is recorded: the next
 * run may have a longer one.
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

#define STEP_BACK_MAX 1.0 /* in the meter's own unit; a greater step back means a new meter */
#define MINUTE_MS     INT64_C(60000)

/* ---- names --------------------------------------------------------------------- */

static int compare_meters(const void *left, const void *right)
{
    const struct cemm_ledger_meter *a = left;
    const struct cemm_ledger_meter *b = right;
    int r = strcmp(a->uid.text, b->uid.text);

    return r ? r : strcmp(a->alias, b->alias);
}

/* Finds or creates a meter. Returns NULL if there is no memory, or the alias is invalid. */
static struct cemm_ledger_meter *meter_get(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                                           const char *alias)
{
    struct cemm_ledger_meter names = {.ledger = ledger, .uid = *uid};
    bool new;

    if (!cemm_name_valid(alias))
        return NULL;
    strcpy(names.alias, alias);
    struct cemm_ledger_meter *meter =
        cemm_tree_get(&ledger->tree, &names, sizeof(names), compare_meters, &new);
    if (new)
        STAILQ_INSERT_TAIL(&ledger->meters, meter, link);
    return meter;
}

/* Finds or creates an entry. Returns NULL if there is no memory, or the channel is invalid. */
static struct cemm_ledger_entry *entry_get(struct cemm_ledger_meter *meter, const char *channel)
{
    struct cemm_ledger_entry **place = &meter->entries;

    for (; *place; place = &(*place)->next)
        if (strcmp((*place)->channel, channel) == 0)
            return *place;
    struct cemm_ledger_entry *entry =
        cemm_name_valid(channel) ? calloc(1, sizeof(*entry) + strlen(channel) + 1) : NULL;
    if (!entry)
        return NULL;
    entry->meter = meter;
    entry->paced = cemm_alias_find(meter->alias)->kind != CEMM_ALIAS_PULSE;
    entry->by_minute = strcmp(channel, "electric_power") == 0 || strcmp(channel, "flow") == 0;
    strcpy(entry->channel, channel);
    *place = entry;
    return entry;
}

struct cemm_ledger_entry *cemm_ledger_entry(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                                            const char *alias, const char *channel)
{
    pthread_mutex_lock(&ledger->lock);
    struct cemm_ledger_meter *meter = ledger->last;
    if (!meter || strcmp(meter->alias, alias) != 0 || strcmp(meter->uid.text, uid->text) != 0)
        ledger->last = meter = meter_get(ledger, uid, alias);
    struct cemm_ledger_entry *entry = meter ? entry_get(meter, channel) : NULL;
    pthread_mutex_unlock(&ledger->lock);
    return entry;
}

struct cemm_ledger_names cemm_ledger_names(const struct cemm_ledger_entry *entry)
{
    return (struct cemm_ledger_names){&entry->meter->uid, entry->meter->alias, entry->channel};
}

/* ---- sinks --------------------------------------------------------------------- */

bool cemm_sink_valid(const char *sink)
{
    for (const char *c = sink; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return strlen(sink) < CEMM_SINK_SIZE;
}

/* Finds or adds a sink. Returns NULL if the name is invalid, or there are too many sinks. */
static struct cemm_sink *sink_get(struct cemm_ledger *ledger, const char *name)
{
    for (size_t i = 0; i < ledger->sink_count; i++)
        if (strcmp(ledger->sinks[i].name, name) == 0)
            return &ledger->sinks[i];
    if (!cemm_sink_valid(name) || ledger->sink_count == CEMM_SINKS_MAX)
        return NULL;
    struct cemm_sink *sink = &ledger->sinks[ledger->sink_count++];
    strcpy(sink->name, name);
    return sink;
}

struct cemm_sent *cemm_ledger_sent_to(struct cemm_ledger_entry *entry, const char *sink)
{
    struct cemm_sent **place = &entry->sent_to;

    for (; *place; place = &(*place)->next)
        if (strcmp((*place)->sink->name, sink) == 0)
            return *place;
    const struct cemm_sink *found = sink_get(entry->meter->ledger, sink);
    if (found)
        *place = calloc(1, sizeof(**place));
    if (*place)
        (*place)->sink = found;
    return *place;
}

/* ---- beginning and end -------------------------------------------------------------- */

struct cemm_ledger *cemm_ledger_new(int64_t window, const char *const *sinks, size_t count)
{
    struct cemm_ledger *ledger = calloc(1, sizeof(*ledger));

    if (!ledger)
        return NULL;
    pthread_mutex_init(&ledger->lock, NULL);
    ledger->window = window > CEMM_WINDOW_MAX ? CEMM_WINDOW_MAX : window;
    ledger->lines = CEMM_BUFFER_INIT(CEMM_UNSAVED_MAX);
    STAILQ_INIT(&ledger->meters);
    ledger->rewrite = true;
    for (size_t i = 0; i < count; i++) {
        struct cemm_sink *sink = sink_get(ledger, sinks[i]);
        if (!sink) {
            cemm_ledger_free(ledger);
            return NULL;
        }
        sink->current = true;
    }
    return ledger;
}

static void meter_free(void *data)
{
    struct cemm_ledger_meter *meter = data;
    struct cemm_ledger_entry *entry;
    struct cemm_sent *sent;

    while ((entry = meter->entries)) {
        meter->entries = entry->next;
        while ((sent = entry->sent_to)) {
            entry->sent_to = sent->next;
            free(sent->minutes.stretches);
            free(sent);
        }
        free(entry);
    }
    free(meter);
}

void cemm_ledger_clear(struct cemm_ledger *ledger)
{
    tdestroy(ledger->tree, meter_free);
    ledger->tree = NULL;
    STAILQ_INIT(&ledger->meters);
    ledger->last = NULL;
    cemm_buffer_clear(&ledger->lines);
    ledger->rewrite = true;
}

void cemm_ledger_free(struct cemm_ledger *ledger)
{
    if (!ledger)
        return;
    cemm_ledger_clear(ledger);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger);
}

/* ---- how often a series is measured ---------------------------------------------------- */

void cemm_cadence_learn(struct cemm_cadence *cadence, int64_t gap_ms)
{
    static const uint16_t cadences[] = {10, 30, 60, 300, CEMM_CADENCE_MAX};
    int64_t seconds = gap_ms / 1000; /* the fraction is dropped, because times are not exact */
    size_t i = 0;

    if (gap_ms <= 0)
        return; /* our clock was wrong */
    while (cadences[i] < CEMM_CADENCE_MAX && seconds > cadences[i])
        i++;
    memmove(cadence->gaps + 1, cadence->gaps, sizeof(cadence->gaps) - sizeof(*cadence->gaps));
    cadence->gaps[0] = cadences[i];
}

unsigned cemm_cadence_seconds(const struct cemm_cadence *cadence)
{
    unsigned shortest = cadence->gaps[0];

    for (unsigned i = 1; i < CEMM_CADENCE_GAPS && cadence->gaps[i]; i++)
        if (cadence->gaps[i] < shortest)
            shortest = cadence->gaps[i];
    return shortest;
}

/* ---- lines for the state file -------------------------------------------------------- */

void cemm_ledger_line(struct cemm_buffer *lines, const struct cemm_ledger_entry *entry,
                      const char *sink, const char *before, int64_t number, const char *after)
{
    const char *const names[] = {sink, entry->meter->uid.text, entry->meter->alias, entry->channel};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        cemm_buffer_text(lines, names[i]);
        cemm_buffer_text(lines, "\t");
    }
    cemm_buffer_text(lines, before);
    cemm_buffer_integer(lines, number);
    cemm_buffer_text(lines, after);
}

/* Adds a line for the state file (format: state.c). Without room, the file is rewritten later. */
static void add_line(const struct cemm_ledger_entry *entry, const char *sink, const char *before,
                     int64_t number, const char *after)
{
    struct cemm_ledger *ledger = entry->meter->ledger;

    if (ledger->rewrite)
        return;
    cemm_ledger_line(&ledger->lines, entry, sink, before, number, after);
    if (!ledger->lines.error)
        return;
    cemm_buffer_clear(&ledger->lines);
    ledger->rewrite = true;
}

/* ---- samples accepted ------------------------------------------------------------------ */

static bool steps_back(const struct cemm_ledger_entry *entry, const struct cemm_sample *sample,
                       uint64_t source)
{
    double back = entry->value - sample->value;

    return entry->source && entry->source != source && back > 0 && back < STEP_BACK_MAX &&
           cemm_channel_kind(entry->channel) == CEMM_CHANNEL_READING;
}

/* The time of a reading in `totals` is not when it was measured. So a reading with the same value
 * is new only if its document has a newer sample than the last accepted reading's document. */
static bool is_same_total(const struct cemm_ledger_entry *entry,
                          const struct cemm_document *document, const struct cemm_sample *sample)
{
    const struct cemm_series *series = cemm_document_channel(document, entry->channel);
    bool same = sample->value == entry->value;

    return series && series->total && entry->source && same &&
           cemm_document_newest(document) <= entry->measured;
}

/* Learns the gap since this run's previous sample. Between runs, samples may have been missed. */
static void learn(struct cemm_ledger_entry *entry, int64_t time)
{
    unsigned before = cemm_cadence_seconds(&entry->cadence);

    if (!entry->paced || !entry->source)
        return;
    cemm_cadence_learn(&entry->cadence, time - entry->accepted);
    if (cemm_cadence_seconds(&entry->cadence) != before)
        add_line(entry, "", "/", cemm_cadence_seconds(&entry->cadence), "\n");
}

bool cemm_ledger_accept(struct cemm_ledger_entry *entry, const struct cemm_document *document,
                        const struct cemm_sample *sample)
{
    struct cemm_ledger *ledger = entry->meter->ledger;
    const char *name = cemm_document_source(document);
    uint64_t source = cemm_hash(CEMM_HASH, name, strlen(name));
    int64_t latest = cemm_document_fetched(document) + CEMM_AHEAD_MAX;

    pthread_mutex_lock(&ledger->lock);
    /* If `entry->accepted` is after `latest`, it was recorded while our clock was wrong. */
    bool accepted = (sample->time > entry->accepted || entry->accepted > latest) &&
                    !is_same_total(entry, document, sample) && !steps_back(entry, sample, source);
    if (accepted) {
        learn(entry, sample->time);
        entry->accepted = sample->time;
        entry->value = sample->value;
        entry->source = source;
        entry->measured = cemm_document_newest(document);
    }
    pthread_mutex_unlock(&ledger->lock);
    return accepted;
}

bool cemm_ledger_cadence(struct cemm_ledger_entry *entry, unsigned *ret_seconds)
{
    struct cemm_ledger *ledger = entry->meter->ledger;

    pthread_mutex_lock(&ledger->lock);
    *ret_seconds = cemm_cadence_seconds(&entry->cadence);
    pthread_mutex_unlock(&ledger->lock);
    return *ret_seconds > 0 || !entry->paced;
}

/* ---- samples sent ------------------------------------------------------------------ */

static bool time_valid(int64_t time)
{
    return time >= CEMM_TIME_MIN && time <= CEMM_TIME_MAX;
}

static int mark(struct cemm_ledger_entry *entry, const char *sink, int64_t time)
{
    struct cemm_sent *sent = cemm_ledger_sent_to(entry, sink);
    int32_t minute = (int32_t)(time / MINUTE_MS);

    if (!sent)
        return -ENOMEM;
    int r = cemm_minutes_add(&sent->minutes, (struct cemm_stretch){minute, minute + 1});
    if (r > 0)
        add_line(entry, sink, "", minute * (MINUTE_MS / 1000), "+1\n");
    return r;
}

static int mark_live(struct cemm_ledger_entry *entry, int64_t time)
{
    const struct cemm_ledger *ledger = entry->meter->ledger;
    int r = 0;

    if (time > entry->newest_sent) {
        entry->newest_sent = time;
        add_line(entry, "", "@", time, "\n");
    }
    for (size_t i = 0; entry->by_minute && i < ledger->sink_count && r >= 0; i++)
        if (ledger->sinks[i].current)
            r = mark(entry, ledger->sinks[i].name, time);
    return r < 0 ? r : 0;
}

int cemm_ledger_mark(struct cemm_ledger_entry *entry, const char *sink, int64_t time)
{
    struct cemm_ledger *ledger = entry->meter->ledger;

    if (!time_valid(time))
        return -EINVAL;
    pthread_mutex_lock(&ledger->lock);
    ledger->any_sent = true;
    int r = sink ? mark(entry, sink, time) : mark_live(entry, time);
    pthread_mutex_unlock(&ledger->lock);
    return r;
}

/* ---- minutes missing ------------------------------------------------------------------ */

bool cemm_ledger_missing(struct cemm_ledger_entry *entry, const char *sink, int64_t from,
                         int64_t limit, int64_t *ret_from, int64_t *ret_until)
{
    struct cemm_ledger *ledger = entry->meter->ledger;
    int64_t oldest = limit - ledger->window * 1000;
    struct cemm_stretch missing = {0, 0};

    if (!time_valid(limit) || from >= limit)
        return false;
    if (from < oldest)
        from = oldest;
    const struct cemm_stretch within = {(int32_t)((from + MINUTE_MS - 1) / MINUTE_MS),
                                        (int32_t)(limit / MINUTE_MS - 1)};
    pthread_mutex_lock(&ledger->lock);
    const struct cemm_sent *sent = cemm_ledger_sent_to(entry, sink);
    bool any = sent && cemm_minutes_missing(&sent->minutes, within, &missing);
    pthread_mutex_unlock(&ledger->lock);
    *ret_from = missing.from * MINUTE_MS;
    *ret_until = missing.until * MINUTE_MS;
    return any;
}
