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
    bool done;
    int result;
};

static void take_end(void *data, const struct cemm_answer *answer)
{
    struct look *look = data;
    look->result = answer->result;
    look->done = true;
}

/* Goes on to the next device by its uid: diffs of two runs show what has changed. */
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

static void fill(struct table *table, const void *data)
{
    struct cemm_discovered device = {.uid = {""}};
    while (next_device(data, &device)) {
        const char *cells[COLUMNS] = {
            [UID] = device.uid.text,
            [ADDRESS] = device.address,
            [TYPE] = device.type,
            [CORE] = device.core,
        };
        table_row(table, cells);
    }
}

static int write_table(const void *data, FILE *stream)
{
    struct table table = {columns, COLUMNS};
    return table_print(&table, fill, data, stream);
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
    struct cemm_discovered device = {.uid = {""}};
    session_report(session);
    if (next_device(session->cemm, &device)) {
        report_hindrance(session->cemm);
        return command_put(file, write_table, session->cemm);
    }
    explain_look(session->cemm);
    explain_file(session);
    return EXEC_FAILED;
}

static int look_around(struct cemm *cemm, struct look *look)
{
    int r = cemm_discover(cemm, take_end, look, NULL);
    if (r < 0)
        return r;
    message_busy("looking for CEMMs");
    r = wait_done(cemm, &look->done, NULL, NULL);
    return r < 0 ? r : look->result;
}

enum exec_exit exec_discover(const struct exec_options *options)
{
    struct session session;
    struct look look = {.done = false};
    enum exec_exit end = session_open(&session, SESSION_ONCE, options);
    int r = end == EXEC_OK ? look_around(session.cemm, &look) : 0;
    if (r != 0) {
        message_print(CEMM_LOG_ERROR, "discovery failed: %s", strerror(-r));
        end = EXEC_FAILED;
    } else if (end == EXEC_OK) {
        end = report(&session, options->output);
    }
    session_close(&session); /* ends a look that was given up, which still uses `look` */
    return end;
}
