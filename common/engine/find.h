/*
 * Finds devices and their meters. A caller that asks during a search joins it.
 *
 * Cloud: the endpoint cemm/ lists the devices. Each documented alias is probed (requested, to see
 * if it exists) at <alias>/, which returns 200, or 412 if the meter does not exist. LAN: the root
 * document names the device. The endpoint io/ lists its meters, but not `usage`, which is
 * calculated; so `usage` is probed at realtime/. Older firmware has no io/: there, each documented
 * alias except those of Modbus is probed. Absent aliases are skipped for a day.
 */
#ifndef CEMM_ENGINE_FIND_H
#define CEMM_ENGINE_FIND_H

#include "common/engine/discovery.h"
#include "common/engine/registry.h"

/* The registry, and what fills it. */
struct cemm_find {
    struct cemm_registry registry;
    struct cemm_discovery discovery;
    struct cemm_ticket_list waiters; /* callers that wait for sources to list their devices */
};

void cemm_find_init(struct cemm_find *find, struct cemm_loop *loop, struct cemm_store *store,
                    const struct cemm_config *config);

#define CEMM_LIST_AGE (10 * 60 * 1000) /* how old the lists of devices and meters may be */

/* What is searched for. Pointers must outlive the search. */
struct cemm_wanted {
    const char *source; /* only sources of this name are asked; NULL: all */
    int64_t max_age;    /* milliseconds: older lists are requested again */
    /* The search ends when all sources have answered or failed, and earlier if a source reaches
     * this device ("": no device is searched for in particular). */
    struct cemm_uid uid;
    bool meters; /* the meters of `uid` are looked for, too */
    /* If not NULL, nothing is requested: the search only waits for sources (and discovery) that
     * are being asked for their first list of devices, and may serve this query. */
    const struct cemm_query *query;
    const struct cemm_source *only; /* with `query`: the only source to wait for; NULL: all */
};

/* Like cemm_find(), but searches for `wanted`. */
int cemm_find_start(struct cemm_find *find, const struct cemm_wanted *wanted, cemm_answer_fn *done,
                    void *data, struct cemm_ticket **ret_ticket);

/* Whether a search for `wanted` would have to wait for sources that have already been asked. */
bool cemm_find_under_way(const struct cemm_find *find, const struct cemm_wanted *wanted);

/* Asks a source for its devices, unless it is being asked or its list is at most `max_age` old. */
void cemm_find_source(struct cemm_source *source, int64_t max_age);

#endif
