/* Makes the genuine answer to a request. See route.c. */
#pragma once

#include "answer.h"
#include "document.h"
#include "world.h"

#include <stdint.h>

#define PATH_MAX_LENGTH 1024
#define WORD_SIZE       64

enum what {
    WHAT_NOTHING, /* 404 */
    WHAT_DEVICES,
    WHAT_LAN_ROOT, /* what a LAN device says about itself */
    WHAT_IO,       /* the list of meters */
    WHAT_ALIAS,    /* the entry of one meter in that list */
    WHAT_REALTIME,
    WHAT_HISTORY,
    WHAT_TOTALS,
};

/* The parts of a path. */
struct target {
    enum what what;
    char uid[WORD_SIZE];
    char alias[WORD_SIZE];
    enum period period;
};

struct query {
    const char *key;   /* NULL: none */
    const char *time;  /* NULL: none */
    const char *whole; /* the path and the parameters, which identify a promise */
};

/* Parses a path. WHAT_NOTHING: the API has no such path. */
void route_parse(const struct world *world, enum api api, const char *path,
                 struct target *ret_target);
/* Makes the answer, and returns 0 or a negative errno. `device` is the device whose LAN port
 * received the request, or NULL for the cloud. */
int route_answer(struct world *world, struct device *device, const struct target *target,
                 const struct query *query, struct answer *answer);
