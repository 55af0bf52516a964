/*
 * A set of minutes, kept as stretches: in normal operation one stretch grows at its end, and an
 * outage leaves a gap between two stretches. So even the minutes of a month take only a few bytes.
 */
#ifndef CEMM_MODEL_MINUTES_H
#define CEMM_MODEL_MINUTES_H

#include <stdbool.h>
#include <stdint.h>

/* A range of minutes since 1970; `until` is not included. */
struct cemm_stretch {
    int32_t from;
    int32_t until;
};

/* Stretches in order, with gaps between them. All zeroes is the empty set. */
struct cemm_minutes {
    struct cemm_stretch *stretches; /* the owner of the set frees them */
    uint32_t count;
};

/* Adds a stretch. Returns 1 if some of it is new, 0 if not, or -ENOMEM. If the set then has
 * more than CEMM_STRETCHES_MAX stretches, fills the gap between the two oldest. */
int cemm_minutes_add(struct cemm_minutes *minutes, struct cemm_stretch added);

/* Finds the first stretch in `within` that is not in the set. Returns false if there is none. */
bool cemm_minutes_missing(const struct cemm_minutes *minutes, struct cemm_stretch within,
                          struct cemm_stretch *ret_missing);

#endif
