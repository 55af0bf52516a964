/*
 * The command line, as people write it and as mount(8) does.
 */
#ifndef FS_OPTIONS_H
#define FS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cemm.h"

struct options {
    const char *config; /* NULL: where the programs look */
    const char *mountpoint;
    int64_t realtime_ttl; /* seconds */
    bool foreground;
    bool debug;
    bool allow_other;
    bool default_permissions; /* the kernel checks who may read what */
    int64_t owner;
    int64_t group;
    int64_t mask; /* permissions that nobody has */
};

enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_WRONG };

/* Reads the arguments, whose texts the options point into. If they are wrong, `words` say how. */
enum options_result options_read(int argc, char **argv, struct options *ret_options,
                                 struct cemm_words *words);

extern const char options_help[];

#endif
