#include "common/engine/timer.h"

#include <stdbool.h>
#include <stddef.h>

static void put(struct cemm_timer **link, struct cemm_timer *timer)
{
    *link = timer;
    if (timer)
        timer->link = link;
}

static bool earlier(const struct cemm_timer *a, const struct cemm_timer *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

/* Joins two heaps into one at `link`. Each timer on the way swaps its children, which keeps the
 * heap shallow. */
static void join(struct cemm_timer **link, struct cemm_timer *a, struct cemm_timer *b)
{
    while (a && b) {
        struct cemm_timer *first = earlier(a, b) ? a : b;
        struct cemm_timer *right = first->right;
        b = first == a ? b : a;
        a = right;
        put(link, first);
        put(&first->right, first->left);
        link = &first->left;
    }
    put(link, a ? a : b);
}

void cemm_timer_set(struct cemm_timers *timers, struct cemm_timer *timer, int64_t when)
{
    timer->when = when;
    timer->order = ++timers->order;
    timer->left = timer->right = NULL;
    join(&timers->first, timers->first, timer);
}

void cemm_timer_stop(struct cemm_timer *timer)
{
    if (!timer->link)
        return;
    join(timer->link, timer->left, timer->right);
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
