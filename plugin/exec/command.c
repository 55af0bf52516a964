/*
 * The exit status is 2 after a user error, which is found before any request is
 * sent. It is 1 if something failed; then the other results are still printed.
 * If no device answers, that is not a user error.
 */
#include "plugin/exec/command.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/output.h"

/* How many meters a message names; the others are counted. */
#define NAMES_MAX 4

#define LINE_SIZE (CEMM_MESSAGE_SIZE * 3) /* room for these names and a message */

/* ---- causes ------------------------------------------------------------------ */

/* Returns a hash of a problem's periods and message ("SOURCE: REQUEST: REASON"). If no answer came,
 * of REQUEST, only the device is used; if access is denied or the cloud is down, none of it is. */
static uint64_t cause_of(const struct finding *finding)
{
    const char *message = finding->message;
    const char *request = message_rest(message);
    const char *reason = message_rest(request);
    bool unanswered = finding->result == -EHOSTUNREACH || finding->result == -ETIMEDOUT;
    bool cloud_down = finding->result == -EHOSTUNREACH && strncmp(message, "cloud ", 6) == 0;
    uint64_t hash = cemm_hash(CEMM_HASH, finding->periods, strlen(finding->periods));
    if (!reason || (!unanswered && finding->result != CEMM_DENIED))
        return cemm_hash(hash, message, strlen(message));
    hash = cemm_hash(hash, message, (size_t)(request - message));
    if (unanswered && !cloud_down)
        hash = cemm_hash(hash, request, strcspn(request, " :")); /* names the device */
    return cemm_hash(hash, reason, strlen(reason));
}

static int compare_causes(const void *left, const void *right)
{
    const struct finding *a = left;
    const struct finding *b = right;
    return a->cause < b->cause ? -1 : a->cause > b->cause;
}

/* Links each problem to the next one with the same cause, as far as there is memory. */
static void link_causes(struct finding *findings, size_t count)
{
    void *causes = NULL;
    for (size_t i = count; i-- > 0;) {
        struct finding *finding = &findings[i];
        if (finding->kind != FINDING_PROBLEM)
            continue;
        finding->cause = cause_of(finding);
        struct finding **first = tsearch(finding, &causes, compare_causes);
        if (!first || *first == finding)
            continue;
        finding->next = *first;
        finding->next->joined = true;
        *first = finding;
    }
    while (causes)
        tdelete(*(struct finding **)causes, &causes, compare_causes);
}

/* Writes "uid/alias, uid/alias and 3 more: MESSAGE" for all problems with the same cause. A uid
 * that equals `device` is left out. If the requests differ, MESSAGE does not name them. */
static void describe(const struct finding *finding, const char *device, char ret_line[LINE_SIZE])
{
    const char *message = finding->message;
    const char *request = message_rest(message);
    bool printed = finding->periods[0] != '\0' && message_was_printed(message);
    bool one_request = true;
    size_t length = 0;
    size_t count = 0;
    for (const struct finding *other = finding; other; other = other->next, count++) {
        const char *uid = strcmp(other->uid.text, device) == 0 ? "" : other->uid.text;
        const char *slash = uid[0] != '\0' && other->alias[0] != '\0' ? "/" : "";
        one_request = one_request && strcmp(other->message, message) == 0;
        if (count < NAMES_MAX && (uid[0] != '\0' || other->alias[0] != '\0'))
            length += (size_t)snprintf(ret_line + length, LINE_SIZE - length, "%s%s%s%s",
                                       length > 0 ? ", " : "", uid, slash, other->alias);
    }
    if (count > NAMES_MAX && length > 0)
        length += (size_t)snprintf(ret_line + length, LINE_SIZE - length, " and %zu more",
                                   count - NAMES_MAX);
    (void)snprintf(ret_line + length, LINE_SIZE - length, "%s%s%s%.*s%s",
                   finding->periods[0] != '\0' ? " " : "", finding->periods, length > 0 ? ": " : "",
                   printed || one_request ? 0 : (int)(request - message), message,
                   printed       ? "failed, see above"
                   : one_request ? message
                                 : message_rest(request));
}

void findings_report(struct finding *findings, size_t count, bool shown)
{
    link_causes(findings, count);
    for (size_t i = 0; i < count; i++) {
        const struct finding *finding = &findings[i];
        enum cemm_level level = finding->kind == FINDING_NOTE ? CEMM_LOG_WARNING : CEMM_LOG_ERROR;
        char line[LINE_SIZE];
        if (finding->kind == FINDING_ANSWER || finding->joined)
            continue;
        describe(finding, "", line);
        if (!shown)
            message_print(level, "%s", line);
        message_remember(finding->message);
    }
}

/* ---- the sweep --------------------------------------------------------------- */

static struct finding *add(struct collection *collection, enum finding_kind kind,
                           const struct cemm_uid *uid, const char *alias, const char *message)
{
    if (collection->error != 0)
        return NULL;
    struct finding *more = reallocarray(collection->findings, collection->count + 1, sizeof(*more));
    if (!more) {
        collection->error = -ENOMEM;
        collection->pending = 0;
        return NULL;
    }
    collection->findings = more;
    struct finding *finding = &more[collection->count++];
    *finding = (struct finding){.kind = kind};
    if (uid)
        finding->uid = *uid;
    copy_text(finding->alias, sizeof(finding->alias), alias);
    copy_text(finding->message, sizeof(finding->message), message);
    collection->problems += kind == FINDING_PROBLEM;
    options_mark(collection->options, finding->uid.text, finding->alias);
    return finding;
}

static void take_answer(void *data, const struct cemm_uid *uid, const char *alias,
                        const struct cemm_answer *answer)
{
    struct collection *collection = data;
    if (collection->error != 0)
        return; /* no memory, or the context is being freed */
    if (!answer) {
        collection->pending = 0;
        return;
    }
    collection->meters_done += alias != NULL;
    bool good = answer->result == 0;
    struct finding *finding =
        add(collection, good ? FINDING_ANSWER : FINDING_PROBLEM, uid, alias, answer->message);
    if (!finding)
        return;
    finding->result = answer->result;
    if (!good)
        return;
    finding->document = cemm_document_ref(answer->document);
    collection->ahead += cemm_document_ahead(answer->document);
    collection->any_sample |= !cemm_document_empty(answer->document);
}

static void show_progress(const void *data)
{
    const struct collection *collection = data;
    const struct cemm_device *device;
    const char *alias;
    size_t count = 0;
    for (size_t i = 0; (device = cemm_device_at(collection->session.cemm, i)); i++) {
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++)
            count += cemm_selected(&collection->options->selection, cemm_device_uid(device), alias);
    }
    if (count < collection->meters_done)
        count = collection->meters_done;
    message_progress(collection->meters_done, count, "meter");
}

/* A METER that matches nothing is a problem: a typo must not look like success. */
static void add_unanswered(struct collection *collection)
{
    struct cemm_message message;
    for (size_t i = 0; i < collection->options->selection.meter_count; i++) {
        const struct cemm_selector *meter = &collection->options->selection.meters[i];
        if (options_missing(meter, collection->session.cemm, &message))
            add(collection, FINDING_PROBLEM, &meter->uid, meter->alias, message.text);
    }
}

/* Adds a note for each device without meters, which would otherwise not be shown. */
static void add_bare_devices(struct collection *collection)
{
    const struct cemm_device *device;
    for (size_t i = 0; (device = cemm_device_at(collection->session.cemm, i)); i++) {
        const struct cemm_uid *uid = cemm_device_uid(device);
        if (cemm_selected(&collection->options->selection, uid, "") &&
            !cemm_device_alias(device, 0))
            add(collection, FINDING_NOTE, uid, NULL, "no meters");
    }
}

static int compare(const void *left, const void *right)
{
    const struct finding *a = left;
    const struct finding *b = right;
    if ((a->uid.text[0] == '\0') != (b->uid.text[0] == '\0'))
        return a->uid.text[0] == '\0' ? 1 : -1;
    int r = strcmp(a->uid.text, b->uid.text);
    if (r == 0)
        r = (int)a->kind - (int)b->kind;
    return r != 0 ? r : strcmp(a->alias, b->alias);
}

int collection_sweep(struct collection *collection)
{
    const struct session *session = &collection->session;
    size_t kept = 0;
    collection->pending = 1;
    int r = cemm_sweep(session->cemm, &collection->options->selection, take_answer, collection);
    if (r == 0)
        r = session_wait(session, &collection->pending, show_progress, collection);
    if (r < 0)
        return r;
    add_bare_devices(collection);
    add_unanswered(collection);
    collection->now = cemm_clock_wall();
    if (collection->count > 0)
        qsort(collection->findings, collection->count, sizeof(struct finding), compare);
    /* A device's note comes last, and is dropped if there is anything else about the device. */
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind != FINDING_NOTE || i == 0 ||
            strcmp(finding->uid.text, finding[-1].uid.text) != 0)
            collection->findings[kept++] = *finding;
    }
    collection->count = kept;
    return collection->error;
}

void collection_clear(struct collection *collection)
{
    collection->error = -ECANCELED; /* makes take_answer() ignore what is still under way */
    session_close(&collection->session);
    for (size_t i = 0; i < collection->count; i++)
        cemm_document_unref(collection->findings[i].document);
    free(collection->findings);
}

/* ---- the result -------------------------------------------------------------- */

enum exec_exit command_put(const char *file, command_write_fn *write, const void *data)
{
    struct output output;
    int r = output_begin(&output, file);
    if (r == 0)
        r = write(data, output.stream);
    r = output_end(&output, r);
    if (r < 0)
        message_failure(&output.message, r);
    return r < 0 ? EXEC_FAILED : EXEC_OK;
}

/* Reports the problems and what was left out, and prints the result. A table shows the problems,
 * too, so they are not repeated if it goes to a terminal, or to the same file as the messages. */
static enum exec_exit print(struct collection *collection, command_write_fn *write)
{
    const char *file = collection->options->output;
    enum exec_format format = collection->options->format;
    size_t ahead = collection->ahead;
    findings_report(collection->findings, collection->count,
                    format == EXEC_FORMAT_TABLE && !file &&
                        (output_is_terminal() || output_is_stderr()));
    if (ahead > 0)
        message_print(CEMM_LOG_WARNING,
                      "%zu sample%s left out, more than 15 minutes ahead of this machine's clock",
                      ahead, ahead == 1 ? "" : "s");
    if (collection->count == 0)
        message_print(CEMM_LOG_WARNING, NO_METERS);
    message_release();
    /* An old file is better than an empty file, but Prometheus must see that the meters failed. */
    if (file && collection->problems > 0 && !collection->any_sample &&
        format != EXEC_FORMAT_PROMETHEUS) {
        message_print(CEMM_LOG_ERROR, OUTPUT_UNCHANGED, file);
        return EXEC_FAILED;
    }
    enum exec_exit end = command_put(file, write, collection);
    return collection->problems > 0 ? EXEC_FAILED : end;
}

enum exec_exit collection_command(const struct exec_options *options, command_write_fn *write)
{
    struct collection collection = {.options = options};
    enum exec_exit end = session_open(&collection.session, SESSION_ONCE, options);
    int r = end == EXEC_OK ? collection_sweep(&collection) : 0;
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "the meters could not be read: %s", strerror(-r));
        end = EXEC_FAILED;
    } else if (end == EXEC_OK && session_found_nothing(&collection.session)) {
        session_explain_nothing(&collection.session);
        end = EXEC_FAILED;
    } else if (end == EXEC_OK) {
        end = print(&collection, write);
    }
    collection_clear(&collection);
    return end;
}

void collection_note(struct table *table, const struct finding *finding, const char **device)
{
    const char *uid = finding->uid.text;
    bool below = uid[0] != '\0';
    char line[sizeof("  ") + LINE_SIZE] = "  ";
    if (finding->joined)
        return;
    if (below && (!*device || strcmp(*device, uid) != 0))
        table_note(table, uid);
    if (below)
        *device = uid;
    describe(finding, uid, line + 2);
    table_note(table, below ? line : line + 2);
}
