/*
 * `list` and `read` make the same sweep and print it differently. The order
 * determines the exit status: user errors are found before any request is sent
 * (2); results are printed even if something failed (1). It is not a user error
 * if no device answers.
 */
#include "plugin/exec/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/cause.h"
#include "plugin/exec/output.h"
#include "plugin/exec/session.h"
#include "plugin/exec/wait.h"

/* ---- the sweep --------------------------------------------------------------- */

static struct finding *add(struct collection *collection, enum finding_kind kind, const char *uid,
                           const char *alias, const char *words)
{
    if (collection->error != 0)
        return NULL;
    struct finding *more = reallocarray(collection->findings, collection->count + 1, sizeof(*more));
    if (!more) {
        collection->error = -ENOMEM;
        collection->done = true;
        return NULL;
    }
    collection->findings = more;
    struct finding *finding = &more[collection->count++];
    *finding = (struct finding){.kind = kind};
    copy_text(finding->uid, sizeof(finding->uid), uid);
    copy_text(finding->alias, sizeof(finding->alias), alias);
    copy_text(finding->words, sizeof(finding->words), words);
    collection->problems += kind == FINDING_PROBLEM;
    options_mark(collection->options, finding->uid, finding->alias);
    return finding;
}

static void take_answer(void *data, const struct cemm_uid *uid, const char *alias,
                        const struct cemm_answer *answer)
{
    struct collection *collection = data;
    if (collection->error != 0)
        return; /* the context is being freed */
    if (!answer) {
        collection->done = true;
        return;
    }
    collection->meters_done += alias != NULL;
    bool good = answer->result == 0 && answer->document != NULL;
    struct finding *finding = add(collection, good ? FINDING_READING : FINDING_PROBLEM,
                                  uid ? uid->text : NULL, alias, answer->words);
    if (finding)
        finding->result = answer->result;
    if (finding && good)
        finding->document = cemm_document_ref(answer->document);
}

/* How many known meters the sweep covers. */
static size_t count_meters(const struct collection *collection)
{
    const struct exec_options *options = collection->options;
    size_t found = 0;
    size_t named = 0; /* METERs uid/alias, which need not be in any table */
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(collection->cemm, i)); i++) {
        const char *alias;
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++)
            found += options_select(options, cemm_device_uid(device)->text, alias);
    }
    for (size_t i = 0; i < options->meter_count; i++)
        named += options->meters[i].uid.text[0] != '\0' && options->meters[i].alias[0] != '\0';
    size_t count = found > named ? found : named;
    return count > collection->meters_done ? count : collection->meters_done;
}

static void show_progress(const void *data)
{
    const struct collection *collection = data;
    message_progress(collection->meters_done, count_meters(collection), "meters");
}

/* A METER that matches nothing is a problem: a typo must not look like success. */
static void add_unanswered(struct collection *collection)
{
    for (size_t i = 0; i < collection->options->meter_count; i++) {
        const struct exec_meter *meter = &collection->options->meters[i];
        struct cemm_words words;
        if (meter->answered)
            continue;
        options_missing(collection->cemm, meter, &words);
        add(collection, FINDING_PROBLEM, meter->uid.text, meter->alias, words.text);
    }
}

static bool mentioned(const struct collection *collection, const char *uid)
{
    for (size_t i = 0; i < collection->count; i++) {
        if (strcmp(collection->findings[i].uid, uid) == 0)
            return true;
    }
    return false;
}

/* A device without meters would otherwise not be shown. */
static void add_bare_devices(struct collection *collection)
{
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(collection->cemm, i)); i++) {
        const char *uid = cemm_device_uid(device)->text;
        bool meant =
            collection->options->meter_count == 0 || options_select(collection->options, uid, "");
        if (meant && !cemm_device_alias(device, 0) && !mentioned(collection, uid))
            add(collection, FINDING_NOTE, uid, NULL, "no meters");
    }
}

static int compare(const void *left, const void *right)
{
    const struct finding *a = left;
    const struct finding *b = right;
    if ((a->uid[0] == '\0') != (b->uid[0] == '\0'))
        return a->uid[0] == '\0' ? 1 : -1;
    int r = strcmp(a->uid, b->uid);
    if (r == 0)
        r = (int)(a->kind != FINDING_READING) - (int)(b->kind != FINDING_READING);
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

/* Sweeps once. Returns 0 however the meters did, or a negative errno if the sweep failed. An ending
 * signal ends the process. */
static int collect(struct collection *collection)
{
    const struct cemm_selection selection = {
        .meters = collection->options->meter_texts,
        .meter_count = collection->options->meter_count,
    };
    int r = cemm_sweep(collection->cemm, &selection, take_answer, collection);
    if (r == 0)
        r = wait_done(collection->cemm, &collection->done, show_progress, collection);
    if (r < 0)
        return r;
    add_bare_devices(collection);
    add_unanswered(collection);
    collection->now = cemm_clock_wall();
    if (collection->count > 0)
        qsort(collection->findings, collection->count, sizeof(struct finding), compare);
    return collection->error;
}

static void collection_clear(struct collection *collection)
{
    for (size_t i = 0; i < collection->count; i++)
        cemm_document_unref(collection->findings[i].document);
    free(collection->findings);
    *collection = (struct collection){.error = -ECANCELED};
}

/* ---- the result -------------------------------------------------------------- */

/* The whole text is rendered first, so that the output is written completely or not at all. */
enum exec_exit command_put(const char *file, command_write_fn *write, const void *data)
{
    char *text = NULL;
    size_t length = 0;
    struct cemm_words words = {""};
    FILE *stream = cemm_text_open(&text, &length);
    int r = stream ? write(data, stream) : -ENOMEM;
    if (stream && fclose(stream) != 0 && r == 0)
        r = -ENOMEM;
    if (r < 0)
        message_print(CEMM_LOG_ERROR, "no output: %s", strerror(-r));
    else if ((r = output_write(file, text, length, &words)) < 0)
        message_print(CEMM_LOG_ERROR, "%s", words.text);
    free(text);
    return r < 0 ? EXEC_FAILED : EXEC_OK;
}

static struct failure failure_of(const struct finding *finding)
{
    return (struct failure){finding->uid, finding->alias, finding->result, finding->words};
}

static bool together(const struct finding *a, const struct finding *b)
{
    const struct failure failure = failure_of(a);
    const struct failure other = failure_of(b);
    return a->kind == FINDING_PROBLEM && b->kind == FINDING_PROBLEM && cause_same(&failure, &other);
}

/* Joins problem or note `index` and all with the same cause. False: an earlier one has it. */
static bool join(const struct collection *collection, size_t index, struct cause *ret_cause,
                 struct cemm_words *ret_words)
{
    const struct finding *findings = collection->findings;
    *ret_cause = (struct cause){.count = 0};
    for (size_t i = 0; i < collection->count; i++) {
        if (i != index && !together(&findings[i], &findings[index]))
            continue;
        if (i < index)
            return false;
        const struct failure failure = failure_of(&findings[i]);
        cause_add(ret_cause, &failure);
    }
    cause_end(ret_cause, ret_words);
    return true;
}

/* Prints the problems and what was left out on stderr. */
static void report(const struct collection *collection, bool problems)
{
    size_t early = 0;
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        struct cause cause;
        struct cemm_words words;
        if (finding->kind == FINDING_READING)
            early += cemm_document_early(finding->document);
        else if (problems && join(collection, i, &cause, &words))
            message_about(finding->kind == FINDING_NOTE ? CEMM_LOG_WARNING : CEMM_LOG_ERROR,
                          cause.meters, "", words.text);
    }
    if (early > 0)
        message_print(CEMM_LOG_WARNING,
                      "%zu sample%s left out, more than 15 minutes ahead of this machine's clock",
                      early, early == 1 ? "" : "s");
    if (collection->count == 0)
        message_print(CEMM_LOG_WARNING, "no meters were found");
}

/* Whether a problem already names the source of a warning ("cloud home: …"). */
static bool reported(const struct collection *collection, const char *warning)
{
    const char *colon = strstr(warning, ": ");
    size_t length = colon ? (size_t)(colon - warning) + 2 : strlen(warning);
    for (size_t i = 0; i < collection->count; i++) {
        if (collection->findings[i].kind == FINDING_PROBLEM &&
            strncmp(collection->findings[i].words, warning, length) == 0)
            return true;
    }
    return false;
}

static void report_warnings(const struct session *session, const struct collection *collection)
{
    for (size_t i = 0; i < session->warning_count; i++) {
        if (!reported(collection, session->warnings[i]))
            message_print(CEMM_LOG_WARNING, "%s", session->warnings[i]);
    }
}

static bool any_sample(const struct collection *collection)
{
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind == FINDING_READING && !cemm_document_empty(finding->document))
            return true;
    }
    return false;
}

/* An old file is better than an empty one, but Prometheus must see that it is old. */
static bool worth_a_file(const struct collection *collection)
{
    return collection->problems == 0 || any_sample(collection) ||
           collection->options->format == EXEC_FORMAT_PROMETHEUS;
}

static enum exec_exit report_and_put(const struct session *session,
                                     const struct collection *collection, command_write_fn *write,
                                     bool is_table)
{
    const char *file = collection->options->output;
    bool shown = is_table && !file && (output_is_terminal() || output_is_stderr());
    report(collection, !shown);
    report_warnings(session, collection);
    if (file && !worth_a_file(collection)) {
        message_print(CEMM_LOG_ERROR, OUTPUT_LEFT, file);
        return EXEC_FAILED;
    }
    enum exec_exit end = command_put(file, write, collection);
    return collection->problems > 0 ? EXEC_FAILED : end;
}

static enum exec_exit sweep_and_put(const struct session *session, struct collection *collection,
                                    command_write_fn *write, bool is_table)
{
    int r = collect(collection);
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "the meters could not be read: %s", strerror(-r));
        return EXEC_FAILED;
    }
    if (session_found_nothing(session)) {
        session_explain_nothing(session);
        return EXEC_FAILED;
    }
    return report_and_put(session, collection, write, is_table);
}

enum exec_exit command_run(const struct exec_options *options, command_write_fn *write,
                           bool is_table)
{
    struct session session;
    enum exec_exit end = session_open(&session, SESSION_ONCE, options);
    struct collection collection = {.cemm = session.cemm, .options = options};
    if (end == EXEC_OK)
        end = sweep_and_put(&session, &collection, write, is_table);
    collection_clear(&collection);
    session_close(&session); /* ends a sweep that was given up, which still uses the collection */
    return end;
}

void command_table_note(struct table *table, const struct collection *collection, size_t index,
                        const char **device)
{
    const struct finding *finding = &collection->findings[index];
    struct cause cause;
    struct cemm_words words;
    char line[sizeof(cause.meters) + CEMM_WORDS_SIZE];
    if (!join(collection, index, &cause, &words))
        return;
    bool below = cause.one_device && finding->uid[0] != '\0';
    const char *names = cause.one_device ? cause.aliases : cause.meters;
    if (below && (!*device || strcmp(*device, finding->uid) != 0))
        table_note(table, finding->uid);
    if (cause.one_device)
        *device = finding->uid;
    int length = snprintf(line, sizeof(line), "%s%s%s%s", below ? "  " : "", names,
                          names[0] != '\0' ? ": " : "", words.text);
    if (length > 0 && (size_t)length < sizeof(line))
        table_note(table, line);
}
