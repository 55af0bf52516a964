/*
 * Minutes given, as its two files share them: minutes.c keeps them, and
 * minutes_file.c writes and reads them.
 */
#ifndef CEMM_MODEL_MINUTES_H
#define CEMM_MODEL_MINUTES_H

#include "common/cemm.h"

/* Minutes since 1970, the end not included. Until 2100 they need 27 bits. */
struct cemm_stretch {
    int32_t from;
    int32_t until;
};

/* The minutes of one series that one taker was given: stretches in order, with gaps between. */
struct cemm_given {
    char taker[CEMM_TAKER_SIZE];
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    char channel[CEMM_NAME_SIZE];
    struct cemm_stretch *stretches;
    uint32_t count;
    uint32_t room;
    int64_t newest; /* cemm_minutes_note(); 0: never */
};

struct cemm_minutes {
    void *tree; /* of struct cemm_given */
    int64_t window;
};

/* The entry of a series, made if need be; NULL: no memory, or a text that may not be in a key. */
struct cemm_given *cemm_minutes_entry(struct cemm_minutes *minutes,
                                      const struct cemm_minutes_key *key);

/* A stretch was given: 1 where some of it is new, 0 where not, or -ENOMEM. */
int cemm_given_add(struct cemm_given *given, struct cemm_stretch added);

/* Forgets everything. */
void cemm_minutes_clear(struct cemm_minutes *minutes);

#endif
