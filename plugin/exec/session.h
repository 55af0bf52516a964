/*
 * What every command begins with: the configuration, and a library context on it.
 */
#ifndef CEMM_EXEC_SESSION_H
#define CEMM_EXEC_SESSION_H

#include "plugin/exec/exec.h"

/* Warnings of the library that are kept; further ones are counted. */
#define SESSION_REMARKS_MAX 1000

enum session_kind {
    SESSION_ONCE,    /* one sweep: what the library says is kept, most of it comes again */
    SESSION_LONG,    /* goes on for a while: it is said at once */
    SESSION_POLLING, /* goes on for ever: so, and what does not answer may rest for long */
};

struct session {
    struct cemm_config *config;
    struct cemm *cemm;
    bool configured;                    /* there is a [cloud] or [local] */
    char *remarks[SESSION_REMARKS_MAX]; /* what the library said while it worked */
    size_t remark_count;
    size_t remarks_lost;
};

/* Opens it, or says why not. session_close() is due in either case; it must not move until then. */
enum exec_exit session_open(struct session *ret_session, enum session_kind kind,
                            const struct exec_options *options);

/* Whether there is anything to ask; says so if not. */
enum exec_exit session_check(const struct session *session);

/* Nothing is configured, and nothing was found: then there is not even something that failed. */
bool session_found_nothing(const struct session *session);

/* Says all that the library said. */
void session_report(const struct session *session);

/* Says how many warnings found no room to be reported, if any, and frees all. */
void session_close(struct session *session);

#endif
