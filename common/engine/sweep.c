#include "common/engine/sweep.h"

#include "common/engine/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sweep {
    struct cemm_cache *cache;
    struct cemm_registry *registry;
    struct cemm_selection selection;
    cemm_sweep_fn *report;
    void *data;
    size_t pending; /* number of steps under way; the sweep ends with the last one */
    bool no_memory; /* a lack of memory was logged */
};

/* Why a meter is read. */
enum reason {
    LISTED,      /* it is in a list, or no list is needed (see all_named()) */
    GUESSED,     /* a METER names it, but it is in no list */
    LIST_FAILED, /* like GUESSED, but its failure is not reported, because the list's was */
};

/* A step of a sweep. Each step waits for one answer. */
struct step {
    struct sweep *sweep;
    struct cemm_query query; /* if it has only a uid, the step searches for that device's meters */
    enum reason reason;
};

static void step_done(struct sweep *sweep)
{
    if (--sweep->pending > 0)
        return;
    sweep->report(sweep->data, NULL, NULL, NULL);
    free(sweep);
}

/* ---- steps ------------------------------------------------------------------------- */

/* Reports an answer; if it has no sample, as a failure. */
static void report_reading(const struct step *step, const struct cemm_answer *answer)
{
    struct cemm_message message;
    struct cemm_answer failure = {.result = -ENODATA, .message = message.text};
    bool empty = answer->result == 0 && cemm_reply_is_empty(answer->document, &message);

    step->sweep->report(step->sweep->data, &step->query.uid, step->query.alias,
                        empty ? &failure : answer);
}

/* Takes the answer about a meter. If a guessed meter is absent, that is not reported. */
static void on_meter(void *data, const struct cemm_answer *answer)
{
    struct step *step = data;
    struct sweep *sweep = step->sweep;
    bool reported = step->reason == LISTED ||
                    (answer->result != CEMM_ABSENT && (!answer->result || step->reason == GUESSED));

    /* If there is no memory to add the meter, the next sweep guesses it again. */
    if (answer->result == 0 && step->reason != LISTED)
        (void)cemm_registry_know(sweep->registry, &step->query.uid, step->query.alias);
    if (reported)
        report_reading(step, answer);
    step_done(sweep);
    free(step);
}

static void on_meters(void *data, const struct cemm_answer *answer);

/* Starts a search for a device's meters. `step` takes the answer; if it is NULL, nobody does. */
static int search_meters(struct sweep *sweep, const struct cemm_uid *uid, struct step *step)
{
    const struct cemm_wanted wanted = {.uid = *uid, .meters = true, .max_age = CEMM_LIST_AGE};

    return cemm_find_start(sweep->cache->find, &wanted, step ? on_meters : NULL, step, NULL);
}

/* Reads the query's meter or, if the query has no alias, searches for the device's meters. */
static void take_step(struct sweep *sweep, const struct cemm_query *query, enum reason reason)
{
    struct cemm_answer failure = {.result = -ENOMEM, .message = "out of memory"};
    const char *alias = query->alias[0] ? query->alias : NULL;
    struct step *step = malloc(sizeof(*step));
    int r = -ENOMEM;

    if (step)
        *step = (struct step){sweep, *query, reason};
    if (step && alias)
        r = cemm_cache_get(sweep->cache, NULL, query, 0, CEMM_ONCE, on_meter, step, NULL);
    else if (step)
        r = search_meters(sweep, &query->uid, step);
    if (r == 0) {
        sweep->pending++;
        return;
    }
    free(step);
    /* No source has failed, so nothing else logs the lack of memory. */
    if (!sweep->no_memory)
        cemm_log(sweep->registry->loop, CEMM_LOG_WARNING,
                 "%s%s%s: out of memory; not everything was read", query->uid.text,
                 alias ? " " : "", query->alias);
    sweep->no_memory = true;
    sweep->report(sweep->data, &query->uid, alias, &failure);
}

static void read_meter(struct sweep *sweep, const struct cemm_uid *uid, const char *alias,
                       enum reason reason)
{
    struct cemm_query query = {.uid = *uid, .endpoint = CEMM_REALTIME};

    strcpy(query.alias, alias);
    /* An earlier sweep may still be reading the meter, or two METERs may name it. */
    bool reading = (sweep->selection.overlaps || reason != LISTED) &&
                   cemm_cache_under_way(sweep->cache, &query);
    if (!reading)
        take_step(sweep, &query, reason);
}

/* The device's route through the sweep's source. NULL: no such route, or all sources are swept. */
static const struct cemm_route *swept_route(const struct sweep *sweep,
                                            const struct cemm_device *device)
{
    const char *source = sweep->selection.source;
    const struct cemm_route *route;

    TAILQ_FOREACH (route, &device->routes, link)
        if (source && strcmp(source, route->source->name) == 0)
            break;
    return route;
}

static bool reached(const struct sweep *sweep, const struct cemm_device *device)
{
    return !sweep->selection.source || swept_route(sweep, device);
}

/* Whether the device is known to have that meter or, if `alias` is NULL, any meter. If the sweep
 * has a source, only what that source knows counts. */
static bool knows(const struct sweep *sweep, const struct cemm_device *device, const char *alias)
{
    const struct cemm_route *route = swept_route(sweep, device);

    if (!alias)
        return route ? route->meters.count > 0 : cemm_device_alias(device, 0) != NULL;
    return route ? cemm_strings_has(&route->meters, alias) : cemm_device_has(device, alias);
}

/* Whether the meter may be requested (cemm_registry_allows()), and a source that reaches the device
 * admits the alias, and has not reported it absent. */
static bool may_have(const struct sweep *sweep, const struct cemm_device *device, const char *alias)
{
    const struct cemm_route *route;

    TAILQ_FOREACH (route, &device->routes, link)
        if (cemm_source_admits(route->source, alias) && !cemm_strings_has(&route->absent, alias))
            return cemm_registry_allows(sweep->registry, &device->uid, alias);
    return false;
}

static void read_guessed(struct sweep *sweep, const struct cemm_device *device, enum reason reason)
{
    const struct cemm_selection *selection = &sweep->selection;

    for (size_t i = 0; !sweep->registry->loop->ending && i < selection->meter_count; i++) {
        const char *uid = selection->meters[i].uid.text;
        const char *alias = selection->meters[i].alias;
        if (alias[0] && (!uid[0] || strcmp(uid, device->uid.text) == 0) &&
            !cemm_device_has(device, alias) && may_have(sweep, device, alias))
            read_meter(sweep, &device->uid, alias, reason);
    }
}

/* Reads the device's selected meters. `guess` is the reason for those that are in no list. */
static void read_meters(struct sweep *sweep, const struct cemm_device *device, enum reason guess)
{
    const struct cemm_meter *meter;

    TAILQ_FOREACH (meter, &device->meters, link)
        if (!sweep->registry->loop->ending && knows(sweep, device, meter->alias) &&
            cemm_selected(&sweep->selection, &device->uid, meter->alias))
            read_meter(sweep, &device->uid, meter->alias, LISTED);
    read_guessed(sweep, device, guess);
}

static void on_meters(void *data, const struct cemm_answer *answer)
{
    struct step *step = data;
    struct sweep *sweep = step->sweep;
    const struct cemm_device *device = cemm_registry_find(sweep->registry, &step->query.uid);

    if (answer->result)
        sweep->report(sweep->data, &step->query.uid, NULL, answer);
    if (device)
        read_meters(sweep, device, answer->result ? LIST_FAILED : GUESSED);
    free(step);
    step_done(sweep);
}

/* If sweeps may overlap, reads the meters that are known. True: nothing is left to do. */
static bool read_known(struct sweep *sweep, const struct cemm_device *device)
{
    bool searching = !TAILQ_EMPTY(&device->searchers);

    if (!sweep->selection.overlaps)
        return false;
    if (!knows(sweep, device, NULL))
        return searching; /* an earlier sweep searches for its meters, and will read them */
    read_meters(sweep, device, GUESSED);
    if (!searching) /* a later sweep uses the result; a failure is logged */
        (void)search_meters(sweep, &device->uid, NULL);
    return true;
}

static void on_devices(void *data, const struct cemm_answer *answer)
{
    struct sweep *sweep = data;
    const struct cemm_registry *registry = sweep->registry;

    if (answer->result)
        sweep->report(sweep->data, NULL, NULL, answer);
    for (size_t i = 0; !registry->loop->ending && i < registry->device_count; i++) {
        const struct cemm_device *device = registry->devices[i];
        const struct cemm_query search = {.uid = device->uid};
        if (reached(sweep, device) && cemm_selected(&sweep->selection, &device->uid, NULL) &&
            !read_known(sweep, device))
            take_step(sweep, &search, LISTED);
    }
    step_done(sweep);
}

/* Whether all METERs name a device and a permitted alias, so that no list is needed. */
static bool all_named(const struct sweep *sweep)
{
    const struct cemm_selection *selection = &sweep->selection;

    for (size_t i = 0; i < selection->meter_count; i++) {
        const struct cemm_selector *meter = &selection->meters[i];
        if (!meter->uid.text[0] ||
            !cemm_registry_allows(sweep->registry, &meter->uid, meter->alias))
            return false;
    }
    return selection->meter_count > 0;
}

static void read_named(void *data, const struct cemm_answer *answer)
{
    struct sweep *sweep = data;
    const struct cemm_selection *selection = &sweep->selection;

    (void)answer;
    for (size_t i = 0; !sweep->registry->loop->ending && i < selection->meter_count; i++)
        read_meter(sweep, &selection->meters[i].uid, selection->meters[i].alias, LISTED);
    step_done(sweep);
}

static bool any_reached(const struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->registry->device_count; i++)
        if (reached(sweep, sweep->registry->devices[i]))
            return true;
    return false;
}

/* Makes the loop call `first` soon, but not within this call. Returns 0 or -ENOMEM. */
static int begin_by(struct sweep *sweep, cemm_answer_fn *first)
{
    struct cemm_loop *loop = sweep->registry->loop;

    return cemm_ticket_new(loop, &loop->ready, sizeof(struct cemm_ticket), first, sweep) ? 0
                                                                                         : -ENOMEM;
}

static int begin(struct sweep *sweep)
{
    const struct cemm_wanted wanted = {.source = sweep->selection.source, .max_age = CEMM_LIST_AGE};
    struct cemm_find *find = sweep->cache->find;
    bool overlaps = sweep->selection.overlaps;

    if (all_named(sweep))
        return begin_by(sweep, read_named);
    bool finding = cemm_find_under_way(find, &wanted);
    if (overlaps && any_reached(sweep)) {
        /* Known devices are read immediately; meanwhile, others are searched for. */
        int r = begin_by(sweep, on_devices);
        if (r == 0 && !finding)
            (void)cemm_find_start(find, &wanted, NULL, NULL, NULL);
        return r;
    }
    if (overlaps && finding)
        return -EALREADY;
    return cemm_find_start(find, &wanted, on_devices, sweep, NULL);
}

int cemm_sweep_start(struct cemm_cache *cache, const struct cemm_selection *selection,
                     cemm_sweep_fn *report, void *data)
{
    if (selection->source && selection->meter_count > 0)
        return -EINVAL;
    if (cache->loop->ending)
        return -ECANCELED;
    struct sweep *sweep = malloc(sizeof(*sweep));
    if (!sweep)
        return -ENOMEM;
    *sweep = (struct sweep){
        .cache = cache,
        .registry = &cache->find->registry,
        .selection = *selection,
        .report = report,
        .data = data,
        .pending = 1, /* the first step, which begin() takes */
    };
    int r = begin(sweep);
    if (r < 0)
        free(sweep);
    return r;
}
