/*
 * The promise (cloud §API Promise) as a state machine, which decides what to do next for one
 * request. A 202 says that the data is being fetched from the CEMM; the same request, repeated
 * within 10 s, gets it. After 10 s the promise expires, and a repeat begins a new one. Pure: times
 * are arguments (milliseconds of a monotonic clock).
 *
 * Until it has been learned how long a device takes, the first repeat is sent after half a second,
 * the pauses then grow, and a promise gets at most five repeats, because it is not known how the
 * cloud treats a client that asks too often. Later, requests are repeated when the data is
 * expected, and now and then at half that time, to learn whether the device has become faster.
 */
#ifndef CEMM_PROTOCOL_PROMISE_H
#define CEMM_PROTOCOL_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

#define CEMM_PROMISE_LIFE_MS  10000
#define CEMM_PROMISE_FIRST_MS 500  /* pause before the first repeat */
#define CEMM_PROMISE_PAUSE_MS 3000 /* longest pause between two repeats */
#define CEMM_PROMISE_REPEATS  5    /* most repeats of one promise while its duration is unknown */
#define CEMM_PROMISE_LATE     16   /* late data: the next pause is 1/16 of the expected time, */
#define CEMM_PROMISE_LATE_MS  25   /* but not shorter than this */

enum cemm_step {
    CEMM_WAIT,      /* send the request again at `until` */
    CEMM_DONE,      /* the last answer's status is final */
    CEMM_TIMED_OUT, /* the deadline has passed, or would pass before the next repeat */
};

struct cemm_promise {
    int64_t deadline; /* postponed by the time spent waiting for a free connection */
    int64_t since;    /* when the current promise was given; -1: none */
    int64_t pause;
    int64_t until;    /* CEMM_WAIT: when to send the request again */
    int64_t expected; /* how long a promise is expected to take; -1: unknown */
    int64_t early;    /* time from the promise to the latest repeat that got a 202; 0: none */
    bool patient;     /* no repeat before `expected` has passed */
    unsigned given;   /* promises so far */
    unsigned repeats; /* repeats of the current promise */
};

/* The request is sent at `now`, and must end within `timeout_ms`. `expected_ms` is what
 * cemm_promise_learned() last returned for the device, else for another one at the same source,
 * else -1. `patient`: no repeat is sent before `expected_ms` have passed. */
void cemm_promise_begin(struct cemm_promise *promise, int64_t now, int64_t timeout_ms,
                        int64_t expected_ms, bool patient);

/* Says what an HTTP answer means. 202 is a promise; 429 and 503 with Retry-After ask for a later
 * repeat; any other status is final. `retry_after_ms` is the header's value, or -1. */
enum cemm_step cemm_promise_answer(struct cemm_promise *promise, int64_t now, int status,
                                   int64_t retry_after_ms);

/* Returns the new estimate of how long the device takes, after the repeat sent at `sent` got the
 * data. `known` is the device's old estimate, or -1 if it has none. */
int64_t cemm_promise_learned(const struct cemm_promise *promise, int64_t sent, int64_t known);

#endif
