/*
 * Each series has a strand for each writer: they may lack different minutes.
 * A strand looks now and then whether minutes are missing; if so, it fetches
 * the day of the oldest one, has its minutes given, and goes on with the next
 * day, up to now. Then it rests.
 *
 * It looks again after a minute, or after the block's interval, if that is
 * longer. What could not be had, because the API has not got it, is asked for
 * ever more seldom, unless more is missing than the last time.
 *
 * It gives nothing before collectd itself has a value of the series that is not
 * too old (`giver_is_live`), and has had it for long enough to be written: old
 * values come after the first new one.
 */
#include "plugin/collectd/backfill.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS       500           /* between two walks along all strands */
#define LIVE_MS       1000          /* for which a series must be live before it is filled */
#define REST_MS       60000         /* of a strand that has done what it could */
#define REST_MAX_MS   (3600 * 1000) /* of one whose minutes the API has not got */
#define WRITER_MS     1000          /* first rest of a writer that failed */
#define WRITER_MAX_MS (300 * 1000)  /* longest */
#define DAY_AGE_MS    30000         /* how old the document of a day may be */
#define FETCHES_MAX   4             /* days that are fetched at a time: it is no hurry */
#define MINUTE_MS     INT64_C(60000)

struct past;

struct strand {
    struct past *past;
    struct writer *writer;
    enum { RESTS, FETCHES, GIVES } state;
    bool gave;              /* something, in this round */
    int64_t due;            /* monotonic: when to look again */
    int64_t retry;          /* monotonic: when to ask once more for what could not be had */
    int64_t pause;          /* until then, the last time */
    int64_t looked;         /* Unix: up to when the last round has looked */
    int64_t cursor;         /* Unix: where this round goes on */
    struct cemm_period day; /* that is fetched */
};

/* A series that is followed. */
struct past {
    struct past *next;
    struct series series;
    struct cemm_identity identity;
    const struct block *block;
    int64_t live; /* monotonic: since when; 0: it is not */
    struct strand strands[];
};

struct writer {
    const char *name;
    int64_t due; /* monotonic: it rests until then */
    int64_t pause;
    bool complained;
};

struct backfill {
    struct cemm *cemm;
    struct state *state;
    struct giver *giver;
    struct writer *writers;
    size_t writer_count;
    void *tree; /* of struct past, which also hang on a list */
    struct past *first;
    struct past *turn; /* where the next walk begins */
    unsigned fetches;
    int64_t now; /* monotonic */
    int64_t look;
};

struct backfill *backfill_new(const struct settings *settings, struct cemm *cemm,
                              struct state *state, struct giver *giver)
{
    struct backfill *backfill = calloc(1, sizeof(*backfill));

    if (!backfill)
        return NULL;
    *backfill = (struct backfill){.cemm = cemm, .state = state, .giver = giver};
    backfill->writer_count = settings->writer_count;
    backfill->writers = calloc(settings->writer_count + 1, sizeof(*backfill->writers));
    if (!backfill->writers) {
        free(backfill);
        return NULL;
    }
    for (size_t i = 0; i < settings->writer_count; i++)
        backfill->writers[i].name = settings->writers[i];
    return backfill;
}

void backfill_free(struct backfill *backfill)
{
    if (!backfill)
        return;
    tdestroy(backfill->tree, free);
    free(backfill->writers);
    free(backfill);
}

bool backfill_follows(const struct backfill *backfill, const char *channel)
{
    return backfill->writer_count > 0 && cemm_minutes_followed(channel);
}

/* ---- series ------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    const struct series *a = &((const struct past *)left)->series;
    const struct series *b = &((const struct past *)right)->series;
    int r = strcmp(a->uid.text, b->uid.text);

    if (r == 0)
        r = strcmp(a->alias, b->alias);
    return r ? r : strcmp(a->channel, b->channel);
}

static void meet_first(struct backfill *backfill, const struct past *key)
{
    struct past *past =
        calloc(1, sizeof(*past) + backfill->writer_count * sizeof(past->strands[0]));

    if (!past)
        return; /* met again with the next sample */
    *past = *key;
    if (!tsearch(past, &backfill->tree, compare)) {
        free(past);
        return;
    }
    for (size_t i = 0; i < backfill->writer_count; i++)
        past->strands[i] = (struct strand){.past = past, .writer = &backfill->writers[i]};
    past->next = backfill->first;
    backfill->first = past;
}

void backfill_meet(struct backfill *backfill, const struct block *block,
                   const struct cemm_identity *identity, const struct series *series)
{
    const struct past key = {.series = *series, .identity = *identity, .block = block};

    if (!tfind(&key, &backfill->tree, compare))
        meet_first(backfill, &key);
}

/* ---- one round of a strand ------------------------------------------------------------ */

static bool missing(struct backfill *backfill, const struct strand *strand, int64_t from,
                    int64_t *ret_from, int64_t *ret_until)
{
    return state_missing(backfill->state, strand->writer->name, &strand->past->series, from,
                         cemm_clock_wall(), ret_from, ret_until);
}

static void rest(struct backfill *backfill, struct strand *strand, int64_t pause)
{
    strand->state = RESTS;
    strand->due = backfill->now + pause;
}

/* All that could be had has been given. */
static void end_round(struct backfill *backfill, struct strand *strand)
{
    int64_t pause = strand->past->block->interval;

    if (pause < REST_MS)
        pause = REST_MS;
    strand->pause = strand->gave || !strand->pause ? pause : 2 * strand->pause;
    if (strand->pause > REST_MAX_MS)
        strand->pause = REST_MAX_MS;
    strand->retry = backfill->now + strand->pause;
    strand->looked = cemm_clock_wall();
    rest(backfill, strand, pause);
}

struct arrival {
    struct backfill *backfill;
    struct strand *strand;
};

static void take_day(void *data, const struct cemm_answer *answer);

/* Fetches the day of the oldest minute from the cursor on that is missing. */
static void proceed(struct backfill *backfill, struct strand *strand)
{
    const struct series *series = &strand->past->series;
    struct cemm_query query = {.uid = series->uid, .endpoint = CEMM_DATA};
    struct arrival *arrival;
    int64_t from;
    int64_t until;

    if (!missing(backfill, strand, strand->cursor, &from, &until)) {
        end_round(backfill, strand);
        return;
    }
    memcpy(query.alias, series->alias, sizeof(query.alias));
    query.period = cemm_period_at(cemm_zone(backfill->cemm), CEMM_DAY, from / 1000);
    arrival = malloc(sizeof(*arrival));
    if (arrival)
        *arrival = (struct arrival){backfill, strand};
    if (!arrival || cemm_get(backfill->cemm, &query, DAY_AGE_MS, take_day, arrival, NULL) < 0) {
        free(arrival);
        end_round(backfill, strand);
        return;
    }
    strand->cursor = from;
    strand->day = query.period;
    strand->state = FETCHES;
    backfill->fetches++;
}

static void next_day(struct backfill *backfill, struct strand *strand)
{
    strand->cursor = cemm_period_end(cemm_zone(backfill->cemm), &strand->day) * 1000;
    proceed(backfill, strand);
}

/* NULL: there is nothing to give, or no memory to do it. */
static struct batch *make_batch(struct strand *strand, const struct cemm_series *series)
{
    const struct past *past = strand->past;
    struct batch *batch = calloc(1, sizeof(*batch) + series->count * sizeof(batch->rows[0]));

    if (!batch)
        return NULL;
    batch->owner = strand;
    batch->writer = strand->writer->name;
    batch->block = past->block;
    batch->identity = past->identity;
    batch->series = past->series;
    batch->count = series->count;
    for (size_t i = 0; i < series->count; i++)
        batch->rows[i] = (struct row){.time = series->samples[i].time,
                                      .value = series->samples[i].value * past->identity.factor};
    return batch;
}

/* What the strand's writer lacks of a day. */
static struct batch *pick(struct backfill *backfill, struct strand *strand,
                          const struct cemm_document *day)
{
    const char *channel = strand->past->series.channel;
    struct cemm_document *picked = state_pick(backfill->state, strand->writer->name, day, channel);
    const struct cemm_series *series = picked ? cemm_document_channel(picked, channel) : NULL;
    struct batch *batch = series ? make_batch(strand, series) : NULL;

    cemm_document_unref(picked);
    return batch;
}

static void take_day(void *data, const struct cemm_answer *answer)
{
    struct arrival arrival = *(struct arrival *)data;
    struct backfill *backfill = arrival.backfill;
    struct strand *strand = arrival.strand;
    struct batch *batch;

    free(data);
    backfill->fetches--;
    strand->state = RESTS;
    if (answer->result == -ECANCELED)
        return;
    if (answer->result != 0 || !answer->document) {
        end_round(backfill, strand); /* the library's log says why */
        return;
    }
    batch = pick(backfill, strand, answer->document);
    if (!batch) {
        next_day(backfill, strand);
        return;
    }
    strand->state = GIVES;
    giver_give(backfill->giver, batch);
}

/* ---- writers ---------------------------------------------------------------------------- */

static void writer_failed(struct backfill *backfill, struct writer *writer, int status)
{
    if (!writer->complained && status == ENOENT)
        plugin_log(LOG_WARNING,
                   "cemm plugin: <Backfill>: there is no writer \"%s\"; history waits for it",
                   writer->name);
    else if (!writer->complained)
        plugin_log(LOG_WARNING,
                   "cemm plugin: <Backfill>: the writer \"%s\" did not take a value (%d); it is "
                   "tried again",
                   writer->name, status);
    writer->complained = true;
    writer->pause = writer->pause ? 2 * writer->pause : WRITER_MS;
    if (writer->pause > WRITER_MAX_MS)
        writer->pause = WRITER_MAX_MS;
    writer->due = backfill->now + writer->pause;
}

static void writer_took(struct writer *writer)
{
    if (writer->complained)
        plugin_log(LOG_INFO, "cemm plugin: <Backfill>: the writer \"%s\" takes history now",
                   writer->name);
    writer->complained = false;
    writer->pause = 0;
}

static void settle(struct backfill *backfill, const struct batch *batch)
{
    struct strand *strand = batch->owner;

    if (batch->given > 0) {
        writer_took(strand->writer);
        strand->gave = true;
    }
    if (batch->given == batch->count) {
        next_day(backfill, strand);
        return;
    }
    if (batch->status != 0 && batch->status != GIVER_NOT_LIVE)
        writer_failed(backfill, strand->writer, batch->status);
    rest(backfill, strand, LIVE_MS);
}

/* ---- all strands ---------------------------------------------------------------------- */

static bool is_live(struct backfill *backfill, struct past *past)
{
    if (!giver_is_live(past->block, &past->identity)) {
        past->live = 0;
        return false;
    }
    if (!past->live)
        past->live = backfill->now;
    return backfill->now - past->live >= LIVE_MS;
}

/* Whether there is a reason for a round now: it is time to ask again, or more is missing. */
static bool has_reason(struct backfill *backfill, struct strand *strand)
{
    int64_t from;
    int64_t until;

    return backfill->now >= strand->retry ||
           missing(backfill, strand, strand->looked - 2 * MINUTE_MS, &from, &until);
}

static void look(struct backfill *backfill, struct strand *strand)
{
    if (strand->state != RESTS || strand->due > backfill->now ||
        strand->writer->due > backfill->now || backfill->fetches >= FETCHES_MAX)
        return;
    if (!is_live(backfill, strand->past)) {
        rest(backfill, strand, LIVE_MS);
    } else if (!has_reason(backfill, strand)) {
        rest(backfill, strand, REST_MS);
    } else {
        strand->cursor = 0;
        strand->gave = false;
        proceed(backfill, strand);
    }
}

/* Begins where the last walk ended, so that the places for fetches go round. */
static void walk(struct backfill *backfill)
{
    struct past *past = backfill->turn ? backfill->turn : backfill->first;
    struct past *begun = past;

    while (past && backfill->fetches < FETCHES_MAX) {
        for (size_t i = 0; i < backfill->writer_count; i++)
            look(backfill, &past->strands[i]);
        past = past->next ? past->next : backfill->first;
        if (past == begun)
            break;
    }
    backfill->turn = past;
}

int backfill_step(struct backfill *backfill, int64_t now)
{
    struct batch *batch;

    if (!backfill->writer_count)
        return INTERVAL_MAX_MS;
    backfill->now = now;
    while ((batch = giver_take(backfill->giver))) {
        settle(backfill, batch);
        free(batch);
    }
    if (now >= backfill->look) {
        walk(backfill);
        backfill->look = now + LOOK_MS;
    }
    return (int)(backfill->look - now);
}
