/*
 * Promises: documents that are not available immediately.
 *
 * The first request for a document creates a promise. Exactly the same request gets the document
 * if it is repeated after the promised time. A promise is removed when it is kept, or 10 s
 * after it was made, so promises are in a list by age. They are also in a tree by request, because
 * many devices make thousands of them.
 */
#include "promise.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROMISE_LIFE_MS 10000

struct promise {
    TAILQ_ENTRY(promise) entry;
    uint64_t id;
    int64_t made_ms;
    const char *request; /* allocated */
};

void promises_begin(struct promises *promises, const struct options *options)
{
    promises->options = options;
    promises->last_id = 0;
    promises->tree = NULL;
    TAILQ_INIT(&promises->list);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct promise *)a)->request, ((const struct promise *)b)->request);
}

static void forget(struct promises *promises, struct promise *promise)
{
    tdelete(promise, &promises->tree, compare);
    TAILQ_REMOVE(&promises->list, promise, entry);
    free((void *)promise->request);
    free(promise);
}

void promises_end(struct promises *promises)
{
    while (!TAILQ_EMPTY(&promises->list))
        forget(promises, TAILQ_FIRST(&promises->list));
}

/* Removes the promises that are too old. Then finds the promise of a request, or returns NULL. */
static struct promise *find(struct promises *promises, const char *request, int64_t now_ms)
{
    struct promise key = {.request = request};
    struct promise **found;
    struct promise *promise;

    while ((promise = TAILQ_FIRST(&promises->list)) && now_ms - promise->made_ms >= PROMISE_LIFE_MS)
        forget(promises, promise);
    found = tfind(&key, &promises->tree, compare);
    return found ? *found : NULL;
}

uint64_t promise_next(struct promises *promises)
{
    return ++promises->last_id;
}

int promise_answer(struct promises *promises, uint64_t id, struct answer *answer)
{
    char *body = NULL;
    int length = 0;

    switch (promises->options->promise_body) {
    case PROMISE_JSON:
        length = asprintf(&body, "{\"promise\":\"5eed-%016" PRIx64 "\"}", id);
        break;
    case PROMISE_TEXT:
        length = asprintf(&body, "5eed-%016" PRIx64, id);
        break;
    case PROMISE_EMPTY:
        break;
    }
    if (length < 0)
        return -ENOMEM;
    answer_take(answer, 202,
                promises->options->promise_body == PROMISE_JSON ? ANSWER_JSON : ANSWER_TEXT, body,
                (size_t)length);
    answer->retry_after = promises->options->retry_after;
    return 0;
}

static int make(struct promises *promises, const char *request, int64_t now_ms,
                struct promise **ret_promise)
{
    struct promise *promise = calloc(1, sizeof(*promise));

    if (!promise)
        return -ENOMEM;
    promise->request = strdup(request);
    if (!promise->request || !tsearch(promise, &promises->tree, compare)) {
        free((void *)promise->request);
        free(promise);
        return -ENOMEM;
    }
    promise->id = promise_next(promises);
    promise->made_ms = now_ms;
    TAILQ_INSERT_TAIL(&promises->list, promise, entry);
    *ret_promise = promise;
    return 0;
}

int promise_gate(struct promises *promises, const char *request, int64_t now_ms,
                 struct answer *answer)
{
    struct promise *promise;
    int r = 0;

    if (promises->options->promise_ms == 0 || answer->status != 200)
        return 0;
    promise = find(promises, request, now_ms);
    if (!promise)
        r = make(promises, request, now_ms, &promise);
    if (r < 0)
        return r;
    if (now_ms - promise->made_ms < promises->options->promise_ms)
        return promise_answer(promises, promise->id, answer);
    forget(promises, promise);
    return 0;
}
