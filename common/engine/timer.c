#include "common/engine/timer.h"

#include <stddef.h>

static void put(struct cemm_timer **link, struct cemm_timer *timer)
{
    *link = timer;
    if (timer)
        timer->link = link;
}

/* Makes the later one of two heaps the first child of the other. */
static struct cemm_timer *join(struct cemm_timer *a, struct cemm_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    struct cemm_timer *first = b->when < a->when ? b : a;
    struct cemm_timer *child = first == a ? b : a;
    put(&child->next, first->child);
    put(&first->child, child);
    first->next = NULL;
    return first;
}

/* Joins siblings in pairs, and then the pairs. */
static struct cemm_timer *join_all(struct cemm_timer *siblings)
{
    struct cemm_timer *pairs = NULL;
    struct cemm_timer *all = NULL;

    while (siblings) {
        struct cemm_timer *a = siblings;
        struct cemm_timer *b = a->next;
        siblings = b ? b->next : NULL;
        a = join(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct cemm_timer *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        all = join(all, pair);
    }
    return all;
}

void cemm_timer_set(struct cemm_timers *timers, struct cemm_timer *timer, int64_t when)
{
    timer->when = when;
    timer->next = timer->child = NULL;
    put(&timers->first, join(timers->first, timer));
}

void cemm_timer_stop(struct cemm_timer *timer)
{
    if (!timer->link)
        return;
    struct cemm_timer *children = join_all(timer->child);
    if (children)
        put(&children->next, timer->next);
    put(timer->link, children ? children : timer->next);
    timer->link = NULL;
}

void cemm_timers_run(struct cemm_timers *timers, int64_t now)
{
    struct cemm_timer *timer;

    while ((timer = timers->first) && timer->when <= now) {
        cemm_timer_stop(timer);
        timer->fire(timer->data);
    }
}

int64_t cemm_timers_next(const struct cemm_timers *timers, int64_t now)
{
    if (!timers->first)
        return -1;
    return timers->first->when > now ? timers->first->when - now : 0;
}
