/*
 * Reads the configuration and makes the library context. Someone who starts
 * `cemm` for the first time has no configuration: that is the one mistake that
 * everybody makes, so its message says where we looked and what to write.
 */
#include "plugin/exec/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What the library logs is kept, not said: most of it comes again as the
 * failure of a meter or source, and nobody needs the same trouble twice. Good
 * news is for programs that go on running; this one has its exit status.
 */
static void keep_remark(void *data, enum cemm_level level, const char *line)
{
    struct session *session = data;
    if (level == CEMM_LOG_INFO || session->remark_count == SESSION_REMARKS_MAX)
        return;
    char *copy = strdup(line);
    if (copy != NULL)
        session->remarks[session->remark_count++] = copy;
}

/* The user's own file, as cemm_config_load() looks for it; NULL where there is no home. */
static char *own_file(void)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *between = "";
    char *file = NULL;
    if (base == NULL || base[0] != '/') {
        base = getenv("HOME");
        between = "/.config";
    }
    if (base == NULL || base[0] != '/')
        return NULL;
    return asprintf(&file, "%s%s/cemm/cemm.conf", base, between) < 0 ? NULL : file;
}

static void explain_no_file(struct speech *speech)
{
    static const char common[] = "/etc/cemm/cemm.conf";
    char *own = own_file();
    speech_say(speech, CEMM_LOG_ERROR,
               "no configuration: $CEMM_CONFIG is not set, and there is no %s%s%s",
               own != NULL ? own : "", own != NULL ? " and no " : "", common);
    speech_say(speech, CEMM_LOG_ERROR,
               "for a CEMM in this network, write two lines into %s:", own != NULL ? own : common);
    speech_say(speech, CEMM_LOG_ERROR, "    [local home]");
    speech_say(speech, CEMM_LOG_ERROR, "    address = 192.168.2.115");
    speech_say(speech, CEMM_LOG_ERROR,
               "for the cloud: [cloud home] and api-key-file = FILE, whose first line is the key "
               "(mode 0600)");
    free(own);
}

static enum exec_exit check_sources(const struct session *session, struct speech *speech)
{
    struct cemm_source_state state;
    if (cemm_source_at(session->cemm, 0, &state))
        return EXEC_OK;
    const char *file = cemm_config_file(session->config);
    if (file == NULL)
        explain_no_file(speech);
    else
        speech_say(speech, CEMM_LOG_ERROR,
                   "%s: no section [cloud NAME] or [local NAME], so there is nothing to ask", file);
    return EXEC_USAGE;
}

enum exec_exit session_open(struct session *ret_session, const struct exec_options *options,
                            struct speech *speech)
{
    struct cemm_words words = {""};
    *ret_session = (struct session){.config = cemm_config_new()};
    if (ret_session->config == NULL) {
        speech_say(speech, CEMM_LOG_ERROR, "out of memory");
        return EXEC_FAILED;
    }
    int r = cemm_config_load(ret_session->config, options->config, &words);
    if (r < 0) {
        speech_say(speech, CEMM_LOG_ERROR, "%s", words.text[0] != '\0' ? words.text : strerror(-r));
        return r == -ENOMEM ? EXEC_FAILED : EXEC_USAGE;
    }
    ret_session->cemm =
        cemm_new(ret_session->config, CEMM_REST_INTERACTIVE, keep_remark, ret_session);
    if (ret_session->cemm == NULL) {
        speech_say(speech, CEMM_LOG_ERROR, "out of memory");
        return EXEC_FAILED;
    }
    return check_sources(ret_session, speech);
}

void session_close(struct session *session)
{
    cemm_free(session->cemm);
    if (session->config != NULL)
        cemm_config_free(session->config);
    for (size_t i = 0; i < session->remark_count; i++)
        free(session->remarks[i]);
    *session = (struct session){0};
}
