#include "common/engine/sweep.h"

#include "common/base/words.h"
#include "common/engine/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIND_AGE_MS (10 * 60 * 1000) /* how old a list of devices or meters may be */

struct sweep {
    struct cemm_cache *cache;
    struct cemm_find *find;
    struct cemm_registry *registry;
    struct cemm_loop *loop;
    struct cemm_selection selection;
    cemm_sweep_fn *meter;
    void *data;
    size_t pending;
    bool lacked; /* memory for something, which was logged */
};

/* One step of a sweep that waits for an answer. */
struct step {
    struct sweep *sweep;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    bool unlisted; /* the device's list could not be had, which was told */
};

static struct step *step_new(struct sweep *sweep, const struct cemm_uid *uid, const char *alias)
{
    struct step *step = calloc(1, sizeof(*step));

    if (!step)
        return NULL;
    step->sweep = sweep;
    if (uid)
        step->uid = *uid;
    strncpy(step->alias, alias, sizeof(step->alias) - 1);
    return step;
}

static void tell(struct sweep *sweep, const struct cemm_uid *uid, const char *alias,
                 const struct cemm_answer *answer)
{
    sweep->meter(sweep->data, uid && uid->text[0] ? uid : NULL, alias && alias[0] ? alias : NULL,
                 answer);
}

/* No source has failed, so nothing else logs it. */
static void tell_no_memory(struct sweep *sweep, const struct cemm_uid *uid, const char *alias)
{
    struct cemm_answer answer = {.result = -ENOMEM, .words = "out of memory"};

    if (!sweep->lacked)
        cemm_log(sweep->loop, CEMM_LOG_WARNING, "%s%s%s: out of memory; not all is read",
                 uid ? uid->text : "", alias ? " " : "", alias ? alias : "");
    sweep->lacked = true;
    tell(sweep, uid, alias, &answer);
}

/* One of the things that a sweep waits for has come. */
static void arrive(struct sweep *sweep)
{
    if (--sweep->pending > 0)
        return;
    tell(sweep, NULL, NULL, NULL);
    free(sweep);
}

/* ---- selection -------------------------------------------------------------------- */

/* Splits "uid/alias"; false if METER is not of that form. */
static bool split(const char *meter, struct cemm_uid *ret_uid, const char **ret_alias)
{
    const char *slash = strchr(meter, '/');
    char text[CEMM_UID_SIZE];

    if (!slash || slash - meter != CEMM_UID_SIZE - 1)
        return false;
    memcpy(text, meter, CEMM_UID_SIZE - 1);
    text[CEMM_UID_SIZE - 1] = '\0';
    *ret_alias = slash + 1;
    return cemm_uid_parse(text, ret_uid) && cemm_name_valid(slash + 1);
}

/* Whether METER ("uid/alias", "uid", "alias") lets this through; `alias` NULL: any of the device's.
 */
static bool matches(const char *meter, const struct cemm_uid *uid, const char *alias)
{
    const char *wanted = meter;
    struct cemm_uid named;

    if (cemm_uid_parse(meter, &named))
        return strcmp(named.text, uid->text) == 0;
    if (strchr(meter, '/') &&
        (!split(meter, &named, &wanted) || strcmp(named.text, uid->text) != 0))
        return false;
    return !alias || strcmp(wanted, alias) == 0;
}

static bool selected(const struct sweep *sweep, const struct cemm_uid *uid, const char *alias)
{
    const struct cemm_selection *selection = &sweep->selection;

    for (size_t i = 0; i < selection->meter_count; i++)
        if (matches(selection->meters[i], uid, alias))
            return true;
    return selection->meter_count == 0;
}

/* ---- steps ------------------------------------------------------------------------- */

/* A meter that is answered for without a single sample has failed, and is told of as such. */
static void tell_reading(const struct step *step, const struct cemm_answer *answer)
{
    struct cemm_words words;
    struct cemm_answer failure = {.result = -ENODATA, .words = words.text};
    bool empty = answer->result == 0 && cemm_status_empty(answer->document, &words);

    tell(step->sweep, &step->uid, step->alias, empty ? &failure : answer);
}

static void take_meter(void *data, const struct cemm_answer *answer)
{
    struct step *step = data;

    tell_reading(step, answer);
    arrive(step->sweep);
    free(step);
}

/* Whether the device has it at all is what the answer tells; from then on it is known. */
static void take_guess(void *data, const struct cemm_answer *answer)
{
    struct step *step = data;
    struct sweep *sweep = step->sweep;
    bool silent = answer->result == CEMM_ABSENT || (answer->result && step->unlisted);

    if (answer->result == 0) /* without memory, it is guessed again */
        (void)cemm_registry_know(sweep->registry, &step->uid, step->alias);
    if (!silent)
        tell_reading(step, answer);
    arrive(sweep);
    free(step);
}

/* Takes the step over. */
static void read_step(struct sweep *sweep, struct step *step, cemm_answer_fn *take)
{
    struct cemm_query query = {.uid = step->uid, .endpoint = CEMM_REALTIME};

    memcpy(query.alias, step->alias, sizeof(query.alias));
    if (sweep->selection.overlaps && cemm_cache_under_way(sweep->cache, &query)) {
        free(step);
        return;
    }
    if (cemm_cache_get(sweep->cache, &query, 0, CEMM_ONCE, take, step, NULL) == 0) {
        sweep->pending++;
        return;
    }
    tell_no_memory(sweep, &step->uid, step->alias);
    free(step);
}

static void read_meter(struct sweep *sweep, const struct cemm_uid *uid, const char *alias)
{
    struct step *step = step_new(sweep, uid, alias);

    if (step)
        read_step(sweep, step, take_meter);
    else
        tell_no_memory(sweep, uid, alias);
}

/* Whether the sweep is about what this route reaches. */
static bool swept(const struct sweep *sweep, const struct cemm_route *route)
{
    const char *source = sweep->selection.source;

    return !source || strcmp(source, route->source->name) == 0;
}

/* The meters that the sweep's source knows; without one, all of the device's. */
static const struct cemm_names *known_meters(const struct sweep *sweep,
                                             const struct cemm_device *device)
{
    for (size_t i = 0; sweep->selection.source && i < device->route_count; i++)
        if (swept(sweep, device->routes[i]))
            return &device->routes[i]->meters;
    return &device->meters;
}

/* Whether a route of the sweep may have it: it has not been denied there. */
static bool may_have(const struct sweep *sweep, const struct cemm_device *device, const char *alias)
{
    for (size_t i = 0; i < device->route_count; i++) {
        const struct cemm_route *route = device->routes[i];
        if (swept(sweep, route) && cemm_source_admits(route->source, alias) &&
            !cemm_names_have(&route->absent, alias))
            return cemm_registry_allows(sweep->registry, &device->uid, alias);
    }
    return false;
}

/* The alias that METER wants of this device; NULL: none, or whatever there is. */
static const char *wanted_alias(const char *meter, const struct cemm_uid *uid)
{
    const char *slash = strchr(meter, '/');
    struct cemm_uid whole;

    if (!matches(meter, uid, NULL) || cemm_uid_parse(meter, &whole))
        return NULL;
    return slash ? slash + 1 : meter;
}

/* Whether a METER before this one wants the same. */
static bool wanted_before(const struct sweep *sweep, size_t index, const struct cemm_uid *uid,
                          const char *alias)
{
    for (size_t i = 0; i < index; i++) {
        const char *other = wanted_alias(sweep->selection.meters[i], uid);
        if (other && strcmp(other, alias) == 0)
            return true;
    }
    return false;
}

/* What is asked for by name and in no list. */
static void read_unlisted(struct sweep *sweep, const struct cemm_device *device, bool unlisted)
{
    const struct cemm_names *meters = known_meters(sweep, device);
    const struct cemm_selection *selection = &sweep->selection;

    for (size_t i = 0; !sweep->loop->ending && i < selection->meter_count; i++) {
        const char *alias = wanted_alias(selection->meters[i], &device->uid);
        if (!alias || cemm_names_have(meters, alias) || !may_have(sweep, device, alias) ||
            wanted_before(sweep, i, &device->uid, alias))
            continue;
        struct step *step = step_new(sweep, &device->uid, alias);
        if (!step) {
            tell_no_memory(sweep, &device->uid, alias);
            continue;
        }
        step->unlisted = unlisted;
        read_step(sweep, step, take_guess);
    }
}

/* `unlisted`: its list could not be had, or only in part. */
static void read_meters(struct sweep *sweep, const struct cemm_device *device, bool unlisted)
{
    const struct cemm_names *meters = known_meters(sweep, device);

    for (size_t i = 0; !sweep->loop->ending && i < meters->count; i++)
        if (selected(sweep, &device->uid, meters->items[i]))
            read_meter(sweep, &device->uid, meters->items[i]);
    read_unlisted(sweep, device, unlisted);
}

static void take_meters(void *data, const struct cemm_answer *answer)
{
    struct step *step = data;
    struct sweep *sweep = step->sweep;
    const struct cemm_device *device = cemm_registry_find(sweep->registry, &step->uid);

    if (answer->result)
        tell(sweep, &step->uid, NULL, answer);
    if (device)
        read_meters(sweep, device, answer->result != 0);
    free(step);
    arrive(sweep);
}

/* The list of devices, or of a device's meters, is for a later sweep: its failure is in the log. */
static void nobody_waits(void *data, const struct cemm_answer *answer)
{
    (void)data;
    (void)answer;
}

/* True if nothing is left to do for this device. */
static bool read_known(struct sweep *sweep, const struct cemm_device *device)
{
    bool searching = !TAILQ_EMPTY(&device->searchers);

    if (!sweep->selection.overlaps)
        return false;
    if (known_meters(sweep, device)->count == 0)
        return searching; /* by an earlier sweep, which will read them */
    read_meters(sweep, device, false);
    if (!searching) /* without memory, a later sweep does it */
        (void)cemm_find_meters(sweep->find, &device->uid, FIND_AGE_MS, nobody_waits, NULL, NULL);
    return true;
}

static void read_device(struct sweep *sweep, const struct cemm_device *device)
{
    const struct cemm_uid *uid = &device->uid;

    if (read_known(sweep, device))
        return;
    struct step *step = step_new(sweep, uid, "");
    if (step && cemm_find_meters(sweep->find, uid, FIND_AGE_MS, take_meters, step, NULL) == 0) {
        sweep->pending++;
        return;
    }
    free(step);
    tell_no_memory(sweep, uid, NULL);
}

static bool reached(const struct sweep *sweep, const struct cemm_device *device)
{
    for (size_t i = 0; i < device->route_count; i++)
        if (swept(sweep, device->routes[i]))
            return true;
    return !sweep->selection.source;
}

static void take_devices(void *data, const struct cemm_answer *answer)
{
    struct sweep *sweep = data;
    const struct cemm_registry *registry = sweep->registry;

    if (answer->result)
        tell(sweep, NULL, NULL, answer);
    for (size_t i = 0; !sweep->loop->ending && i < registry->device_count; i++)
        if (reached(sweep, registry->devices[i]) &&
            selected(sweep, &registry->devices[i]->uid, NULL))
            read_device(sweep, registry->devices[i]);
    arrive(sweep);
}

/* METERs that name a device and an alias that needs no finding: what is asked for is known. */
static bool all_named(const struct sweep *sweep)
{
    const struct cemm_selection *selection = &sweep->selection;
    struct cemm_uid uid;
    const char *alias;

    for (size_t i = 0; i < selection->meter_count; i++)
        if (!split(selection->meters[i], &uid, &alias) ||
            !cemm_registry_allows(sweep->registry, &uid, alias))
            return false;
    return selection->meter_count > 0;
}

static void read_named(void *data, const struct cemm_answer *answer)
{
    struct sweep *sweep = data;

    (void)answer;
    for (size_t i = 0; !sweep->loop->ending && i < sweep->selection.meter_count; i++) {
        struct cemm_uid uid;
        const char *alias;
        if (split(sweep->selection.meters[i], &uid, &alias))
            read_meter(sweep, &uid, alias);
    }
    arrive(sweep);
}

static bool source_known(const struct cemm_registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->source_count; i++)
        if (strcmp(registry->sources[i]->name, name) == 0)
            return true;
    return strcmp(name, CEMM_DISCOVERY) == 0;
}

static bool any_reached(const struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->registry->device_count; i++)
        if (reached(sweep, sweep->registry->devices[i]))
            return true;
    return false;
}

/* The step is due at once, yet does not run inside this call. 0 or -ENOMEM. */
static int begin_by(struct sweep *sweep, cemm_answer_fn *step)
{
    return cemm_ticket_new(sweep->loop, &sweep->loop->ready, step, sweep) ? 0 : -ENOMEM;
}

static int begin(struct sweep *sweep)
{
    const char *source = sweep->selection.source;
    bool overlaps = sweep->selection.overlaps;

    if (all_named(sweep))
        return begin_by(sweep, read_named);
    bool finding = cemm_find_under_way(sweep->find, source);
    if (overlaps && any_reached(sweep)) {
        /* The devices that are known are read at once; others are looked for beside that. */
        int r = begin_by(sweep, take_devices);
        if (r == 0 && !finding)
            (void)cemm_find_devices(sweep->find, source, NULL, FIND_AGE_MS, nobody_waits, NULL,
                                    NULL);
        return r;
    }
    if (overlaps && finding)
        return -EALREADY;
    return cemm_find_devices(sweep->find, source, NULL, FIND_AGE_MS, take_devices, sweep, NULL);
}

int cemm_sweep_start(struct cemm_cache *cache, const struct cemm_selection *selection,
                     cemm_sweep_fn *meter, void *data)
{
    struct cemm_find *find = cache->find;

    if (cache->loop->ending)
        return -ECANCELED;
    if (selection->source && !source_known(&find->registry, selection->source))
        return -ENOENT;
    struct sweep *sweep = malloc(sizeof(*sweep));
    if (!sweep)
        return -ENOMEM;
    *sweep = (struct sweep){
        .cache = cache,
        .find = find,
        .registry = &find->registry,
        .loop = cache->loop,
        .selection = *selection,
        .meter = meter,
        .data = data,
        .pending = 1, /* the step that is taken now */
    };
    int r = begin(sweep);
    if (r < 0)
        free(sweep);
    return r;
}
