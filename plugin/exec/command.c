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

#include "plugin/exec/output.h"

/* ---- the sweep --------------------------------------------------------------- */

static struct finding *add(struct collection *collection, enum finding_kind kind, const char *uid,
                           const char *alias, const char *message)
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
    copy_text(finding->message, sizeof(finding->message), message);
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
    struct finding *finding = add(collection, good ? FINDING_ANSWER : FINDING_PROBLEM,
                                  uid ? uid->text : NULL, alias, answer->message);
    if (finding)
        finding->result = answer->result;
    if (finding && good)
        finding->document = cemm_document_ref(answer->document);
}

/* How many known meters the sweep covers. */
static size_t count_meters(const struct collection *collection)
{
    const struct cemm_device *device;
    const char *alias;
    size_t count = 0;
    for (size_t i = 0; (device = cemm_device_at(collection->session.cemm, i)); i++) {
        const char *uid = cemm_device_uid(device)->text;
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++)
            count += options_select(collection->options, uid, alias);
    }
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
    const struct exec_meter *meter;
    struct cemm_message message;
    for (size_t i = 0;
         (meter = options_missing(collection->options, collection->session.cemm, &i, &message));)
        add(collection, FINDING_PROBLEM, meter->uid.text, meter->alias, message.text);
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
    for (size_t i = 0; (device = cemm_device_at(collection->session.cemm, i)); i++) {
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
        r = (int)(a->kind != FINDING_ANSWER) - (int)(b->kind != FINDING_ANSWER);
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

/* Returns 0 however the meters did, or a negative errno if the sweep failed. */
static int sweep(struct collection *collection)
{
    const struct session *session = &collection->session;
    int r = cemm_sweep(session->cemm, &collection->options->selection, take_answer, collection);
    if (r == 0)
        r = session_wait(session, &collection->done, show_progress, collection);
    if (r < 0)
        return r;
    add_bare_devices(collection);
    add_unanswered(collection);
    collection->now = cemm_clock_wall();
    if (collection->count > 0)
        qsort(collection->findings, collection->count, sizeof(struct finding), compare);
    return collection->error;
}

enum exec_exit collection_make(struct collection *ret_collection,
                               const struct exec_options *options)
{
    struct session *session = &ret_collection->session;
    *ret_collection = (struct collection){.options = options};
    enum exec_exit end = session_open(session, SESSION_ONCE, options);
    if (end != EXEC_OK)
        return end;
    int r = sweep(ret_collection);
    if (r < 0)
        message_print(CEMM_LOG_ERROR, "the meters could not be read: %s", strerror(-r));
    else if (session_found_nothing(session))
        session_explain_nothing(session);
    else
        return EXEC_OK;
    return EXEC_FAILED;
}

void collection_clear(struct collection *collection)
{
    collection->error = -ECANCELED; /* for answers to a sweep that was given up */
    session_close(&collection->session);
    for (size_t i = 0; i < collection->count; i++)
        cemm_document_unref(collection->findings[i].document);
    free(collection->findings);
}

/* ---- the result -------------------------------------------------------------- */

/* The whole text is rendered first, so that the output is written completely or not at all. */
enum exec_exit command_put(const char *file, command_write_fn *write, const void *data)
{
    char *text = NULL;
    size_t length = 0;
    struct cemm_message message = {""};
    FILE *stream = cemm_text_open(&text, &length);
    int r = stream ? write(data, stream) : -ENOMEM;
    if (stream && fclose(stream) != 0 && r == 0)
        r = -ENOMEM;
    if (r < 0)
        message_print(CEMM_LOG_ERROR, "no output: %s", strerror(-r));
    else if ((r = output_write(file, text, length, &message)) < 0)
        message_print(CEMM_LOG_ERROR, "%s", message.text);
    free(text);
    return r < 0 ? EXEC_FAILED : EXEC_OK;
}

/* Prints the problems, unless a table shows them, and what was left out. */
static void report(const struct collection *collection, bool shown)
{
    size_t early = 0;
    if (!shown)
        cause_report(collection->findings, collection->count);
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind == FINDING_PROBLEM)
            cause_remember(finding->message);
        if (finding->kind == FINDING_ANSWER)
            early += cemm_document_early(finding->document);
    }
    if (early > 0)
        message_print(CEMM_LOG_WARNING,
                      "%zu sample%s left out, more than 15 minutes ahead of this machine's clock",
                      early, early == 1 ? "" : "s");
    if (collection->count == 0)
        message_print(CEMM_LOG_WARNING, "no meters were found");
}

static bool any_sample(const struct collection *collection)
{
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind == FINDING_ANSWER && !cemm_document_empty(finding->document))
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

enum exec_exit collection_print(struct collection *collection, command_write_fn *write,
                                bool is_table)
{
    const char *file = collection->options->output;
    report(collection, is_table && !file && (output_is_terminal() || output_is_stderr()));
    session_release(&collection->session);
    if (file && !worth_a_file(collection)) {
        message_print(CEMM_LOG_ERROR, OUTPUT_LEFT, file);
        return EXEC_FAILED;
    }
    enum exec_exit end = command_put(file, write, collection);
    return collection->problems > 0 ? EXEC_FAILED : end;
}

void collection_note(struct table *table, const struct collection *collection, size_t index,
                     const char **device)
{
    const char *uid = collection->findings[index].uid;
    bool below = uid[0] != '\0';
    struct cause cause;
    char line[sizeof(cause) + sizeof("  : ")];
    if (!cause_join(collection->findings, collection->count, index, uid, &cause))
        return;
    if (below && (!*device || strcmp(*device, uid) != 0))
        table_note(table, uid);
    if (below)
        *device = uid;
    (void)snprintf(line, sizeof(line), "%s%s%s%s", below ? "  " : "", cause.names,
                   cause.names[0] != '\0' ? ": " : "", cause.message.text);
    table_note(table, line);
}
