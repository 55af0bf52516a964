/*
 * Two simulators that act as one device, its LAN side and its cloud side, and a client of both. See
 * pair.c.
 */
#ifndef TESTS_END_TO_END_PAIR_H
#define TESTS_END_TO_END_PAIR_H

#include "tests/end-to-end/client.h"

#define HOME       "cloud home"
#define GARAGE     "local garage"
#define ANY_NUMBER SIZE_MAX

#define PAIR_LAN_TIMEOUT "3" /* seconds */

struct pair {
    struct sim cloud; /* p1 s01 han */
    struct sim lan;   /* p1 s01 mb5, and heatpump, which is not in io */
    struct client client;
    char port[SIM_URL_SIZE]; /* of the LAN device, to restart it at the same address */
};

void pair_start(struct pair *pair);                       /* the simulators, without a client */
void pair_start_lan(struct pair *pair, const char *port); /* again, at the same port */
void pair_begin_client(struct pair *pair);

/* The steps of pair_begin_client(), for tests that set more. */
void pair_add_cloud(struct pair *pair);
void pair_add_lan(struct pair *pair);

/* Finds devices and meters and restarts the logs, so that only the request itself follows. */
void pair_get_to_know(struct pair *pair);

/* All of this. */
void pair_begin(struct pair *pair);
void pair_end(struct pair *pair); /* may be called twice */

/* A query of a closed day, or of the month or year around it. */
struct cemm_query pair_query(enum cemm_endpoint endpoint, enum cemm_span span, const char *alias);
struct reply pair_get(struct pair *pair, enum cemm_endpoint endpoint, const char *alias);

/* Whether this source has answered. */
bool pair_from(const struct reply *reply, const char *source);

/* Each fails the test with the row's name. */
void pair_expect(const char *name, bool condition, const char *what, const struct reply *reply);
void pair_expect_meters(struct pair *pair, const char *name, const char *wanted);
void pair_expect_count(const char *name, const char *side, size_t got, size_t wanted);

#endif
