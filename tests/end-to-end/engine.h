/*
 * For the tests of the engine: up to four simulators, a client whose log is recorded, and functions
 * that check a result and print it if it is wrong. See engine.c.
 */
#ifndef TESTS_END_TO_END_ENGINE_H
#define TESTS_END_TO_END_ENGINE_H

#include "tests/end-to-end/client.h"

#define RIG_LOG_SIZE 16384
#define HOME         "cloud home"
#define GARAGE       "local garage"

struct rig {
    struct sim cloud, shed; /* two accounts */
    struct sim lan, other;  /* the device at an address, and the one that takes the address over */
    struct client client;
    char log[RIG_LOG_SIZE]; /* libcemm's messages, one per line */
    size_t log_length;
};

#define SIM_START(sim, ...) sim_start((sim), (const char *const[]){__VA_ARGS__, NULL})

/* rig_begin() makes a client without sources, the rig_add functions add them, and rig_run() starts
 * the client. */
void rig_begin(struct rig *rig);
void rig_add_cloud(struct rig *rig, const char *timeout);
void rig_add_lan(struct rig *rig);
void rig_run(struct rig *rig);
void rig_end(struct rig *rig); /* may be called twice */

struct reply rig_get(struct rig *rig, const struct cemm_query *query);
/* Finds the devices, then the meters of the first device. */
void rig_get_to_know(struct rig *rig);
void rig_expect_meters(struct rig *rig, const char *what, const char *wanted);

/* If the condition is false, prints the reply and fails the test. */
void reply_expect(bool condition, const char *what, const struct reply *reply);
/* Whether the reply has a document from this source. */
bool reply_from(const struct reply *reply, const char *source);

#endif
