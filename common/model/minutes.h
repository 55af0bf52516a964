/*
 * A set of minutes, kept as stretches: in normal operation one stretch grows at
 * its end, and an outage leaves a gap between two stretches. So a set takes a
 * few bytes, however long it is.
 */
#ifndef CEMM_MODEL_MINUTES_H
#define CEMM_MODEL_MINUTES_H

#include <stdbool.h>
#include <stdint.h>

/* Minutes since 1970, the end not included. Until 2100 they need 27 bits. */
struct cemm_stretch {
    int32_t from;
    int32_t until;
};

/* Stretches in order, with gaps between. All zeroes is the empty set. */
struct cemm_minutes {
    struct cemm_stretch *stretches; /* the owner of the set frees them */
    uint32_t count;
};

/* Adds a stretch: 1 if some of it is new, 0 if not, or -ENOMEM. Beyond CEMM_STRETCHES_MAX, the gap
 * between the two oldest is filled. */
int cemm_minutes_add(struct cemm_minutes *minutes, struct cemm_stretch added);

/* The first stretch within `within` that is not in the set. False: there is none. */
bool cemm_minutes_missing(const struct cemm_minutes *minutes, struct cemm_stretch within,
                          struct cemm_stretch *ret_missing);

#endif
