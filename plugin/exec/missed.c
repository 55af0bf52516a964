/*
 * Minutes of electric_power and flow in which nothing was given are asked for
 * when their meter answers again, and come before that answer. They are those
 * of the API's days.
 *
 * A gap ends where the answer's own sample lies: what comes after that may
 * still come live, and what comes before it can't any more. So each answer
 * closes at most one gap, and that is asked for at once, however soon after
 * another. A gap that was asked for and could not be had (the device was off,
 * the source fails) is what rests: it is not asked for again and again.
 *
 * The file says what was given, and nothing else: minutes, and the newest
 * sample of each series. Lines are added to it when what they speak of has
 * been written, so a program that is killed gives a sample twice rather than
 * never. So that it is not many, minutes are handed out few at a time.
 */
#include "plugin/exec/missed.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define HELD_MAX  64    /* answers of one meter that wait: an hour's, at one a minute */
#define REST_MS   60000 /* of what was asked for and could not be had */
#define REST_MAX  3600000
#define MINUTE_MS 60000
#define PIECE     16 /* minutes that are handed out together */

/* A meter, and how far it has come. Times are Unix milliseconds but where it says otherwise. */
struct past {
    struct missed *missed;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    int64_t since;  /* what lies before has been asked for, and the API had its rows */
    int64_t asked;  /* what lies before has been asked for, and rests until it is due again */
    int64_t due;    /* monotonic */
    int64_t pause;  /* the last one */
    int64_t cursor; /* of this look: how far it is */
    bool looking;   /* a day is being fetched, for what lies before held[0] */
    bool gave;      /* in this look */
    size_t held_count;
    struct cemm_document *held[HELD_MAX]; /* oldest first */
};

struct missed {
    const char *path;
    struct cemm *cemm;
    struct speech *speech;
    missed_give_fn *give;
    void *data;
    struct cemm_minutes *minutes;
    void *tree; /* of struct past */
    size_t waiting;
    bool complained; /* that the file can't be written */
};

static struct cemm_minutes_key key_of(const struct cemm_query *query, const char *channel)
{
    return (struct cemm_minutes_key){
        .taker = "", .uid = &query->uid, .alias = query->alias, .channel = channel};
}

/* ---- the file ------------------------------------------------------------------ */

static int write_news(struct missed *missed, struct cemm_words *words)
{
    struct cemm_minutes_news news;
    int r = cemm_minutes_take(missed->minutes, false, cemm_clock_wall(), &news);
    if (r < 0)
        return r;
    r = cemm_minutes_write(&news, missed->path, words);
    cemm_minutes_settle(missed->minutes, &news, r);
    return r;
}

void missed_keep(struct missed *missed)
{
    struct cemm_words words = {"no memory to write the state file"};
    int r = write_news(missed, &words);
    if (r < 0 && !missed->complained)
        r = write_news(missed, &words); /* whole: it was removed, or half a line stands in it */
    if (r < 0 && !missed->complained)
        speech_say(missed->speech, CEMM_LOG_WARNING, "%s", words.text);
    missed->complained = r < 0;
}

static int note_series(struct missed *missed, const struct cemm_query *query,
                       const struct cemm_series *series)
{
    const struct cemm_minutes_key key = key_of(query, series->channel);
    int64_t newest = 0;
    for (size_t i = 0; i < series->count; i++) {
        newest = series->samples[i].time; /* oldest first */
        int r = cemm_minutes_mark(missed->minutes, &key, newest);
        if (r < 0)
            return r;
    }
    return newest > 0 ? cemm_minutes_note(missed->minutes, &key, newest) : 0;
}

int missed_given(struct missed *missed, const struct cemm_document *document)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = note_series(missed, cemm_document_query(document), &series[i]);
    return r;
}

int missed_remind(const struct missed *missed, struct cemm_ledger *ledger,
                  const struct cemm_document *document)
{
    const struct cemm_query *query = cemm_document_query(document);
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        const struct cemm_minutes_key key = key_of(query, series[i].channel);
        int64_t newest = cemm_minutes_newest(missed->minutes, &key, cemm_clock_wall());
        r = newest > 0 ? cemm_ledger_know(ledger, &key, newest) : 0;
    }
    return r;
}

/* ---- meters -------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct past *a = left;
    const struct past *b = right;
    int r = strcmp(a->uid.text, b->uid.text);
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

static struct past *past_get(struct missed *missed, const struct cemm_query *query)
{
    struct past *past = calloc(1, sizeof(*past));
    if (past == NULL)
        return NULL;
    past->missed = missed;
    past->uid = query->uid;
    memcpy(past->alias, query->alias, sizeof(past->alias));
    struct past **place = tsearch(past, &missed->tree, compare);
    if (place == NULL || *place != past)
        free(past);
    return place != NULL ? *place : NULL;
}

static void past_free(void *data)
{
    struct past *past = data;
    for (size_t i = 0; i < past->held_count; i++)
        cemm_document_unref(past->held[i]);
    free(past);
}

static int hold(struct past *past, struct cemm_document *document)
{
    if (past->held_count == HELD_MAX)
        return -ENOBUFS;
    past->held[past->held_count++] = cemm_document_ref(document);
    past->missed->waiting++;
    return 0;
}

/* Gives the oldest answer that waits. */
static void give_held(struct past *past)
{
    struct missed *missed = past->missed;
    struct cemm_document *document = past->held[0];
    past->held_count--;
    missed->waiting--;
    memmove(past->held, past->held + 1, past->held_count * sizeof(struct cemm_document *));
    missed->give(missed->data, document, false);
    cemm_document_unref(document);
}

/* ---- a look ------------------------------------------------------------------------ */

static struct cemm_query day_query(const struct past *past, int64_t time)
{
    const struct cemm_zone *zone = cemm_zone(past->missed->cemm);
    struct cemm_query query = {
        .uid = past->uid,
        .endpoint = CEMM_DATA,
        .period = cemm_period_at(zone, CEMM_DAY, time / 1000),
    };
    memcpy(query.alias, past->alias, sizeof(query.alias));
    return query;
}

/* The moment at which an answer came, for cemm_minutes_missing(): all minutes before the one of its
 * sample are over by a minute. 0: it has no sample of that channel. */
static int64_t moment(const struct cemm_document *answer, const char *channel)
{
    const struct cemm_series *series = cemm_document_channel(answer, channel);
    if (series == NULL || series->count == 0)
        return 0;
    return (series->samples[series->count - 1].time / MINUTE_MS + 1) * MINUTE_MS;
}

/* That of all its channels together. */
static int64_t last_moment(const struct cemm_document *answer)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(answer, &count);
    int64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (cemm_minutes_followed(series[i].channel) && moment(answer, series[i].channel) > last)
            last = moment(answer, series[i].channel);
    }
    return last;
}

/* The first minute at or after `since` that is missing before an answer, of any channel that it
 * has; false: none. */
static bool first_missing(const struct past *past, const struct cemm_document *answer,
                          int64_t since, int64_t *ret_from)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(answer, &count);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        const char *channel = series[i].channel;
        const struct cemm_minutes_key key = key_of(cemm_document_query(answer), channel);
        int64_t from;
        int64_t until;
        if (!cemm_minutes_followed(channel) ||
            !cemm_minutes_missing(past->missed->minutes, &key, since, moment(answer, channel),
                                  &from, &until))
            continue;
        if (!found || from < *ret_from)
            *ret_from = from;
        found = true;
    }
    return found;
}

/* Whether something is missing before an answer that is to be asked for now. */
static bool wants_look(struct past *past, const struct cemm_document *answer)
{
    int64_t from;
    if (!first_missing(past, answer, past->since, &from)) {
        past->pause = 0; /* what was asked for has come, or has left the window */
        return false;
    }
    int64_t rested = past->asked > past->since ? past->asked : past->since;
    return cemm_clock_steady() >= past->due || first_missing(past, answer, rested, &from);
}

static void look_on(struct past *past);

static void begin_look(struct past *past)
{
    past->cursor = past->since;
    past->gave = false;
    look_on(past);
}

/* Gives the answers that wait, up to one before which something else is missing. */
static void release(struct past *past)
{
    do
        give_held(past);
    while (past->held_count > 0 && !wants_look(past, past->held[0]));
    if (past->held_count > 0)
        begin_look(past);
}

/* It has come to its end, or can't go on; what it did not find rests for longer each time. */
static void end_look(struct past *past, bool failed)
{
    past->looking = false;
    past->pause = past->gave || failed || past->pause == 0 ? REST_MS : 2 * past->pause;
    if (past->pause > REST_MAX)
        past->pause = REST_MAX;
    past->due = cemm_clock_steady() + past->pause;
    past->asked = last_moment(past->held[0]) - MINUTE_MS;
    release(past);
}

/* Gives what was missed of a day's channel. Returns 0 or -ENOMEM. */
static int give_channel(struct past *past, const struct cemm_document *day,
                        const struct cemm_series *series)
{
    struct missed *missed = past->missed;
    int64_t until = moment(past->held[0], series->channel);
    size_t given = PIECE;
    for (size_t pieces = series->count / PIECE + 1; given == PIECE && pieces > 0; pieces--) {
        struct cemm_document *picked =
            cemm_minutes_pick(missed->minutes, "", day, series->channel, PIECE, until);
        if (picked == NULL)
            return -ENOMEM;
        const struct cemm_series *minutes = cemm_document_channel(picked, series->channel);
        given = minutes != NULL ? minutes->count : 0;
        if (given > 0)
            missed->give(missed->data, picked, true);
        past->gave |= given > 0;
        cemm_document_unref(picked);
    }
    return 0;
}

/* What lies before the day's last row and has none itself will hardly get one. */
static int give_day(struct past *past, const struct cemm_document *day)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(day, &count);
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        if (cemm_minutes_followed(series[i].channel))
            r = give_channel(past, day, &series[i]);
    }
    int64_t since = (cemm_document_newest(day) / MINUTE_MS + 1) * MINUTE_MS;
    if (since > past->since)
        past->since = since;
    return r;
}

static void take_day(void *data, const struct cemm_answer *answer)
{
    struct past *past = data;
    const struct cemm_zone *zone = cemm_zone(past->missed->cemm);
    if (answer->result == -ECANCELED)
        return; /* the end */
    bool there = answer->result == 0 || answer->result == CEMM_ABSENT;
    if (!there || (answer->document != NULL && give_day(past, answer->document) < 0)) {
        end_look(past, true); /* the library's log says what it was */
        return;
    }
    const struct cemm_query query = day_query(past, past->cursor);
    past->cursor = cemm_period_end(zone, &query.period) * 1000;
    look_on(past);
}

/* Goes on with the day of the next minute that is missing; else it is over. */
static void look_on(struct past *past)
{
    int64_t from;
    if (!first_missing(past, past->held[0], past->cursor, &from)) {
        end_look(past, false);
        return;
    }
    past->cursor = from;
    const struct cemm_query query = day_query(past, from);
    past->looking = true;
    if (cemm_get(past->missed->cemm, &query, 0, take_day, past, NULL) < 0)
        end_look(past, true);
}

int missed_take(struct missed *missed, struct cemm_document *document)
{
    struct past *past = past_get(missed, cemm_document_query(document));
    if (past == NULL)
        return -ENOMEM;
    bool wants = !past->looking && wants_look(past, document);
    if ((past->looking || wants) && hold(past, document) == 0) {
        if (wants)
            begin_look(past);
        return 0;
    }
    missed->give(missed->data, document, false);
    return 0;
}

size_t missed_waiting(const struct missed *missed)
{
    return missed->waiting;
}

/* ---- beginning and end --------------------------------------------------------------- */

struct missed *missed_open(const char *path, struct cemm *cemm, struct speech *speech,
                           missed_give_fn *give, void *data)
{
    struct missed *missed = calloc(1, sizeof(*missed));
    struct cemm_words words = {""};
    if (missed == NULL)
        return NULL;
    *missed = (struct missed){
        .path = path,
        .cemm = cemm,
        .speech = speech,
        .give = give,
        .data = data,
        .minutes = cemm_minutes_new(MISSED_WINDOW),
    };
    if (missed->minutes == NULL) {
        free(missed);
        return NULL;
    }
    int r = cemm_minutes_load(missed->minutes, path, &words);
    if (r == -ENOMEM) { /* what the file says would be lost */
        missed_close(missed);
        return NULL;
    }
    if (r < 0)
        speech_say(speech, CEMM_LOG_WARNING, "%s", words.text);
    missed_keep(missed);
    return missed;
}

void missed_close(struct missed *missed)
{
    if (missed == NULL)
        return;
    tdestroy(missed->tree, past_free);
    cemm_minutes_free(missed->minutes);
    free(missed);
}
