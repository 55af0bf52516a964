/*
 * `list` and `read` ask the same and show it differently. The order decides
 * the exit status: mistakes of the user are found before any meter is asked
 * (2); results are printed whatever failed (1). It is no mistake of the user
 * if no device answers.
 */
#include "plugin/exec/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/explain.h"
#include "plugin/exec/output.h"
#include "plugin/exec/session.h"

/* The whole text is made first, so that the output is written completely or not at all. */
static int make_text(command_write_fn *write, const void *data, char **ret_text, size_t *ret_length)
{
    FILE *stream = cemm_text_open(ret_text, ret_length);
    if (!stream)
        return -ENOMEM;
    int r = write(data, stream);
    if (fclose(stream) != 0 && r == 0)
        r = -ENOMEM;
    return r;
}

enum exec_exit command_put(const char *file, command_write_fn *write, const void *data)
{
    char *buffer = NULL;
    size_t length = 0;
    struct cemm_words words = {""};
    int r = make_text(write, data, &buffer, &length);
    if (r < 0)
        message_print(CEMM_LOG_ERROR, "no output: %s", strerror(-r));
    else if ((r = output_write(file, buffer, length, &words)) < 0)
        message_print(CEMM_LOG_ERROR, "%s", words.text);
    free(buffer);
    return r < 0 ? EXEC_FAILED : EXEC_OK;
}

/* Whether a problem already names the source of a remark ("cloud home: …"). */
static bool told(const struct collection *collection, const char *remark)
{
    const char *colon = strstr(remark, ": ");
    size_t length = colon ? (size_t)(colon - remark) + 2 : strlen(remark);
    for (size_t i = 0; i < collection->count; i++) {
        if (collection->findings[i].kind == FINDING_PROBLEM &&
            strncmp(collection->findings[i].words, remark, length) == 0)
            return true;
    }
    return false;
}

static void report_remarks(const struct session *session, const struct collection *collection)
{
    for (size_t i = 0; i < session->remark_count; i++) {
        if (!told(collection, session->remarks[i]))
            message_print(CEMM_LOG_WARNING, "%s", session->remarks[i]);
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

/* An old file is worth more than an empty one, but Prometheus must see that it is old. */
static bool worth_a_file(const struct collection *collection)
{
    return collection->problems == 0 || any_sample(collection) ||
           options_format(collection->options) == EXEC_FORMAT_PROMETHEUS;
}

static enum exec_exit report_and_put(const struct session *session,
                                     const struct collection *collection, command_write_fn *write,
                                     bool is_table)
{
    const char *file = collection->options->output;
    bool shown = is_table && !file && output_is_terminal();
    collection_report(collection, !shown);
    report_remarks(session, collection);
    if (file && !worth_a_file(collection)) {
        message_print(CEMM_LOG_ERROR, OUTPUT_LEFT, file);
        return EXEC_FAILED;
    }
    enum exec_exit end = command_put(file, write, collection);
    return collection->problems > 0 ? EXEC_FAILED : end;
}

static enum exec_exit sweep_and_put(const struct session *session,
                                    const struct exec_options *options, command_write_fn *write,
                                    bool is_table, struct collection *ret_collection)
{
    enum exec_exit end = EXEC_FAILED;
    int r = collect(session->cemm, options, ret_collection);
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "the meters could not be read: %s", strerror(-r));
    } else if (session_found_nothing(session)) {
        session_report(session);
        explain_nothing(session);
    } else {
        end = report_and_put(session, ret_collection, write, is_table);
    }
    return end;
}

enum exec_exit command_run(const struct exec_options *options, command_write_fn *write,
                           bool is_table)
{
    struct session session;
    struct collection collection = {0};
    enum exec_exit end = session_open(&session, SESSION_ONCE, options);
    if (end == EXEC_OK)
        end = session_check(&session);
    if (end == EXEC_OK)
        end = sweep_and_put(&session, options, write, is_table, &collection);
    collection_clear(&collection);
    session_close(&session); /* ends a sweep that was given up, which still uses the collection */
    return end;
}

void command_table_note(struct table *table, const struct finding *finding, const char **device)
{
    char line[CEMM_UID_SIZE + CEMM_NAME_SIZE + CEMM_WORDS_SIZE];
    if (finding->uid[0] != '\0' && (!*device || strcmp(*device, finding->uid) != 0))
        table_note(table, finding->uid);
    *device = finding->uid;
    int length = snprintf(line, sizeof(line), "%s%s%s%s", finding->uid[0] != '\0' ? "  " : "",
                          finding->alias, finding->alias[0] != '\0' ? ": " : "", finding->words);
    if (length > 0 && (size_t)length < sizeof(line))
        table_note(table, line);
}
