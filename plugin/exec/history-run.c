/*
 * Several documents are fetched at a time and passed on oldest first. Answers
 * that arrive early wait in a ring of slots, whose size does not depend on the
 * range.
 *
 * A METER uid/alias is used without a search, because the archive may have
 * meters that no source has any more. All other meters are found by a sweep.
 *
 * If no answer arrives, the document is requested again: an import of ten years
 * must not lose a week to a short outage. While the library backs off, requests
 * fail immediately, so the pauses here need not grow. A meter whose retries
 * have failed gets no more retries until it answers.
 */
#include "plugin/exec/history-run.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/exec/wait.h"

#define WINDOW   16    /* requests at a time */
#define FRESH_MS 60000 /* maximum age of data of a period that is not closed */
#define RETRIES  7     /* how often a request is repeated if it gets no answer */
#define PAUSE_MS 2000  /* milliseconds before each repetition */

/* Before a range of more periods than this is fetched, each meter's first day is looked for. */
#define LONG_RANGE 366

/* The API has no times before 2000. */
static const struct cemm_period earliest = {CEMM_DAY, 2000, 1, 1};

/* Sets the range, which ends today at the latest. False: it is empty. */
static bool set_range(struct history *history)
{
    const struct exec_options *options = history->options;
    const struct cemm_zone *zone = cemm_zone(history->cemm);
    struct cemm_period today = cemm_period_at(zone, CEMM_DAY, time(NULL));
    struct cemm_period from = options->from;
    struct cemm_period to = options->to.year != 0 ? options->to : today;
    if (cemm_period_compare(&from, &earliest) < 0)
        from = earliest;
    if (cemm_period_compare(&to, &today) > 0)
        to = today;
    if (cemm_period_compare(&from, &to) > 0)
        return false;
    from = cemm_period_at(zone, options->span, cemm_period_start(zone, &from));
    struct cemm_period last = cemm_period_at(zone, options->span, cemm_period_start(zone, &to));
    history->first = cemm_period_step(&from, -(int)history->use->lead_in);
    for (struct cemm_period period = history->first; cemm_period_compare(&period, &last) <= 0;
         period = cemm_period_step(&period, 1))
        history->period_count++;
    return true;
}

/* ---- which meters ------------------------------------------------------------ */

static int add_meter(struct history *history, const struct cemm_uid *uid, const char *alias)
{
    for (size_t i = 0; i < history->meter_count; i++) {
        if (strcmp(history->meters[i].uid.text, uid->text) == 0 &&
            strcmp(history->meters[i].alias, alias) == 0)
            return 0;
    }
    struct history_meter *more =
        reallocarray(history->meters, history->meter_count + 1, sizeof(*more));
    if (!more)
        return -ENOMEM;
    history->meters = more;
    struct history_meter *meter = &more[history->meter_count++];
    *meter = (struct history_meter){.history = history, .uid = *uid};
    copy_text(meter->alias, sizeof(meter->alias), alias);
    options_mark(history->options, uid->text, alias);
    return 0;
}

/* Adds the METERs uid/alias. Returns 0, 1 if other meters must be found, or a negative errno. */
static int add_named(struct history *history)
{
    const struct cemm_selection *named = &history->options->selection;
    bool all = named->meter_count > 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < named->meter_count; i++) {
        const struct cemm_selector *meter = &named->meters[i];
        if (meter->uid.text[0] == '\0' || meter->alias[0] == '\0' ||
            !cemm_alias_allowed(history->cemm, &meter->uid, meter->alias))
            all = false;
        else
            r = add_meter(history, &meter->uid, meter->alias);
    }
    return r == 0 && !all ? 1 : r;
}

/* Adds the meters that a sweep finds, and known meters even if they do not answer now. */
static int add_found(struct history *history)
{
    struct collection *collection = &history->collection;
    int r = collection_sweep(collection);
    for (size_t i = 0; r == 0 && i < collection->count; i++) {
        struct finding *finding = &collection->findings[i];
        const struct cemm_device *device = cemm_device_named(history->cemm, &finding->uid);
        bool found = finding->kind == FINDING_ANSWER || cemm_device_has(device, finding->alias);
        if (found)
            r = add_meter(history, &finding->uid, finding->alias);
        if (finding->kind == FINDING_NOTE && history->options->selection.meter_count == 0)
            found = true; /* no problem: nobody asked for this device, which has no meters */
        finding->kind = found ? FINDING_ANSWER : FINDING_PROBLEM; /* for findings_report() */
        history->failed |= !found;
    }
    return r;
}

static int compare(const void *left, const void *right)
{
    const struct history_meter *a = left;
    const struct history_meter *b = right;
    int r = strcmp(a->uid.text, b->uid.text);
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

static enum exec_exit find(struct history *history)
{
    int r = add_named(history);
    if (r > 0)
        r = add_found(history);
    if (history->failed)
        findings_report(history->collection.findings, history->collection.count, false);
    message_release();
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "the meters could not be found: %s", strerror(-r));
        return EXEC_FAILED;
    }
    if (history->meter_count > 0)
        qsort(history->meters, history->meter_count, sizeof(*history->meters), compare);
    else if (session_found_nothing(&history->collection.session))
        session_explain_nothing(&history->collection.session);
    else if (!history->failed)
        message_print(CEMM_LOG_ERROR, NO_METERS);
    return history->meter_count > 0 ? EXEC_OK : EXEC_FAILED;
}

/* ---- since when -------------------------------------------------------------- */

/* If a part of the search has failed, the day it found is not used: there may be earlier data. */
static void take_first(void *data, const struct cemm_answer *answer)
{
    struct history_meter *meter = data;
    struct history *history = meter->history;
    bool known;
    if (answer->result == 0)
        (void)cemm_first_day(history->cemm, &meter->uid, meter->alias, &meter->since, &known);
    history->pending--;
}

/* Looks for the first day of each meter, so that no earlier day is requested. If a meter's first
 * day is not found, all its days are requested. Returns 0 or a negative errno. */
static int find_first(struct history *history)
{
    for (size_t i = 0; i < history->meter_count; i++) {
        struct history_meter *meter = &history->meters[i];
        int r = cemm_find_first(history->cemm, &meter->uid, meter->alias, take_first, meter, NULL);
        if (r < 0)
            return r;
        history->pending++;
    }
    return session_wait(&history->collection.session, &history->pending, NULL, NULL);
}

static struct history_slot *slot_of(struct history *history, size_t number)
{
    return &history->slots[number % HISTORY_SLOTS];
}

/* Documents are numbered period by period, and within a period meter by meter. */
static void begin_slot(struct history *history, size_t number)
{
    size_t period = number / history->width;
    size_t meter = number / history->use->parts % history->meter_count;
    *slot_of(history, number) = (struct history_slot){
        .period_index = period,
        .meter_index = meter,
        .part = number % history->use->parts,
        .period = cemm_period_step(&history->first, (int)period),
        .meter = &history->meters[meter],
        .last = (number + 1) % history->width == 0,
    };
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
    struct history_meter *meter = slot->meter;
    meter->history->in_flight--;
    if (is_silence(answer->result) && slot->retries < RETRIES && !meter->down) {
        slot->state = WAITING;
        slot->again = cemm_clock_steady() + PAUSE_MS;
        slot->retries++;
        return;
    }
    meter->down = is_silence(answer->result);
    if (answer->result == 0)
        slot->document = cemm_document_ref(answer->document);
    end_slot(slot, answer->result, answer->message);
}

static bool before_first(const struct history_slot *slot)
{
    const struct cemm_period *since = &slot->meter->since;
    return since->year != 0 && slot->period.span == CEMM_DAY &&
           cemm_period_compare(&slot->period, since) < 0;
}

static bool is_last_part(const struct history *history, const struct history_slot *slot)
{
    return slot->part + 1 == history->use->parts;
}

static void ask(struct history *history, struct history_slot *slot)
{
    const struct history_use *use = history->use;
    struct cemm_query query = {
        .uid = slot->meter->uid,
        .endpoint = CEMM_DATA,
        .period = slot->period,
    };
    copy_text(query.alias, sizeof(query.alias), slot->meter->alias);
    if (before_first(slot) || (use->ask && !use->ask(history->data, slot, &query))) {
        end_slot(slot, CEMM_ABSENT, "");
        return;
    }
    int r = cemm_get(history->cemm, &query, FRESH_MS, take_answer, slot, NULL);
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
    size_t end = history->head + HISTORY_SLOTS;
    for (size_t number = history->head;
         number < history->total && number < end && history->in_flight < WINDOW; number++) {
        struct history_slot *slot = slot_of(history, number);
        if (number == history->next) {
            begin_slot(history, number);
            history->next++;
        }
        bool needs_earlier = history->use->parts > 1 && is_last_part(history, slot);
        if (slot->state == WAITING && slot->again <= now &&
            (!needs_earlier || number == history->head))
            ask(history, slot);
    }
}

/* ---- messages --------------------------------------------------------------------- */

/* Reports the failures of these meters, and forgets the failures. */
static void report_failures(struct history_meter *meters, size_t count)
{
    struct finding *findings = calloc(count, sizeof(*findings));
    size_t failed = 0;
    for (size_t i = 0; findings && i < count; i++) {
        struct history_meter *meter = &meters[i];
        char first[CEMM_TIME_SIZE];
        char last[CEMM_TIME_SIZE];
        if (meter->failed == 0)
            continue;
        cemm_period_format(&meter->failed_first, first, sizeof(first));
        cemm_period_format(&meter->failed_last, last, sizeof(last));
        findings[failed] = meter->failure;
        (void)snprintf(findings[failed++].periods, FINDING_PERIODS_SIZE, "%.10s%s%.10s", first,
                       meter->failed > 1 ? " to " : "", meter->failed > 1 ? last : "");
        meter->failed = 0;
    }
    findings_report(findings, failed, false);
    free(findings);
}

/* Records the result of a document. A period has failed if one of its documents has failed. When a
 * period has not failed, reports the meter's failures in the periods before it. */
static void note_result(struct history *history, const struct history_slot *slot)
{
    struct history_meter *meter = slot->meter;
    const struct cemm_period *period = &slot->period;
    bool good = slot->result == 0 || slot->result == CEMM_ABSENT;
    bool noted = meter->failed > 0 && cemm_period_compare(&meter->failed_last, period) == 0;
    history->failed |= !good;
    if (good && !noted && meter->failed > 0 && is_last_part(history, slot))
        report_failures(meter, 1);
    if (good || noted)
        return;
    if (meter->failed++ == 0) {
        struct finding *failure = &meter->failure;
        *failure = (struct finding){FINDING_PROBLEM, .uid = meter->uid, .result = slot->result};
        copy_text(failure->alias, sizeof(failure->alias), meter->alias);
        copy_text(failure->message, sizeof(failure->message), slot->message.text);
        meter->failed_first = *period;
    }
    meter->failed_last = *period;
}

/* ---- the loop ------------------------------------------------------------------------ */

/* Whether progress may be shown: not if rows appear on the terminal, which show it anyway. */
static bool has_progress(const struct exec_options *options)
{
    return options->output || !output_is_terminal() || options->format == EXEC_FORMAT_OPENMETRICS;
}

static int64_t deadline(struct history *history)
{
    int64_t first = has_progress(history->options) ? message_deadline() : INT64_MAX;
    if (history->in_flight == WINDOW)
        return first; /* an answer must arrive before the next request */
    for (size_t number = history->head; number < history->next; number++) {
        const struct history_slot *slot = slot_of(history, number);
        if (slot->state == WAITING && slot->again > 0 && slot->again < first)
            first = slot->again;
    }
    return first;
}

/* Runs one turn of the library. A termination signal ends the process. */
static int turn(struct history *history)
{
    int r = wait_once(history->cemm, deadline(history), !history->options->output, NULL);
    if (r <= 0)
        return r;
    message_clear();
    (void)output_end(&history->output, -EINTR);
    signals_die(r);
}

static int take_next(struct history *history)
{
    struct history_slot *slot = slot_of(history, history->head++);
    note_result(history, slot);
    int r = history->use->take(history->data, slot);
    cemm_document_unref(slot->document);
    slot->document = NULL;
    return r;
}

static int fetch_and_take(struct history *history)
{
    int r = 0;
    while (r == 0 && history->head < history->total) {
        size_t head = history->head;
        ask_more(history);
        while (r == 0 && history->head < history->next &&
               slot_of(history, history->head)->state == DONE)
            r = take_next(history);
        if (message_progress_due() && has_progress(history->options))
            message_progress(history->head / history->width, history->period_count,
                             span_names[history->options->span]);
        if (r == 0 && history->head == head) /* otherwise a slot is free for a request */
            r = turn(history);
    }
    message_clear();
    return r;
}

/* Returns -ENODATA if there was no row for a file: the old file is better than an empty one. */
static int run_all(struct history *history)
{
    struct output *output = &history->output;
    history->width = history->meter_count * history->use->parts;
    history->total = history->period_count * history->width;
    int r = output_begin(output, history->options->output);
    if (r == 0)
        r = history->use->begin(history->data);
    if (r == 0)
        r = output_flush(output);
    if (r == 0)
        r = fetch_and_take(history);
    if (r == 0 && output->path && !history->printed)
        r = -ENODATA;
    else if (r == 0)
        r = history->use->end(history->data);
    return output_end(output, r);
}

/* A METER uid/alias is used without a search, so it is known only now whether its device belongs to
 * another shard. */
static void report_elsewhere(struct history *history)
{
    for (size_t i = 0; i < history->meter_count; i++) {
        struct history_meter *meter = &history->meters[i];
        struct cemm_message message;
        if (meter->has_data || !cemm_elsewhere(history->cemm, &meter->uid, &message))
            continue;
        message_about(CEMM_LOG_ERROR, meter->uid.text, meter->alias, message.text);
        meter->elsewhere = history->failed = true;
    }
}

static enum exec_exit fetch(struct history *history)
{
    int r = run_all(history);
    if (r < 0 && r != -ENODATA) {
        message_failure(&history->output.message, r);
        return EXEC_FAILED;
    }
    report_failures(history->meters, history->meter_count);
    report_elsewhere(history);
    if (!history->use->report(history->data))
        history->failed = true;
    if (r == -ENODATA)
        message_print(CEMM_LOG_ERROR, OUTPUT_UNCHANGED, history->options->output);
    return history->failed || r < 0 ? EXEC_FAILED : EXEC_OK;
}

/* ---- the command ------------------------------------------------------------- */

void history_report_empty(const struct history *history, const char *what)
{
    char now[CEMM_TIME_SIZE];
    cemm_time_format(cemm_zone(history->cemm), cemm_clock_wall() / 1000 * 1000, now);
    message_print(CEMM_LOG_ERROR,
                  "%s; if the dates are right, the time zone is probably not the meter's (set "
                  "time-zone): it is now %s in the configured zone",
                  what, now);
}

static enum exec_exit run(struct history *history)
{
    if (!set_range(history)) {
        history_report_empty(history, history->options->to.year != 0
                                          ? "these dates are before 2000 or in the future"
                                          : "these dates are in the future");
        return EXEC_USAGE;
    }
    enum exec_exit end = find(history);
    if (end != EXEC_OK)
        return end;
    int r = history->period_count > LONG_RANGE ? find_first(history) : 0;
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "can't look for the first day of each meter: %s",
                      strerror(-r));
        return EXEC_FAILED;
    }
    return fetch(history);
}

/* Keeps freed memory: returning it to the kernel after each answer would take 10 % of the time. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD /* glibc */
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}

enum exec_exit history_command(struct history *history)
{
    keep_memory();
    struct session *session = &history->collection.session;
    history->collection.options = history->options;
    enum exec_exit end = session_open(session, SESSION_ONCE, history->options);
    if (end == EXEC_OK) {
        history->cemm = session->cemm;
        cemm_archive_use(history->cemm);
        end = run(history);
    }
    message_release();
    collection_clear(&history->collection); /* ends unfinished requests */
    for (size_t i = 0; i < HISTORY_SLOTS; i++)
        cemm_document_unref(history->slots[i].document);
    free(history->meters);
    return end;
}
