/*
 * A first run has no configuration, and perhaps no broadcast gets through. So
 * these messages say what was tried, where it was looked for and what to
 * write.
 */
#include "plugin/exec/explain.h"

#include <stdlib.h>

#define COMMON_FILE "/etc/cemm/cemm.conf"

static const char *plural(size_t count, const char *more)
{
    return count == 1 ? "" : more;
}

void explain_look(const struct cemm *cemm)
{
    struct cemm_discovery_state state;
    cemm_discovery_at(cemm, &state);
    message_print(CEMM_LOG_ERROR, "no CEMM answered: %u broadcast address%s asked on UDP port 9777",
                  state.asked, state.asked == 1 ? " was" : "es were");
    if (state.words[0] != '\0')
        message_print(CEMM_LOG_ERROR, "%s", state.words);
    if (state.asked > 0 && !state.own_port)
        message_print(CEMM_LOG_ERROR,
                      "another program holds that port here: devices that answer only there were "
                      "not heard");
    if (state.junk > 0)
        message_print(CEMM_LOG_ERROR, "%zu packet%s received that %s not from a CEMM", state.junk,
                      plural(state.junk, "s"), state.junk == 1 ? "was" : "were");
    message_print(
        CEMM_LOG_ERROR,
        "is it switched on and in the same network as this machine, without a firewall between? "
        "Its core must be 1.23 or later");
}

void explain_file(const struct session *session)
{
    char *own = cemm_config_own();
    const char *file = cemm_config_file(session->config);
    if (!file)
        file = own ? own : COMMON_FILE;
    message_print(CEMM_LOG_ERROR, "if you know its address, write two lines into %s:", file);
    message_print(CEMM_LOG_ERROR, "    [local home]");
    message_print(CEMM_LOG_ERROR, "    address = 192.168.2.115");
    free(own);
}

void explain_nothing(const struct session *session)
{
    char *own = cemm_config_own();
    const char *file = cemm_config_file(session->config);
    if (!file)
        message_print(CEMM_LOG_ERROR,
                      "no configuration: $CEMM_CONFIG is not set, and there is no %s%s" COMMON_FILE,
                      own ? own : "", own ? " and no " : "");
    else
        message_print(CEMM_LOG_ERROR,
                      "%s: no section [cloud NAME] or [local NAME], so the network was searched",
                      file);
    free(own);
    explain_look(session->cemm);
    explain_file(session);
    message_print(
        CEMM_LOG_ERROR,
        "for the cloud: [cloud home] and api-key-file = FILE, whose first line is the key "
        "(mode 0600)");
}
