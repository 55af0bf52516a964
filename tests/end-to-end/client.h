/*
 * For the end-to-end tests in C: simulators as children, and a client of libcemm that is configured
 * step by step and runs until its requests are answered. Any error in here fails the running cmocka
 * test. See client.c.
 */
#ifndef TESTS_END_TO_END_CLIENT_H
#define TESTS_END_TO_END_CLIENT_H

#include "common/frontend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/types.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define CLIENT_UID      "00-1E-C0-00-00-01" /* the simulator's first device */
#define SIM_PATH_SIZE   256
#define SIM_URL_SIZE    128
#define SIM_OPTIONS_MAX 48

/* ---- a simulator -------------------------------------------------------------- */

/* `lan` is the first device on the LAN, or empty. */
struct sim {
    pid_t pid;  /* 0: not running */
    int errors; /* its stderr */
    char dir[SIM_PATH_SIZE];
    char log[SIM_PATH_SIZE];
    char control[SIM_PATH_SIZE];
    char cloud[SIM_URL_SIZE];
    char lan[SIM_URL_SIZE];
    size_t seen; /* bytes of the log that sim_requests() has returned */
};

/* Where the simulator's program is: each test's first argument. */
void sim_program(const char *program);

/* Starts one and waits until it listens. `options` ends with NULL. */
void sim_start(struct sim *sim, const char *const *options);
/* Starts it again after sim_stop(), with the same directory and log. */
void sim_restart(struct sim *sim, const char *const *options);
void sim_stop(struct sim *sim, int signal);
/* Stops it and removes its files. May be called twice. */
void sim_end(struct sim *sim);

/* Replaces all faults; returns when the simulator uses them. `faults` ends with NULL. */
void sim_faults(struct sim *sim, const char *const *faults);
#define SIM_FAULTS(sim, ...) sim_faults((sim), (const char *const[]){__VA_ARGS__, NULL})
void sim_no_faults(struct sim *sim);

/* The new lines of the log since the last call, without their times; the caller frees. */
char *sim_requests(struct sim *sim);
/* The number of new lines that begin with `start`; consumes all of them. */
size_t sim_count(struct sim *sim, const char *start);
size_t lines_with(const char *lines, const char *part);

/* The oracle's values, one line for each time; the caller frees it. NULL: no such value. */
char *sim_print(const char *const *options, const char *alias, const char *channel,
                const int64_t *times, size_t count);

/* ---- a client ------------------------------------------------------------------ */

struct client {
    struct cemm_config *config;
    struct cemm *cemm;
};

/* The result of a request; `answers` counts the calls of its completion. */
struct reply {
    int result;
    struct cemm_document *document; /* reply_clear() releases it */
    char message[CEMM_MESSAGE_SIZE];
    unsigned answers;
};

/* A configuration with that time zone (Amsterdam by default), without discovery. Then add
 * sections and keys, and call client_start(). */
extern const char *client_zone;
void client_begin(struct client *client);
void client_cloud(struct client *client, const struct sim *sim, const char *name);
void client_local(struct client *client, const char *address, const char *name);
void client_set(struct client *client, const char *key, const char *value);
void client_start(struct client *client);
void client_end(struct client *client); /* may be called twice */

struct cemm_uid client_uid(void);
struct cemm_query client_query(enum cemm_endpoint endpoint, const char *alias);

/* Sends a request, and turns until the answer has arrived. */
int client_get(struct client *client, const struct cemm_query *query, struct reply *ret_reply);
int client_find(struct client *client, const struct cemm_uid *uid, struct reply *ret_reply);
/* The same in two steps; client_wait() fails after a generous time limit. */
void client_ask(struct client *client, const struct cemm_query *query, struct reply *ret_reply);
void client_wait(struct client *client, const struct reply *reply);
void client_turn_for(struct client *client, int milliseconds);
void reply_clear(struct reply *reply);

/* The device's meters, separated by spaces; the caller frees. */
char *client_meters(const struct client *client);

int64_t client_now_ms(void);

#endif
