/*
 * The begin of every command: the configuration and a library context.
 */
#ifndef CEMM_EXEC_SESSION_H
#define CEMM_EXEC_SESSION_H

#include "plugin/exec/options.h"

/* Warnings that are kept; further ones are counted. */
#define SESSION_REMARKS_MAX 1000

enum session_kind {
    SESSION_ONCE,    /* one sweep: messages are kept, most of them come again */
    SESSION_LONG,    /* takes a while: messages are printed at once */
    SESSION_POLLING, /* runs for ever: likewise, and silent sources rest longer */
};

struct session {
    struct cemm_config *config;
    struct cemm *cemm;
    bool configured;                    /* with a [cloud] or [local] */
    char *remarks[SESSION_REMARKS_MAX]; /* of the library */
    size_t remark_count;
    size_t remarks_lost;
};

/* Opens a session or reports why not. session_close() must follow in either case, and the session
 * must not move until then. */
enum exec_exit session_open(struct session *ret_session, enum session_kind kind,
                            const struct exec_options *options);

/* Reports if there is nothing to ask. */
enum exec_exit session_check(const struct session *session);

/* Nothing is configured or found, so that nothing can have failed. */
bool session_found_nothing(const struct session *session);

/* Prints the kept messages. */
void session_report(const struct session *session);

/* Also reports how many warnings were lost. */
void session_close(struct session *session);

#endif
