/*
 * Two simulators that act as the LAN side and the cloud side of one device, and a client of both
 * sides. See pair.c.
 */
#ifndef TESTS_END_TO_END_PAIR_H
#define TESTS_END_TO_END_PAIR_H

#include "tests/end-to-end/client.h"

#define HOME       "cloud home"
#define GARAGE     "local garage"
#define ANY_NUMBER SIZE_MAX

#define PAIR_LAN_TIMEOUT "3" /* seconds */

struct pair {
    struct sim cloud; /* has p1, s01 and han */
    struct sim lan;   /* has p1, s01, mb5, and heatpump, which is not in io */
    struct client client;
    char port[SIM_URL_SIZE]; /* of the LAN device, to restart it at the same address */
};

void pair_start(struct pair *pair);                       /* starts only the simulators */
void pair_start_lan(struct pair *pair, const char *port); /* starts the LAN side at that port */
void pair_begin_client(struct pair *pair);

/* The steps of pair_begin_client(), for tests that set more options. */
void pair_add_cloud(struct pair *pair);
void pair_add_lan(struct pair *pair);

/* Finds the devices and the meters. The logs' lines up to then are skipped, so a test reads only
 * the requests that it causes. */
void pair_get_to_know(struct pair *pair);

/* pair_begin() does all of the above. */
void pair_begin(struct pair *pair);
void pair_end(struct pair *pair); /* may be called twice */

/* Returns a query for a closed day, or for the month or year around it. */
struct cemm_query pair_query(enum cemm_endpoint endpoint, enum cemm_span span, const char *alias);
struct reply pair_get(struct pair *pair, enum cemm_endpoint endpoint, const char *alias);

/* Whether the reply has a document from this source. */
bool pair_from(const struct reply *reply, const char *source);

/* A check that finds something wrong prints `name` and fails the test. */
void pair_expect(const char *name, bool condition, const char *what, const struct reply *reply);
void pair_expect_meters(struct pair *pair, const char *name, const char *wanted);
void pair_expect_count(const char *name, const char *side, size_t got, size_t wanted);

#endif
