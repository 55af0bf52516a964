#include "common/engine/queue.h"

static struct cemm_queue *list_of(const struct cemm_queued *queued, enum cemm_place place)
{
    struct cemm_source *source = queued->route->source;

    if (place != CEMM_QUEUED)
        return &source->busy;
    return queued->begun ? &source->repeats : &source->queue;
}

void cemm_queue_move(struct cemm_queued *queued, enum cemm_place place)
{
    struct cemm_source *source = queued->route->source;
    struct cemm_queue *from = list_of(queued, queued->place);
    struct cemm_queue *to = list_of(queued, place);

    if (queued->place == CEMM_SENT) {
        source->active--;
        queued->route->active--;
    }
    if (place == CEMM_SENT) {
        source->active++;
        queued->route->active++;
    }
    queued->place = place;
    queued->since = source->loop->now;
    if (from == to)
        return;
    TAILQ_REMOVE(from, queued, link);
    TAILQ_INSERT_TAIL(to, queued, link);
}

void cemm_queue_enter(struct cemm_queued *queued)
{
    queued->place = CEMM_WAITING;
    TAILQ_INSERT_TAIL(list_of(queued, CEMM_WAITING), queued, link);
    queued->route->source->open++;
}

void cemm_queue_leave(struct cemm_queued *queued)
{
    cemm_queue_move(queued, CEMM_WAITING);
    TAILQ_REMOVE(list_of(queued, CEMM_WAITING), queued, link);
    queued->route->source->open--;
}

/* ---- who is next ------------------------------------------------------------------ */

/*
 * Whether a device that has a request under way may have another: not on the
 * LAN, where devices are small, and not before it has answered. If the source
 * has other devices, half of the connections is for those without a request, so
 * that devices that hang can't take them all.
 */
static bool may_have_second(const struct cemm_route *route)
{
    const struct cemm_source *source = route->source;
    bool room = source->devices <= 1 || source->active < source->config->max_connections / 2;

    return source->config->kind != CEMM_LOCAL && route->proven && room;
}

static bool goes_before(const struct cemm_queued *queued, const struct cemm_queued *other)
{
    bool first = queued->route->active == 0;

    if (!other || first != (other->route->active == 0))
        return !other || first;
    return other->later && !queued->later;
}

/* First come, first served, but each device's first request before any second one, and what
 * somebody waits for before the rest. */
struct cemm_queued *cemm_queue_next(const struct cemm_source *source)
{
    struct cemm_queued *next = NULL;
    struct cemm_queued *queued;

    TAILQ_FOREACH (queued, &source->repeats, link)
        if (queued->route->active == 0 || may_have_second(queued->route))
            return queued;
    TAILQ_FOREACH (queued, &source->queue, link) {
        if (queued->route->active == 0 && !queued->later)
            return queued;
        if ((queued->route->active == 0 || may_have_second(queued->route)) &&
            goes_before(queued, next))
            next = queued;
    }
    return next;
}
