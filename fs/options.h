/*
 * The command line, as people and mount(8) write it.
 */
#ifndef FS_OPTIONS_H
#define FS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/frontend.h"

struct options {
    const char *config; /* NULL: the default places */
    const char *mountpoint;
    int64_t realtime_ttl; /* seconds */
    bool foreground;
    bool debug;
    bool allow_other;
    bool default_permissions;
    int64_t owner;
    int64_t group;
    int64_t mask; /* permission bits to remove */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* Reads the arguments, which must outlive the options. OPTIONS_DONE: the help or the version was
 * requested, and was printed. OPTIONS_WRONG: `message` says what is wrong. */
enum options_result options_read(int argc, char **argv, struct options *ret_options,
                                 struct cemm_message *message);

#endif
