/*
 * What every command begins with: the configuration and a library context. Also
 * explains why nothing was found, and what to do.
 */
#ifndef CEMM_EXEC_SESSION_H
#define CEMM_EXEC_SESSION_H

#include "plugin/exec/options.h"

/* Warnings that are kept; further ones are counted. */
#define SESSION_WARNINGS_MAX 1000

enum session_kind {
    SESSION_DISCOVERY, /* asks no configured source; messages are kept */
    SESSION_ONCE,      /* one sweep: messages are kept, because most of them are repeated */
    SESSION_LONG,      /* takes a while: messages are kept until session_release() */
    SESSION_POLLING,   /* runs for ever: messages are printed at once; silent sources rest longer */
};

struct session {
    struct cemm_config *config;
    struct cemm *cemm;
    bool configured;                      /* with a [cloud] or [local] */
    bool held;                            /* SESSION_LONG: warnings are kept */
    char *warnings[SESSION_WARNINGS_MAX]; /* of the library */
    size_t warning_count;
    size_t warnings_lost;
};

/* Opens a session, or reports why it can't, for example because there is nothing to read.
 * session_close() must follow in either case, and the session must not move until then. */
enum exec_exit session_open(struct session *ret_session, enum session_kind kind,
                            const struct exec_options *options);

/* Whether nothing is configured and nothing was found, so that nothing can have failed. */
bool session_found_nothing(const struct session *session);

/* Prints the kept messages whose cause was not printed, and from now on all at once. */
void session_release(struct session *session);

/* Prints the kept messages. */
void session_report(const struct session *session);

/* Says why discovery may have missed devices. */
void session_explain_missing(const struct session *session, enum cemm_level level);

/* Says what discovery has tried without success, and how to configure a device by its address. */
void session_explain_discovery(const struct session *session);

/* After session_found_nothing(): says where the configuration was looked for, and the above. */
void session_explain_nothing(const struct session *session);

/* Also reports how many warnings were lost. */
void session_close(struct session *session);

#endif
