/*
 * Checks the output, reads the configuration and makes the library context.
 */
#include "plugin/exec/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/output.h"

/*
 * Messages of the library are kept: most of them come again as the failure of
 * a meter or source. Good news is not for a program that ends.
 */
static void keep_remark(void *data, enum cemm_level level, const char *line)
{
    struct session *session = data;
    if (level == CEMM_LOG_INFO)
        return;
    char *copy = session->remark_count < SESSION_REMARKS_MAX ? strdup(line) : NULL;
    if (copy)
        session->remarks[session->remark_count++] = copy;
    else
        session->remarks_lost++;
}

static void say_remark(void *data, enum cemm_level level, const char *line)
{
    (void)data;
    message_print(level, "%s", line);
}

enum exec_exit session_open(struct session *ret_session, enum session_kind kind,
                            const struct exec_options *options)
{
    struct cemm_words words = {""};
    *ret_session = (struct session){0};
    if (output_check(options->output, &words) < 0) {
        message_print(CEMM_LOG_ERROR, "%s", words.text);
        return EXEC_USAGE;
    }
    ret_session->config = cemm_config_new();
    int r = ret_session->config ? cemm_config_load(ret_session->config, options->config, &words)
                                : -ENOMEM;
    if (r == 0) {
        ret_session->cemm = cemm_new(
            ret_session->config, kind == SESSION_POLLING ? CEMM_REST_POLLER : CEMM_REST_INTERACTIVE,
            kind == SESSION_ONCE ? keep_remark : say_remark, ret_session);
        r = ret_session->cemm ? 0 : -ENOMEM;
    }
    if (r < 0) {
        message_print(CEMM_LOG_ERROR, "%s", words.text[0] != '\0' ? words.text : strerror(-r));
        return r == -ENOMEM ? EXEC_FAILED : EXEC_USAGE;
    }
    struct cemm_source_state state;
    ret_session->configured = cemm_source_at(ret_session->cemm, 0, &state);
    return EXEC_OK;
}

enum exec_exit session_check(const struct session *session)
{
    if (session->configured || cemm_config_discovers(session->config))
        return EXEC_OK;
    message_print(CEMM_LOG_ERROR,
                  "%s: no section [cloud NAME] or [local NAME], and discovery is off, so there is "
                  "nothing to ask",
                  cemm_config_file(session->config));
    return EXEC_USAGE;
}

bool session_found_nothing(const struct session *session)
{
    return !session->configured && !cemm_device_at(session->cemm, 0);
}

void session_report(const struct session *session)
{
    for (size_t i = 0; i < session->remark_count; i++)
        message_print(CEMM_LOG_WARNING, "%s", session->remarks[i]);
}

void session_close(struct session *session)
{
    cemm_free(session->cemm);
    if (session->config)
        cemm_config_free(session->config);
    for (size_t i = 0; i < session->remark_count; i++)
        free(session->remarks[i]);
    if (session->remarks_lost > 0)
        message_print(CEMM_LOG_WARNING, "%zu more warnings were dropped", session->remarks_lost);
    *session = (struct session){0};
}
