/*
 * A first run has no configuration, and a firewall may drop broadcasts. So
 * messages say what was tried, and what to write into which file.
 */
#include "plugin/exec/session.h"

#include <errno.h>
#include <stdlib.h>

#include "plugin/exec/output.h"
#include "plugin/exec/wait.h"

#define COMMON_FILE "/etc/cemm/cemm.conf"

static void take_line(void *data, enum cemm_level level, const char *line)
{
    const struct session *session = data;
    if (session->kind == SESSION_POLLING)
        message_print(level, "%s", line);
    else
        message_once(level, line);
}

enum exec_exit session_open(struct session *ret_session, enum session_kind kind,
                            const struct exec_options *options)
{
    struct cemm_message message = {""};
    int backoff_max = kind == SESSION_POLLING ? CEMM_BACKOFF_POLLER : CEMM_BACKOFF_INTERACTIVE;
    *ret_session = (struct session){.kind = kind};
    if (!output_check(options->output))
        return EXEC_USAGE;
    ret_session->config = cemm_config_new();
    int r = ret_session->config ? cemm_config_load(ret_session->config, options->config, &message)
                                : -ENOMEM;
    signals_hold();
    if (r == 0) {
        ret_session->cemm = cemm_new(ret_session->config, backoff_max, take_line, ret_session);
        r = ret_session->cemm ? 0 : -ENOMEM;
    }
    if (r < 0) {
        message_failure(&message, r);
        return r == -ENOMEM ? EXEC_FAILED : EXEC_USAGE;
    }
    struct cemm_source_state state;
    ret_session->configured = cemm_source_at(ret_session->cemm, 0, &state);
    if (kind == SESSION_DISCOVERY || ret_session->configured ||
        cemm_config_discovers(ret_session->config))
        return EXEC_OK;
    message_print(CEMM_LOG_ERROR,
                  "%s: no section [cloud NAME] or [local NAME], and discovery is off, so there is "
                  "nothing to ask; add a section, or set enabled = yes in [discovery]",
                  cemm_config_file(ret_session->config));
    return EXEC_USAGE;
}

int session_wait(const struct session *session, const size_t *pending,
                 void (*show)(const void *data), const void *data)
{
    int r = 0;
    while (r == 0 && *pending > 0) {
        r = wait_once(session->cemm, show ? message_deadline() : INT64_MAX, false, NULL);
        if (r == 0 && show && message_progress_due())
            show(data);
    }
    message_clear();
    if (r > 0)
        signals_die(r);
    return r;
}

bool session_found_nothing(const struct session *session)
{
    return !session->configured && !cemm_device_at(session->cemm, 0);
}

void session_explain_missing(const struct session *session, enum cemm_level level)
{
    struct cemm_discovery_state state;
    cemm_discovery_at(session->cemm, &state);
    if (state.message[0] != '\0')
        message_print(level, "%s", state.message);
    if (state.asked > 0 && !state.own_port)
        message_print(level,
                      "another program holds UDP port 9777 here: devices that answer only to "
                      "that port were not heard; stop that program and try again");
}

void session_explain_nothing(const struct session *session)
{
    bool discover_only = session->kind == SESSION_DISCOVERY;
    struct cemm_discovery_state state;
    char *user_file = cemm_config_user_path();
    const char *file = cemm_config_file(session->config);
    message_release();
    if (!discover_only && file)
        message_print(CEMM_LOG_ERROR,
                      "%s: no section [cloud NAME] or [local NAME], so the network was searched",
                      file);
    else if (!discover_only)
        message_print(CEMM_LOG_ERROR,
                      "no configuration: $CEMM_CONFIG is not set, and there is no %s%s" COMMON_FILE,
                      user_file ? user_file : "", user_file ? " and no " : "");
    cemm_discovery_at(session->cemm, &state);
    message_print(CEMM_LOG_ERROR, "no CEMM answered: %u broadcast address%s asked on UDP port 9777",
                  state.asked, state.asked == 1 ? " was" : "es were");
    session_explain_missing(session, CEMM_LOG_ERROR);
    if (state.junk > 0)
        message_print(CEMM_LOG_ERROR, "%zu packet%s received that %s not from a CEMM", state.junk,
                      state.junk == 1 ? "" : "s", state.junk == 1 ? "was" : "were");
    message_print(
        CEMM_LOG_ERROR,
        "is the CEMM switched on and on the same network as this machine, with no firewall in "
        "between? Its firmware (core) must be 1.23 or later");
    message_print(CEMM_LOG_ERROR, "if you know its address, write two lines into %s:",
                  file        ? file
                  : user_file ? user_file
                              : COMMON_FILE);
    message_print(CEMM_LOG_ERROR, "    [local home]");
    message_print(CEMM_LOG_ERROR, "    address = 192.168.2.115");
    if (!discover_only)
        message_print(CEMM_LOG_ERROR,
                      "for the cloud: [cloud home] and api-key-file = FILE, whose first line is "
                      "the key (mode 0600)");
    free(user_file);
}

void session_close(struct session *session)
{
    cemm_free(session->cemm);
    cemm_config_free(session->config);
    signals_release();
}
