#include "common/protocol/promise.h"

void cemm_promise_begin(struct cemm_promise *promise, int64_t now, int64_t timeout_ms)
{
    *promise = (struct cemm_promise){
        .deadline = now + timeout_ms,
        .since = -1,
        .pause = CEMM_PROMISE_FIRST_MS,
        .until = now,
    };
}

static enum cemm_step wait_until(struct cemm_promise *promise, int64_t until)
{
    promise->until = until;
    return until < promise->deadline ? CEMM_WAIT : CEMM_TIMED_OUT;
}

enum cemm_step cemm_promise_answer(struct cemm_promise *promise, int64_t now, int status,
                                   int64_t retry_after_ms)
{
    if ((status == 429 || status == 503) && retry_after_ms >= 0)
        return wait_until(promise, now + retry_after_ms);
    if (status != 202)
        return CEMM_DONE;
    if (promise->since < 0 || now - promise->since >= CEMM_PROMISE_LIFE_MS) {
        promise->since = now;
        promise->pause = CEMM_PROMISE_FIRST_MS;
        promise->given++;
    }
    int64_t pause = promise->pause;
    promise->pause = pause + pause / 2;
    if (promise->pause > CEMM_PROMISE_PAUSE_MS)
        promise->pause = CEMM_PROMISE_PAUSE_MS;
    if (retry_after_ms >= 0)
        return wait_until(promise, now + retry_after_ms);
    /* One last try just before the deadline rather than giving up early. */
    if (now + pause >= promise->deadline && now + CEMM_PROMISE_FIRST_MS < promise->deadline)
        pause = promise->deadline - CEMM_PROMISE_FIRST_MS - now;
    return wait_until(promise, now + pause);
}

enum cemm_step cemm_promise_next(const struct cemm_promise *promise, int64_t now)
{
    if (now >= promise->deadline)
        return CEMM_TIMED_OUT;
    return now < promise->until ? CEMM_WAIT : CEMM_SEND;
}
