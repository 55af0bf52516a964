/*
 * `cemm discover`: the CEMMs that answer on the LAN. It searches even
 * if discovery is off in the configuration, and asks no configured source.
 */
#include <string.h>

#include "plugin/exec/command.h"
#include "plugin/exec/output.h"
#include "plugin/exec/session.h"

struct search {
    size_t pending;
    int result;
};

static void take_end(void *data, const struct cemm_answer *answer)
{
    struct search *search = data;
    search->result = answer->result;
    search->pending = 0;
}

/* Advances `device` to the next device in the order of uids, so that a diff of two runs shows what
 * has changed. False: there is no next device. */
static bool next_device(const struct cemm *cemm, struct cemm_discovered *device)
{
    struct cemm_uid last = device->uid;
    struct cemm_discovered other;
    bool found = false;
    for (size_t i = 0; cemm_discovered_at(cemm, i, &other); i++) {
        if (!other.answered || strcmp(other.uid.text, last.text) <= 0 ||
            (found && strcmp(other.uid.text, device->uid.text) > 0))
            continue;
        *device = other;
        found = true;
    }
    return found;
}

static int write_table(const void *data, FILE *stream)
{
    static const struct table_column columns[] = {{"UID"}, {"ADDRESS"}, {"TYPE"}, {"CORE"}};
    struct cemm_discovered device = {.uid = {""}};
    struct table table;
    table_begin(&table, columns, sizeof(columns) / sizeof(columns[0]));
    while (next_device(data, &device)) {
        const char *const cells[] = {device.uid.text, device.address, device.type, device.core};
        table_row(&table, cells);
    }
    return table_print(&table, stream);
}

static enum exec_exit report(struct session *session, const char *file)
{
    struct cemm_discovered device = {.uid = {""}};
    message_release();
    if (!next_device(session->cemm, &device)) {
        session_explain_nothing(session);
        return EXEC_FAILED;
    }
    session_explain_missing(session, CEMM_LOG_WARNING);
    return command_put(file, write_table, session->cemm);
}

enum exec_exit exec_discover(const struct exec_options *options)
{
    struct session session;
    struct search search = {.pending = 1};
    enum exec_exit end = session_open(&session, SESSION_DISCOVERY, options);
    int r = end == EXEC_OK ? cemm_discover(session.cemm, take_end, &search, NULL) : 0;
    if (end == EXEC_OK && r == 0) {
        message_busy("looking for CEMMs");
        r = session_wait(&session, &search.pending, NULL, NULL);
    }
    if (r == 0)
        r = search.result;
    if (r != 0) {
        message_print(CEMM_LOG_ERROR, "discovery failed: %s", strerror(-r));
        end = EXEC_FAILED;
    } else if (end == EXEC_OK) {
        end = report(&session, options->output);
    }
    session_close(&session); /* ends a running search, which still uses `search` */
    return end;
}
