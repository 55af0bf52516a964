#include "common/engine/timer.h"

#include <errno.h>
#include <stdlib.h>

void cemm_timers_clear(struct cemm_timers *timers)
{
    free(timers->heap);
    *timers = (struct cemm_timers){0};
}

static void put(struct cemm_timers *timers, size_t place, struct cemm_timer *timer)
{
    timers->heap[place] = timer;
    timer->slot = place + 1;
}

static void sift_up(struct cemm_timers *timers, size_t place, struct cemm_timer *timer)
{
    while (place > 0 && timers->heap[(place - 1) / 2]->when > timer->when) {
        put(timers, place, timers->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(timers, place, timer);
}

static void sift_down(struct cemm_timers *timers, size_t place, struct cemm_timer *timer)
{
    for (size_t child; (child = 2 * place + 1) < timers->count; place = child) {
        if (child + 1 < timers->count && timers->heap[child + 1]->when < timers->heap[child]->when)
            child++;
        if (timers->heap[child]->when >= timer->when)
            break;
        put(timers, place, timers->heap[child]);
    }
    put(timers, place, timer);
}

int cemm_timer_set(struct cemm_timers *timers, struct cemm_timer *timer, int64_t when)
{
    if (timers->count == timers->capacity) {
        size_t capacity = timers->capacity ? 2 * timers->capacity : 16;
        struct cemm_timer **heap =
            reallocarray(timers->heap, capacity, sizeof(struct cemm_timer *));
        if (!heap)
            return -ENOMEM;
        timers->heap = heap;
        timers->capacity = capacity;
    }
    timer->when = when;
    sift_up(timers, timers->count++, timer);
    return 0;
}

void cemm_timer_stop(struct cemm_timers *timers, struct cemm_timer *timer)
{
    if (timer->slot == 0)
        return;
    size_t place = timer->slot - 1;
    struct cemm_timer *last = timers->heap[--timers->count];
    timer->slot = 0;
    if (last == timer)
        return;
    if (last->when < timer->when)
        sift_up(timers, place, last);
    else
        sift_down(timers, place, last);
}

void cemm_timers_run(struct cemm_timers *timers, int64_t now)
{
    while (timers->count > 0 && timers->heap[0]->when <= now) {
        struct cemm_timer *timer = timers->heap[0];
        cemm_timer_stop(timers, timer);
        timer->fire(timer->data);
    }
}

int64_t cemm_timers_next(const struct cemm_timers *timers, int64_t now)
{
    if (timers->count == 0)
        return -1;
    return timers->heap[0]->when > now ? timers->heap[0]->when - now : 0;
}
