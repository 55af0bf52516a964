/*
 * For the end-to-end tests in C: simulators as child processes, and a client of libcemm that is
 * configured step by step and runs until its requests are answered. Any error in these functions
 * fails the cmocka test that is running. See client.c.
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

/* A simulator. `lan` is the address of its first device on the LAN, or empty. */
struct sim {
    pid_t pid;               /* 0: not running */
    int errors;              /* the pipe from its stderr */
    char dir[SIM_PATH_SIZE]; /* of its log, its faults and the key */
    char log[SIM_PATH_SIZE];
    char control[SIM_PATH_SIZE]; /* path of the file from which the simulator reads its faults */
    char cloud[SIM_URL_SIZE];
    char lan[SIM_URL_SIZE];
    size_t seen; /* number of bytes of the log that sim_requests() has returned */
};

/* Sets the path of the simulator, which each test program gets as its first argument. */
void sim_program(const char *program);

/* Starts a simulator and waits until it listens. `options` ends with NULL. */
void sim_start(struct sim *sim, const char *const *options);
/* Starts a simulator again after sim_stop(), with the same directory and log. */
void sim_restart(struct sim *sim, const char *const *options);
/* Sends the signal and waits for the end. After SIGTERM, the exit status must be 0. */
void sim_stop(struct sim *sim, int signal);
/* Stops a simulator and removes its files. May be called twice. */
void sim_end(struct sim *sim);

/* Replaces all faults, and returns when the simulator uses the new ones. `faults` ends with NULL.
 */
void sim_faults(struct sim *sim, const char *const *faults);
#define SIM_FAULTS(sim, ...) sim_faults((sim), (const char *const[]){__VA_ARGS__, NULL})
void sim_no_faults(struct sim *sim);

/* Returns the lines that were logged since the previous call, without their times. The caller frees
 * the text. */
char *sim_requests(struct sim *sim);
/* Returns how many of the lines that were logged since the previous call begin with `start`. */
size_t sim_count(struct sim *sim, const char *start);
/* Returns how many lines of a text contain `part`. */
size_t lines_with(const char *lines, const char *part);

/* Returns the values that are expected (`cemm-sim --print`), one line for each time. The caller
 * frees the text. NULL: one of the values does not exist. */
char *sim_print(const char *const *options, const char *alias, const char *channel,
                const int64_t *times, size_t count);

/* ---- a client ------------------------------------------------------------------ */

struct client {
    struct cemm_config *config;
    struct cemm *cemm;
};

/* The result of a request. `answers` is how often the request's completion was called. */
struct reply {
    int result;
    struct cemm_document *document; /* reply_clear() releases it */
    char message[CEMM_MESSAGE_SIZE];
    unsigned answers;
};

/* client_begin() makes a configuration with the time zone `client_zone` (Amsterdam by default) and
 * without discovery. client_cloud() and client_local() add a section for a source, and client_set()
 * sets a key of the last section. client_start() makes the context. */
extern const char *client_zone;
void client_begin(struct client *client);
void client_cloud(struct client *client, const struct sim *sim, const char *name);
void client_local(struct client *client, const char *address, const char *name);
void client_set(struct client *client, const char *key, const char *value);
void client_start(struct client *client);
void client_end(struct client *client); /* may be called twice */

struct cemm_uid client_uid(void);
struct cemm_query client_query(enum cemm_endpoint endpoint, const char *alias);

/* Send a request, run the loop until the answer has arrived, and return the result. client_find()
 * searches for devices or, if `uid` is not NULL, for the meters of that device. */
int client_get(struct client *client, const struct cemm_query *query, struct reply *ret_reply);
int client_find(struct client *client, const struct cemm_uid *uid, struct reply *ret_reply);
/* The same in two steps: client_ask() sends a request, and client_wait() runs the loop until the
 * answer has arrived, or fails after a generous time limit. */
void client_ask(struct client *client, const struct cemm_query *query, struct reply *ret_reply);
void client_wait(struct client *client, const struct reply *reply);
/* Runs the loop for this time. */
void client_turn_for(struct client *client, int milliseconds);
void reply_clear(struct reply *reply);

/* Returns the device's meters, separated by spaces. The caller frees the text. */
char *client_meters(const struct client *client);

int64_t client_now_ms(void);

#endif
