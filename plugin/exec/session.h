/*
 * What every command begins with: the configuration and a library context.
 */
#ifndef CEMM_EXEC_SESSION_H
#define CEMM_EXEC_SESSION_H

#include "plugin/exec/options.h"

enum session_kind {
    SESSION_DISCOVERY, /* asks no configured source */
    SESSION_ONCE,      /* asks all sources, and ends */
    SESSION_POLLING,   /* runs for ever: sources that do not answer are left alone longer */
};

struct session {
    struct cemm_config *config;
    struct cemm *cemm;
    enum session_kind kind;
    bool configured; /* there is a [cloud] or [local] section */
};

/* Opens a session. If that fails, says why, for example that there is nothing to read. While the
 * session is open, signals end the program only while it waits (wait.h). Messages from the library
 * go to message_once(), or with SESSION_POLLING to message_print(). session_close() must be called
 * even if this fails, and the session must not move until then. */
enum exec_exit session_open(struct session *ret_session, enum session_kind kind,
                            const struct exec_options *options);

/* Runs turns of the library until completions have counted `pending` down to 0; `show` (may be
 * NULL) shows progress. Returns 0 or a negative errno. A termination signal ends the process. */
int session_wait(const struct session *session, const size_t *pending,
                 void (*show)(const void *data), const void *data);

/* Whether no source is configured and no device was found: then nothing can have failed. */
bool session_found_nothing(const struct session *session);

/* Says why discovery may have missed devices. */
void session_explain_missing(const struct session *session, enum cemm_level level);

/* Says where the configuration was looked for, what was tried, and how to configure a device. */
void session_explain_nothing(const struct session *session);

void session_close(struct session *session);

#endif
