/*
 * `cemm discover`: the CEMMs that answer on the LAN. It looks even if
 * discovery is off in the configuration, and asks no configured source.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/command.h"
#include "plugin/exec/explain.h"
#include "plugin/exec/output.h"
#include "plugin/exec/wait.h"

enum { UID, ADDRESS, TYPE, CORE, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [UID] = {"UID"},
    [ADDRESS] = {"ADDRESS"},
    [TYPE] = {"TYPE"},
    [CORE] = {"CORE"},
};

struct look {
    struct cemm *cemm;
    bool done;
    int result;
};

static void take_end(void *data, const struct cemm_answer *answer)
{
    struct look *look = data;
    look->result = answer->result;
    look->done = true;
}

static size_t count_answers(const struct cemm *cemm)
{
    struct cemm_discovered device;
    size_t count = 0;
    for (size_t i = 0; cemm_discovered_at(cemm, i, &device); i++)
        count += device.answered;
    return count;
}

static int write_table(const void *data, FILE *stream)
{
    const struct cemm *cemm = data;
    struct table table = table_new(columns, COLUMNS);
    struct cemm_discovered device;
    for (size_t i = 0; cemm_discovered_at(cemm, i, &device); i++) {
        const char *cells[COLUMNS] = {
            [UID] = device.uid.text,
            [ADDRESS] = device.address,
            [TYPE] = device.type,
            [CORE] = device.core,
        };
        if (device.answered)
            table_row(&table, cells);
    }
    table_sort(&table); /* diffs of two runs show what has changed */
    int r = table_print(&table, stream);
    table_clear(&table);
    return r;
}

/* Why devices may be missing from the table. */
static void report_hindrance(const struct cemm *cemm)
{
    struct cemm_discovery_state state;
    cemm_discovery_at(cemm, &state);
    if (state.words[0] != '\0')
        message_print(CEMM_LOG_WARNING, "%s", state.words);
    if (!state.own_port)
        message_print(
            CEMM_LOG_WARNING,
            "another program holds UDP port 9777 here: devices that answer only there were "
            "not heard");
}

static enum exec_exit report(const struct session *session, const char *file)
{
    session_report(session);
    if (count_answers(session->cemm) > 0) {
        report_hindrance(session->cemm);
        return command_put(file, write_table, session->cemm);
    }
    explain_look(session->cemm);
    explain_file(session);
    return EXEC_FAILED;
}

static enum exec_exit look_and_put(const struct session *session, const char *file)
{
    struct look look = {.cemm = session->cemm};
    int r = cemm_discover(session->cemm, take_end, &look, NULL);
    if (r == 0) {
        message_busy("looking for CEMMs");
        r = wait_done(session->cemm, &look.done, NULL, NULL);
    }
    if (r == 0)
        r = look.result;
    if (r == 0)
        return report(session, file);
    message_print(CEMM_LOG_ERROR, "discovery failed: %s", strerror(-r));
    return EXEC_FAILED;
}

enum exec_exit exec_discover(const struct exec_options *options)
{
    struct session session;
    enum exec_exit end = session_open(&session, SESSION_ONCE, options);
    if (end == EXEC_OK)
        end = look_and_put(&session, options->output);
    session_close(&session);
    return end;
}
