/*
 * Fetches several periods at a time and writes them oldest first. Answers that
 * come early wait in a ring of slots, whose size does not depend on the range.
 *
 * Without an answer a period is asked for again: an import of ten years must
 * not lose a week to a short outage. While the source rests the library fails
 * at once, so the pauses here need not grow. There are no further retries for
 * a meter whose device stays away.
 *
 * The text goes out in pieces of whole lines, so memory is bounded.
 */
#include "plugin/exec/history-run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/exec/output.h"
#include "plugin/exec/render.h"
#include "plugin/exec/wait.h"

#define WINDOW 16 /* requests at a time */

/* Meters whose rows of one period are sorted by time together; more of them come group by group.
 * This bounds memory. */
#define GROUP 64

#define FRESH_MS 60000 /* how old a running period may be (spec §4) */
#define TRIES    7     /* after no answer */
#define PAUSE_MS 2000  /* before each */

enum slot_state { FREE, FLYING, PAUSED, DONE };

struct slot {
    struct run *run;
    enum slot_state state;
    size_t number;
    unsigned tries;
    int64_t again; /* end of the pause (monotonic) */
    int result;
    struct cemm_document *document;
    struct cemm_words words;
};

struct run {
    struct history *history;
    struct output output;
    struct render render;
    struct slot *slots;
    size_t slot_count;
    size_t head; /* oldest number that has not been written */
    size_t next; /* next number to ask for */
    size_t flying;
    bool left; /* the file was left as it was */
    bool closing;
};

static struct slot *slot_of(const struct run *run, size_t number)
{
    return &run->slots[number % run->slot_count];
}

/* ---- asking -------------------------------------------------------------------- */

static bool worth_another_try(const struct slot *slot, int result)
{
    bool silent = result == -ETIMEDOUT || result == -EHOSTUNREACH;
    return silent && slot->tries < TRIES && !history_meter(slot->run->history, slot->number)->down;
}

static void end_slot(struct slot *slot, int result, const char *words)
{
    slot->state = DONE;
    slot->result = result;
    copy_text(slot->words.text, sizeof(slot->words.text), words);
}

static void take_answer(void *data, const struct cemm_answer *answer)
{
    struct slot *slot = data;
    struct run *run = slot->run;
    if (run->closing)
        return;
    run->flying--;
    if (worth_another_try(slot, answer->result)) {
        slot->state = PAUSED;
        slot->again = cemm_clock_steady() + PAUSE_MS;
        slot->tries++;
        return;
    }
    history_meter(run->history, slot->number)->down =
        answer->result == -ETIMEDOUT || answer->result == -EHOSTUNREACH;
    if (answer->result == 0)
        slot->document = cemm_document_ref(answer->document);
    end_slot(slot, answer->result, answer->words);
}

/* Before the first day nothing is asked. */
static bool before_first(const struct history_meter *meter, const struct cemm_period *period)
{
    return meter->since.year != 0 && period->span == CEMM_DAY &&
           cemm_period_compare(period, &meter->since) < 0;
}

static void ask(struct slot *slot)
{
    struct run *run = slot->run;
    const struct history_meter *meter = history_meter(run->history, slot->number);
    struct cemm_query query = {
        .uid = meter->uid,
        .endpoint = CEMM_DATA,
        .period = history_period(run->history, slot->number),
    };
    if (before_first(meter, &query.period)) {
        end_slot(slot, CEMM_ABSENT, "");
        return;
    }
    memcpy(query.alias, meter->alias, sizeof(query.alias));
    int r = cemm_get(run->history->cemm, &query, FRESH_MS, take_answer, slot, NULL);
    if (r < 0) {
        end_slot(slot, r, strerror(-r));
        return;
    }
    slot->state = FLYING;
    run->flying++;
}

static void ask_more(struct run *run)
{
    int64_t now = cemm_clock_steady();
    for (size_t number = run->head; number < run->next && run->flying < WINDOW; number++) {
        struct slot *slot = slot_of(run, number);
        if (slot->state == PAUSED && slot->again <= now)
            ask(slot);
    }
    while (run->next < history_total(run->history) && run->next - run->head < run->slot_count &&
           run->flying < WINDOW) {
        struct slot *slot = slot_of(run, run->next);
        *slot = (struct slot){.run = run, .number = run->next++};
        ask(slot);
    }
}

/* ---- the text, piece by piece ----------------------------------------------------- */

/* Seconds between the rows of a day, a month, a year. */
static const double cadences[] = {[CEMM_DAY] = 60, [CEMM_MONTH] = 86400, [CEMM_YEAR] = 30 * 86400};

/* `last`: also what stands after all rows. */
static int put_rows(struct run *run, const struct cemm_document *const *documents, size_t count,
                    bool last, struct cemm_words *words)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = cemm_text_open(&text, &length);
    if (!stream)
        return -ENOMEM;
    int r = render_rows(&run->render, documents, count, stream);
    if (last)
        render_end(&run->render, stream);
    if (fclose(stream) != 0 && r == 0)
        r = -ENOMEM;
    if (r == 0)
        r = output_put(&run->output, text, length, words);
    free(text);
    return r;
}

/* ---- telling what failed ----------------------------------------------------------- */

static void say_failures(struct history_meter *meter)
{
    char first[CEMM_TIME_SIZE];
    char last[CEMM_TIME_SIZE];
    if (meter->failed == 0)
        return;
    cemm_period_format(&meter->failed_first, first, sizeof(first));
    cemm_period_format(&meter->failed_last, last, sizeof(last));
    bool one = meter->failed == 1;
    message_print(CEMM_LOG_ERROR, "%s/%s %s%s%s: %s", meter->uid.text, meter->alias, first,
                  one ? "" : " to ", one ? "" : last, meter->words.text);
    meter->failed = 0;
}

static void note_result(struct history *history, const struct slot *slot)
{
    struct history_meter *meter = history_meter(history, slot->number);
    if (slot->result == 0 || slot->result == CEMM_ABSENT) {
        say_failures(meter);
        return;
    }
    history->failed = true;
    if (meter->failed++ == 0) {
        meter->failed_first = history_period(history, slot->number);
        meter->words = slot->words;
    }
    meter->failed_last = history_period(history, slot->number);
}

/* ---- writing ----------------------------------------------------------------------- */

/* How many slots are written together: those of one period, up to a limit. */
static size_t group_size(const struct run *run)
{
    size_t meters = run->history->meter_count;
    size_t left = meters - run->head % meters;
    return left < GROUP ? left : GROUP;
}

static bool group_done(const struct run *run, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (run->head + i >= run->next || slot_of(run, run->head + i)->state != DONE)
            return false;
    }
    return true;
}

static size_t count_rows(const struct cemm_document *document)
{
    size_t count = 0;
    size_t rows = 0;
    const struct cemm_series *series = cemm_document_series(document, &count);
    for (size_t i = 0; i < count; i++)
        rows += series[i].count;
    return rows;
}

static int write_group(struct run *run, size_t count, struct cemm_words *words)
{
    const struct cemm_document *documents[GROUP];
    size_t document_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = slot_of(run, run->head + i);
        note_result(run->history, slot);
        if (!slot->document)
            continue;
        documents[document_count++] = slot->document;
        history_meter(run->history, slot->number)->rows += count_rows(slot->document);
    }
    int r = document_count > 0 ? put_rows(run, documents, document_count, false, words) : 0;
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = slot_of(run, run->head + i);
        cemm_document_unref(slot->document);
        *slot = (struct slot){.run = run};
    }
    run->head += count;
    return r;
}

static int write_done(struct run *run, struct cemm_words *words)
{
    int r = 0;
    while (r == 0 && run->head < history_total(run->history)) {
        size_t count = group_size(run);
        if (!group_done(run, count))
            break;
        r = write_group(run, count, words);
    }
    return r;
}

/* ---- the loop ------------------------------------------------------------------------ */

static int timeout(const struct run *run)
{
    int64_t now = cemm_clock_steady();
    int shortest = message_timeout();
    for (size_t number = run->head; number < run->next; number++) {
        const struct slot *slot = slot_of(run, number);
        if (slot->state == PAUSED)
            shortest = wait_until(now, slot->again, shortest);
    }
    return shortest;
}

static void show_progress(const struct run *run)
{
    static const char *const names[] = {
        [CEMM_DAY] = "days", [CEMM_MONTH] = "months", [CEMM_YEAR] = "years"};
    const struct history *history = run->history;
    if (run->output.path || !isatty(STDOUT_FILENO)) /* otherwise the rows show it */
        message_progress(run->head / history->meter_count, history->period_count,
                         names[history->options->span]);
}

/* One turn of the library. An ending signal ends the process. */
static int turn(struct run *run)
{
    struct wait wait = {
        .timeout_ms = timeout(run),
        .output_fd = run->output.path ? -1 : STDOUT_FILENO,
        .input_fd = -1,
    };
    int r = wait_once(run->history->cemm, &wait);
    if (r <= 0)
        return r;
    message_clear();
    output_drop(&run->output);
    signals_die(r);
}

static int fetch_and_write(struct run *run, struct cemm_words *words)
{
    int r = 0;
    while (r == 0 && run->head < history_total(run->history)) {
        size_t head = run->head;
        ask_more(run);
        r = write_done(run, words);
        show_progress(run);
        if (r == 0 && run->head == head) /* otherwise there is room for more */
            r = turn(run);
    }
    message_clear();
    return r;
}

static void free_slots(struct run *run)
{
    for (size_t i = 0; run->slots && i < run->slot_count; i++)
        cemm_document_unref(run->slots[i].document);
    free(run->slots);
}

static bool any_row(const struct history *history)
{
    for (size_t i = 0; i < history->meter_count; i++) {
        if (history->meters[i].rows > 0)
            return true;
    }
    return false;
}

static int run_all(struct run *run, struct cemm_words *words)
{
    const struct exec_options *options = run->history->options;
    size_t group = run->history->meter_count < GROUP ? run->history->meter_count : GROUP;
    run->slot_count = group + WINDOW;
    run->slots = calloc(run->slot_count, sizeof(*run->slots));
    if (!run->slots)
        return -ENOMEM;
    render_init(&run->render, options_format(options), cemm_zone(run->history->cemm),
                cadences[options->span]);
    int r = output_begin(&run->output, options->output, words);
    if (r == 0)
        r = put_rows(run, NULL, 0, false, words);
    if (r == 0)
        r = fetch_and_write(run, words);
    bool whole = r == 0 && (any_row(run->history) || !options->output);
    run->left = r == 0 && !whole; /* the old file is worth more than an empty one */
    if (whole)
        r = put_rows(run, NULL, 0, true, words);
    if (whole && r == 0)
        return output_end(&run->output, words);
    output_drop(&run->output);
    return r;
}

/* The time shows at once whether the zone is wrong. */
void history_say_empty(const struct history *history, const char *what)
{
    char now[CEMM_TIME_SIZE];
    cemm_time_format(cemm_zone(history->cemm), cemm_clock_wall() / 1000 * 1000, now);
    message_print(CEMM_LOG_ERROR,
                  "%s; if the dates are right, the time zone is probably not the meter's (set "
                  "time-zone): it is %s there",
                  what, now);
}

/* No data at all is an error, mostly a wrong date; no data of one meter is a warning. */
static void say_rest(struct history *history)
{
    size_t empty = 0;
    for (size_t i = 0; i < history->meter_count; i++) {
        say_failures(&history->meters[i]);
        empty += history->meters[i].rows == 0;
    }
    if (empty == history->meter_count && !history->failed) {
        history_say_empty(history, "there is no data of that time");
        history->failed = true;
        return;
    }
    for (size_t i = 0; i < history->meter_count && !history->failed; i++) {
        const struct history_meter *meter = &history->meters[i];
        if (meter->rows == 0)
            message_print(CEMM_LOG_WARNING, "%s/%s: there is no data of that time", meter->uid.text,
                          meter->alias);
    }
}

enum exec_exit history_run(struct history *history)
{
    struct run run = {.history = history};
    struct cemm_words words = {""};
    int r = run_all(&run, &words);
    run.closing = true;
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "%s", words.text[0] != '\0' ? words.text : strerror(-r));
        history->failed = true;
    } else {
        say_rest(history);
        if (run.left)
            message_print(CEMM_LOG_ERROR, OUTPUT_LEFT, history->options->output);
        if (run.render.refused > 0)
            message_print(CEMM_LOG_WARNING,
                          "%zu samples left out: their names are too long for collectd",
                          run.render.refused);
    }
    cemm_free(history->cemm); /* ends the requests while the slots exist */
    history->cemm = NULL;
    free_slots(&run);
    return history->failed ? EXEC_FAILED : EXEC_OK;
}
