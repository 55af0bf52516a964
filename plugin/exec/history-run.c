/*
 * Fetches several periods at a time and writes them oldest first. Answers that
 * come early wait in a ring of slots, whose size does not depend on the range.
 *
 * If no answer comes, the period is requested again: an import of ten years
 * must not lose a week to a short outage. During the library's backoff requests
 * fail at once, so the pauses here need not grow. A meter whose retries have
 * failed gets no more until it answers.
 *
 * The text goes out in pieces of whole lines, so memory is bounded.
 */
#include "plugin/exec/history-run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/exec/cause.h"
#include "plugin/exec/wait.h"

#define WINDOW 16 /* requests at a time */

/* Meters whose rows of one period are sorted by time together; more meters are written group by
 * group. This limits memory. */
#define GROUP 64

#define FRESH_MS 60000 /* how old a running period may be */
#define TRIES    7     /* after no answer */
#define PAUSE_MS 2000  /* before each */

enum slot_state { FREE, WAITING, IN_FLIGHT, PAUSED, DONE };

struct history_slot {
    struct history *history;
    struct history_item item;
    enum slot_state state;
    unsigned tries;
    int64_t again; /* end of the pause (monotonic) */
    int result;
    struct cemm_document *document;
    struct cemm_message message;
};

/* Documents are numbered period by period, in each meter by meter. */
static struct history_item item_of(const struct history *history, size_t number)
{
    size_t period = number / history->width;
    size_t meter = number / history->columns % history->meter_count;
    return (struct history_item){
        .period_index = period,
        .meter_index = meter,
        .column = number % history->columns,
        .period = cemm_period_step(&history->first, (int)period),
        .meter = &history->meters[meter],
        .last = (number + 1) % history->width == 0,
    };
}

static struct history_slot *slot_of(const struct history *history, size_t number)
{
    return &history->slots[number % history->slot_count];
}

/* ---- asking -------------------------------------------------------------------- */

static bool is_silence(int result)
{
    return result == -ETIMEDOUT || result == -EHOSTUNREACH;
}

static void end_slot(struct history_slot *slot, int result, const char *message)
{
    slot->state = DONE;
    slot->result = result;
    copy_text(slot->message.text, sizeof(slot->message.text), message);
}

static void take_answer(void *data, const struct cemm_answer *answer)
{
    struct history_slot *slot = data;
    struct history_meter *meter = slot->item.meter;
    slot->history->in_flight--;
    if (is_silence(answer->result) && slot->tries < TRIES && !meter->down) {
        slot->state = PAUSED;
        slot->again = cemm_clock_steady() + PAUSE_MS;
        slot->tries++;
        return;
    }
    meter->down = is_silence(answer->result);
    if (answer->result == 0)
        slot->document = cemm_document_ref(answer->document);
    end_slot(slot, answer->result, answer->message);
}

/* Nothing is requested before the first day. */
static bool before_first(const struct history_item *item)
{
    const struct cemm_period *since = &item->meter->since;
    return since->year != 0 && item->period.span == CEMM_DAY &&
           cemm_period_compare(&item->period, since) < 0;
}

static enum history_need need(const struct history *history, const struct history_item *item,
                              struct cemm_query *query)
{
    if (before_first(item))
        return HISTORY_NOT_NEEDED;
    return history->use ? history->use->ask(history->data, item, query) : HISTORY_NEEDED;
}

static void ask(struct history_slot *slot)
{
    struct history *history = slot->history;
    const struct history_item *item = &slot->item;
    struct cemm_query query = {
        .uid = item->meter->uid,
        .endpoint = CEMM_DATA,
        .period = item->period,
    };
    copy_text(query.alias, sizeof(query.alias), item->meter->alias);
    slot->item.next = slot == slot_of(history, history->head);
    switch (need(history, item, &query)) {
    case HISTORY_NEEDED:
        break;
    case HISTORY_NOT_NEEDED:
        end_slot(slot, CEMM_ABSENT, "");
        return;
    case HISTORY_LATER:
        slot->state = WAITING;
        return;
    }
    int r = cemm_get(history->session.cemm, &query, FRESH_MS, take_answer, slot, NULL);
    if (r < 0) {
        end_slot(slot, r, strerror(-r));
        return;
    }
    slot->state = IN_FLIGHT;
    history->in_flight++;
}

static void ask_more(struct history *history)
{
    int64_t now = cemm_clock_steady();
    for (size_t number = history->head; number < history->next && history->in_flight < WINDOW;
         number++) {
        struct history_slot *slot = slot_of(history, number);
        bool paused = slot->state == PAUSED && slot->again <= now;
        if (paused || (slot->state == WAITING && number == history->head))
            ask(slot);
    }
    while (history->next < history->total && history->next - history->head < history->slot_count &&
           history->in_flight < WINDOW) {
        struct history_slot *slot = slot_of(history, history->next);
        *slot = (struct history_slot){.history = history, .item = item_of(history, history->next)};
        history->next++;
        ask(slot);
    }
}

/* ---- the text, piece by piece ----------------------------------------------------- */

/* Seconds between the rows of a day, a month, a year. */
static const double cadences[] = {[CEMM_DAY] = 60, [CEMM_MONTH] = 86400, [CEMM_YEAR] = 30 * 86400};

/* The documents of the next `count` slots. Returns how many there are. */
static size_t collect(struct history *history, size_t count,
                      const struct cemm_document *ret_documents[GROUP])
{
    size_t document_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct history_slot *slot = slot_of(history, history->head + i);
        if (!slot->document)
            continue;
        ret_documents[document_count++] = slot->document;
        slot->item.meter->rows += !cemm_document_empty(slot->document);
    }
    return document_count;
}

static bool is_openmetrics(const struct history *history)
{
    return history->render.format == EXEC_FORMAT_OPENMETRICS;
}

/* Everything is written with the last period. */
static int put_metrics(struct history *history, size_t count, bool last,
                       struct cemm_message *message)
{
    const struct cemm_document *documents[GROUP];
    size_t document_count = collect(history, count, documents);
    int r = 0;
    for (size_t i = 0; r == 0 && i < document_count; i++)
        r = openmetrics_add(&history->openmetrics, documents[i], message);
    if (r == 0 && last)
        r = openmetrics_write(&history->openmetrics, &history->output, message);
    return r;
}

static int print_rows(struct history *history, size_t count, bool last, FILE *stream)
{
    const struct cemm_document *documents[GROUP];
    size_t document_count = collect(history, count, documents);
    int r = 0;
    if (count == 0 || document_count > 0)
        r = render_rows(&history->render, documents, document_count, stream);
    if (last)
        render_end(&history->render, stream);
    return r;
}

/* The same for another command. */
static int use_rows(struct history *history, size_t count, bool last, FILE *stream)
{
    int r = 0;
    if (count == 0)
        history->use->frame(history->data, last, stream);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const struct history_slot *slot = slot_of(history, history->head + i);
        r = history->use->take(history->data, &slot->item, slot->result, slot->document, stream);
        if (r > 0)
            slot->item.meter->rows += (size_t)r;
    }
    return r < 0 ? r : 0;
}

/* Writes the text of `count` slots; with none, the text before or (`last`) after all rows. */
static int put_rows(struct history *history, size_t count, bool last, struct cemm_message *message)
{
    if (is_openmetrics(history))
        return put_metrics(history, count, last, message);
    char *text = NULL;
    size_t length = 0;
    FILE *stream = cemm_text_open(&text, &length);
    if (!stream)
        return -ENOMEM;
    int r = (history->use ? use_rows : print_rows)(history, count, last, stream);
    if (fclose(stream) != 0 && r == 0)
        r = -ENOMEM;
    if (r == 0)
        r = output_put(&history->output, text, length, message);
    free(text);
    return r;
}

/* ---- messages --------------------------------------------------------------------- */

static struct finding finding_of(const struct history_meter *meter)
{
    struct finding finding = {.kind = FINDING_PROBLEM, .result = meter->result};
    char first[CEMM_TIME_SIZE];
    char last[CEMM_TIME_SIZE] = "";
    cemm_period_format(&meter->failed_first, first, sizeof(first));
    if (meter->failed > 1)
        cemm_period_format(&meter->failed_last, last, sizeof(last));
    (void)snprintf(finding.periods, sizeof(finding.periods), "%.10s%s%.10s", first,
                   meter->failed > 1 ? " to " : "", last);
    copy_text(finding.uid, sizeof(finding.uid), meter->uid.text);
    copy_text(finding.alias, sizeof(finding.alias), meter->alias);
    copy_text(finding.message, sizeof(finding.message), meter->message.text);
    return finding;
}

/* Reports the failures of these meters, and forgets them. */
static void report_failures(struct history_meter *meters, size_t count)
{
    struct finding *findings = calloc(count, sizeof(*findings));
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (findings && meters[i].failed > 0)
            findings[failed++] = finding_of(&meters[i]);
        meters[i].failed = 0;
    }
    cause_report(findings, failed);
    free(findings);
}

/* A period has failed if one of its documents has. */
static void note_result(struct history *history, const struct history_slot *slot)
{
    struct history_meter *meter = slot->item.meter;
    const struct cemm_period *period = &slot->item.period;
    bool last = slot->item.column + 1 == history->columns;
    bool noted = meter->failed > 0 && cemm_period_compare(&meter->failed_last, period) == 0;
    if (slot->result == 0 || slot->result == CEMM_ABSENT) {
        if (last && !noted && meter->failed > 0)
            report_failures(meter, 1);
        return;
    }
    history->failed = true;
    if (noted)
        return;
    if (meter->failed++ == 0) {
        meter->failed_first = *period;
        meter->message = slot->message;
        meter->result = slot->result;
    }
    meter->failed_last = *period;
}

/* ---- writing ----------------------------------------------------------------------- */

/* How many slots are written together: those of one period, up to a limit. Another command takes
 * them one by one, because later ones may depend on them. */
static size_t group_size(const struct history *history)
{
    if (history->use)
        return 1;
    size_t left = history->width - history->head % history->width;
    return left < GROUP ? left : GROUP;
}

static bool group_done(const struct history *history, size_t count)
{
    bool done = history->head + count <= history->next;
    for (size_t i = 0; done && i < count; i++)
        done = slot_of(history, history->head + i)->state == DONE;
    return done;
}

static int write_group(struct history *history, size_t count, struct cemm_message *message)
{
    for (size_t i = 0; i < count; i++)
        note_result(history, slot_of(history, history->head + i));
    int r = put_rows(history, count, false, message);
    for (size_t i = 0; i < count; i++) {
        struct history_slot *slot = slot_of(history, history->head + i);
        cemm_document_unref(slot->document);
        *slot = (struct history_slot){.history = history};
    }
    history->head += count;
    return r;
}

static int write_done(struct history *history, struct cemm_message *message)
{
    int r = 0;
    while (r == 0 && history->head < history->total) {
        size_t count = group_size(history);
        if (!group_done(history, count))
            break;
        r = write_group(history, count, message);
    }
    return r;
}

/* ---- the loop ------------------------------------------------------------------------ */

static int timeout(const struct history *history)
{
    int64_t now = cemm_clock_steady();
    int shortest = message_timeout();
    for (size_t number = history->head; number < history->next; number++) {
        const struct history_slot *slot = slot_of(history, number);
        if (slot->state == PAUSED)
            shortest = wait_until(now, slot->again, shortest);
    }
    return shortest;
}

static void show_progress(const struct history *history)
{
    static const char *const names[] = {
        [CEMM_DAY] = "days", [CEMM_MONTH] = "months", [CEMM_YEAR] = "years"};
    /* Otherwise the rows show the progress. */
    if (history->output.path || !isatty(STDOUT_FILENO) || is_openmetrics(history))
        message_progress(history->head / history->width, history->period_count,
                         names[history->options->span]);
}

/* One turn of the library. An ending signal ends the process. */
static int turn(struct history *history)
{
    struct wait wait = {
        .timeout_ms = timeout(history),
        .output_fd = history->output.path ? -1 : STDOUT_FILENO,
        .input_fd = -1,
    };
    int r = wait_once(history->session.cemm, &wait);
    if (r <= 0)
        return r;
    message_clear();
    output_drop(&history->output);
    signals_die(r);
}

static int fetch_and_write(struct history *history, struct cemm_message *message)
{
    int r = 0;
    while (r == 0 && history->head < history->total) {
        size_t head = history->head;
        ask_more(history);
        r = write_done(history, message);
        show_progress(history);
        if (r == 0 && history->head == head) /* otherwise there is room for more */
            r = turn(history);
    }
    message_clear();
    return r;
}

static bool any_row(const struct history *history)
{
    if (history->use)
        return history->use->any_row(history->data);
    for (size_t i = 0; i < history->meter_count; i++) {
        if (history->meters[i].rows > 0)
            return true;
    }
    return false;
}

static int run_all(struct history *history, struct cemm_message *message)
{
    const struct exec_options *options = history->options;
    history->columns = history->use ? history->use->columns : 1;
    history->width = history->meter_count * history->columns;
    history->total = history->period_count * history->width;
    history->slot_count = (history->width < GROUP ? history->width : GROUP) + WINDOW;
    history->slots = calloc(history->slot_count, sizeof(*history->slots));
    if (!history->slots)
        return -ENOMEM;
    render_init(&history->render, options->format, cemm_zone(history->session.cemm),
                cadences[options->span]);
    int r = is_openmetrics(history) ? openmetrics_begin(&history->openmetrics, message) : 0;
    if (r == 0)
        r = output_begin(&history->output, options->output, message);
    if (r == 0)
        r = put_rows(history, 0, false, message);
    if (r == 0)
        r = fetch_and_write(history, message);
    bool whole = r == 0 && (any_row(history) || !options->output);
    history->left = r == 0 && !whole; /* the old file is better than an empty one */
    if (whole)
        r = put_rows(history, 0, true, message);
    if (whole && r == 0)
        return output_end(&history->output, message);
    output_drop(&history->output);
    return r;
}

/* The time shows whether the zone is wrong. */
void history_report_empty(const struct history *history, const char *what)
{
    char now[CEMM_TIME_SIZE];
    cemm_time_format(cemm_zone(history->session.cemm), cemm_clock_wall() / 1000 * 1000, now);
    message_print(CEMM_LOG_ERROR,
                  "%s; if the dates are right, the time zone is probably not the meter's (set "
                  "time-zone): it is %s there",
                  what, now);
}

/* A METER uid/alias was not looked for first. */
static void report_elsewhere(struct history *history)
{
    for (size_t i = 0; i < history->meter_count; i++) {
        struct history_meter *meter = &history->meters[i];
        struct cemm_message message;
        if (meter->rows > 0 || !cemm_elsewhere(history->session.cemm, &meter->uid, &message))
            continue;
        message_about(CEMM_LOG_ERROR, meter->uid.text, meter->alias, message.text);
        meter->elsewhere = history->failed = true;
    }
}

/* No data at all is an error, mostly a wrong date; no data of one meter is a warning. */
static void report_end(struct history *history)
{
    report_failures(history->meters, history->meter_count);
    report_elsewhere(history);
    if (history->use) {
        history->failed = !history->use->report(history->data) || history->failed;
        return;
    }
    if (!any_row(history) && !history->failed) {
        history_report_empty(history, "there is no data for these dates");
        history->failed = true;
        return;
    }
    for (size_t i = 0; i < history->meter_count && !history->failed; i++) {
        const struct history_meter *meter = &history->meters[i];
        if (meter->rows == 0)
            message_about(CEMM_LOG_WARNING, meter->uid.text, meter->alias,
                          "there is no data for these dates");
    }
}

enum exec_exit history_run(struct history *history)
{
    struct cemm_message message = {""};
    int r = run_all(history, &message);
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "%s", message.text[0] != '\0' ? message.text : strerror(-r));
        return EXEC_FAILED;
    }
    report_end(history);
    if (history->left) {
        message_print(CEMM_LOG_ERROR, OUTPUT_LEFT, history->options->output);
        history->failed = true;
    }
    if (history->render.refused > 0)
        message_print(CEMM_LOG_WARNING,
                      "%zu samples left out: their names are too long for collectd",
                      history->render.refused);
    return history->failed ? EXEC_FAILED : EXEC_OK;
}

void history_clear(struct history *history)
{
    for (size_t i = 0; history->slots && i < history->slot_count; i++)
        cemm_document_unref(history->slots[i].document);
    free(history->slots);
    openmetrics_clear(&history->openmetrics);
    free(history->meters);
}
