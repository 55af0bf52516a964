#include "common/protocol/promise.h"

void cemm_promise_begin(struct cemm_promise *promise, int64_t now, int64_t timeout_ms,
                        int64_t expected_ms, bool patient)
{
    *promise = (struct cemm_promise){
        .deadline = now + timeout_ms,
        .since = -1,
        .pause = CEMM_PROMISE_FIRST_MS,
        .expected = expected_ms,
        .patient = patient && expected_ms >= 0,
    };
}

static enum cemm_step wait_until(struct cemm_promise *promise, int64_t until)
{
    promise->until = until;
    return until < promise->deadline ? CEMM_WAIT : CEMM_TIMED_OUT;
}

/* Handles a 202, which begins a promise or says that a repeat was too early. */
static void take_promise(struct cemm_promise *promise, int64_t now)
{
    if (promise->since < 0 || now - promise->since >= CEMM_PROMISE_LIFE_MS) {
        promise->since = now;
        promise->pause = promise->expected >= 0 ? promise->expected / 2 : CEMM_PROMISE_FIRST_MS;
        promise->early = 0;
        promise->given++;
        promise->repeats = 0;
    } else {
        promise->repeats++;
    }
    int64_t elapsed = now - promise->since;
    bool late = promise->expected >= 0 && elapsed >= promise->expected;
    if (late && promise->early < promise->expected) { /* the previous repeat was not late */
        promise->pause = promise->expected / CEMM_PROMISE_LATE;
        if (promise->pause < CEMM_PROMISE_LATE_MS)
            promise->pause = CEMM_PROMISE_LATE_MS;
    }
    promise->early = elapsed;
}

/* Returns how long to wait before the next repeat, and makes the following pause longer. */
static int64_t take_pause(struct cemm_promise *promise, int64_t now)
{
    int64_t due = promise->since + promise->expected; /* when the data is expected */
    int64_t last_try = promise->deadline - CEMM_PROMISE_FIRST_MS;
    int64_t pause = promise->pause;

    promise->pause = pause * 2;
    if (promise->pause > CEMM_PROMISE_PAUSE_MS)
        promise->pause = CEMM_PROMISE_PAUSE_MS;
    /* The repeat is sent when the data is expected, or earlier if the request is not patient. */
    if (promise->expected >= 0 && now < due && (promise->patient || now + pause > due))
        pause = due - now;
    /* Tries a last time before the deadline if a repeat is left, or if it begins a new promise. */
    if (now + pause >= promise->deadline && now < last_try &&
        (promise->repeats < CEMM_PROMISE_REPEATS ||
         last_try - promise->since >= CEMM_PROMISE_LIFE_MS))
        pause = last_try - now;
    return pause;
}

enum cemm_step cemm_promise_answer(struct cemm_promise *promise, int64_t now, int status,
                                   int64_t retry_after_ms)
{
    if ((status == 429 || status == 503) && retry_after_ms >= 0)
        return wait_until(promise, now + retry_after_ms);
    if (status != 202)
        return CEMM_DONE;
    take_promise(promise, now);
    int64_t pause = take_pause(promise, now);
    return wait_until(promise, now + (retry_after_ms >= 0 ? retry_after_ms : pause));
}

int64_t cemm_promise_learned(const struct cemm_promise *promise, int64_t sent, int64_t known)
{
    /* Bounds of the time that the promise took. */
    int64_t lower = promise->early;
    int64_t upper = sent - promise->since;

    if (promise->since < 0)
        return known;
    /* The estimate is near the upper bound, because being late is better than another repeat. */
    if (known < 0 && promise->expected < 0)
        return upper - (upper - lower) / 4;
    int64_t estimate =
        known < 0 ? promise->expected : known; /* `expected` was learned from another device */
    if (estimate <= lower || estimate > upper)
        return upper;
    if (known < 0)
        return estimate;
    /* The estimate is between the bounds. An occasional request that is not patient lowers it a
     * little; lowering it faster would make the repeats of patient requests too early. */
    return promise->patient ? known : known - (known - lower) / 32;
}
