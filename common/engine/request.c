#include "common/engine/request.h"

#include "common/base/buffer.h"
#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/engine/queue.h"
#include "common/engine/refusal.h"
#include "common/engine/registry.h"
#include "common/engine/reply.h"
#include "common/protocol/answer.h"
#include "common/protocol/promise.h"
#include "common/protocol/stranger.h"
#include "common/protocol/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONFIRMED_MS 1000 /* for how long the device that a root named is trusted */
#define EARLY_EVERY  16   /* one of so many requests of a device repeats early */

/* What it asks for now. Each comes at most once, so this ends. */
enum asking {
    DOCUMENT, /* what is wanted */
    ROOT,     /* LAN: which device answers, before or after the document */
    STRANGER, /* of a web server that is not a CEMM Basic or Plus: what it is */
    TLS,      /* of a port that has never spoken HTTP: whether it speaks TLS */
};

struct cemm_request {
    struct cemm_queued queued;
    struct cemm_device *device; /* the device it is for; NULL: the source itself */
    struct cemm_query query;
    enum asking asking;
    bool rooted; /* it has requested the root: once is enough */
    struct cemm_promise promise;
    struct cemm_timer timer; /* until the next repeat, or an answer while the route rests */
    struct cemm_transfer *transfer;
    int64_t started; /* when it was sent for the first time, time in queues left out */
    int64_t sent;    /* when it was, last */
    int64_t took;    /* the document, milliseconds */
    struct cemm_last_reply last_reply;
    bool renewed;                      /* it was repeated with another key: once is enough */
    struct cemm_http_response held;    /* the document, until the root says whose; status 0: none */
    int stranger;                      /* the result of a root that is not a CEMM's */
    struct cemm_words *stranger_words; /* why; kept */
    cemm_request_done *done;
    void *data;
};

static void pump(struct cemm_source *source);

static void request_free(struct cemm_request *request)
{
    struct cemm_source *source = request->queued.route->source;

    cemm_queue_leave(&request->queued);
    cemm_timer_stop(&source->loop->timers, &request->timer);
    if (request->transfer)
        cemm_http_abort(request->transfer);
    free(request->held.body);
    cemm_words_drop(&request->stranger_words);
    if (request->device)
        request->device->requests--;
    free(request);
}

static void finish(struct cemm_request *request, int result, struct cemm_document *document,
                   const struct cemm_words *words)
{
    struct cemm_source *source = request->queued.route->source;
    cemm_request_done *done = request->done;
    void *data = request->data;
    struct cemm_query query = request->query;

    request->queued.route->answered |= result == 0;
    cemm_refusal_note(request->queued.route, &query, &request->last_reply, result, words);
    cemm_outcomes_note(&source->outcomes, source->loop->wall, result, words);
    if (request->device)
        cemm_outcomes_note(&request->device->outcomes, source->loop->wall, result, words);
    request_free(request);
    done(data, &query, result, document, words);
    pump(source);
}

/* ---- health ------------------------------------------------------------------ */

/* Called by a timer, so that no completion runs inside the function that started the request. */
static void fail_at_rest(void *data)
{
    struct cemm_request *request = data;
    struct cemm_route *route = cemm_route_resting(request->queued.route);

    if (!route)
        route = request->queued.route; /* it has just woken up, but this was promised */
    struct cemm_words words = *cemm_words_kept(&route->failure_words);
    finish(request, route->failure_result ? route->failure_result : -EHOSTUNREACH, NULL, &words);
}

/* Fails what is queued for the route, too: it would fail later. */
static void route_failed(struct cemm_route *route, int result, const char *reason)
{
    struct cemm_loop *loop = route->source->loop;
    struct cemm_queued *next;

    cemm_route_failed(route, result, reason);
    for (struct cemm_queued *queued = TAILQ_FIRST(&route->source->queue); queued; queued = next) {
        struct cemm_request *request = (struct cemm_request *)queued;
        next = TAILQ_NEXT(queued, link);
        if (queued->route != route && route != &route->source->own)
            continue;
        if (cemm_timer_set(&loop->timers, &request->timer, loop->now) < 0)
            return; /* no memory: it takes its turn in the queue */
        request->timer.fire = fail_at_rest;
        cemm_queue_move(queued, CEMM_WAITING);
    }
}

/* ---- promises ------------------------------------------------------------------ */

/* While nothing is known of the source, each request repeats early. Later one does now and then, in
 * case the device has become faster. */
static void begin_promise(struct cemm_request *request)
{
    struct cemm_route *route = request->queued.route;
    const struct cemm_source *source = route->source;
    int64_t expected = route->expected >= 0 ? route->expected : source->expected;
    bool patient = expected >= 0 && ++route->requests % EARLY_EVERY > 0;

    cemm_promise_begin(&request->promise, source->loop->now, source->config->timeout_ms, expected,
                       patient);
    request->started = source->loop->now;
}

/* ---- one answer ----------------------------------------------------------------- */

static struct cemm_query asked(const struct cemm_request *request)
{
    struct cemm_query root = {.uid = request->query.uid, .endpoint = CEMM_ROOT};

    return request->asking == ROOT ? root : request->query;
}

static void say(const struct cemm_request *request, struct cemm_words *words, const char *reason)
{
    struct cemm_query query = asked(request);

    cemm_reply_message(request->queued.route->source, &query, reason, words);
}

/* Whether the route now leads to another device. */
static bool is_strange(const struct cemm_request *request)
{
    return request->device && request->device != request->queued.route->device;
}

static bool is_lan_root(const struct cemm_request *request)
{
    return request->queued.route->source->config->kind == CEMM_LOCAL &&
           request->query.endpoint == CEMM_ROOT;
}

/* A new connection on the LAN may lead to another device, so its answer does not count before
 * the root has said which device it is. The time of the request counts, because the connection was
 * made then. */
static bool is_doubtful(const struct cemm_request *request,
                        const struct cemm_http_response *response)
{
    const struct cemm_source *source = request->queued.route->source;

    return source->config->kind == CEMM_LOCAL && request->query.endpoint != CEMM_ROOT &&
           !request->rooted && response->new_connection &&
           request->sent - source->confirmed > CONFIRMED_MS;
}

/* A source that has failed since its root was read is asked for the root first. */
static bool is_suspect(const struct cemm_request *request)
{
    return request->queued.route->source->suspect && request->device &&
           request->query.endpoint != CEMM_ROOT;
}

/* The request failed, although the source answered. */
static void fail(struct cemm_request *request, int result, const char *reason)
{
    int64_t delay = cemm_refusal_delay(request->queued.route->source, &request->last_reply, result);
    struct cemm_words words, longer;

    if (delay > 0) {
        cemm_words_set(&longer, "%.100s; not asked again for %lld s", reason, (long long)delay);
        reason = longer.text;
    }
    say(request, &words, reason);
    cemm_reply_log_list(request->queued.route, &request->query, result, &words);
    finish(request, result, NULL, &words);
}

/* The source did not answer in time, or at all. */
static void finish_unanswered(struct cemm_request *request, int error, const char *reason)
{
    struct cemm_words words;

    say(request, &words, reason);
    finish(request, error, NULL, &words);
}

/* No answer came, or no HTTP: `route` is at fault. */
static void fail_for(struct cemm_request *request, int error, struct cemm_route *route,
                     const char *reason)
{
    if (error != -EHOSTUNREACH && error != -ETIMEDOUT) {
        fail(request, error, reason);
        return;
    }
    route_failed(route, error, reason);
    finish_unanswered(request, error, reason);
}

static void fail_gone(struct cemm_request *request)
{
    const struct cemm_source_config *config = request->queued.route->source->config;
    struct cemm_words reason;

    cemm_words_set(&reason, "another device answers at %.120s now",
                   config->address ? config->address : config->url);
    fail(request, -EHOSTUNREACH, reason.text);
}

/* The root is not a CEMM's. Asks once what it is; take_stranger() takes the answer. */
static void ask_stranger(struct cemm_request *request, enum asking asking, int result,
                         const char *reason)
{
    struct cemm_words words;

    request->asking = asking;
    request->stranger = result;
    cemm_words_set(&words, "%s", reason);
    cemm_words_keep(&request->stranger_words, &words);
    cemm_queue_move(&request->queued, CEMM_QUEUED);
}

static void take_stranger(struct cemm_request *request, struct cemm_http_response *response)
{
    struct cemm_words reason = *cemm_words_kept(&request->stranger_words);
    const char *known = NULL;

    if (request->asking == STRANGER)
        known = cemm_stranger_public(response->status, response->body, response->length);
    else if (response->tls)
        known = CEMM_STRANGER_TLS;
    if (known)
        fail(request, -EIO, known);
    else
        fail_for(request, request->stranger, request->queued.route, reason.text);
}

/* A configured address where no CEMM was ever seen, and which does not speak HTTP. */
static bool may_speak_tls(const struct cemm_request *request,
                          const struct cemm_http_response *response)
{
    const struct cemm_route *route = request->queued.route;

    return response->no_http && request->asking == DOCUMENT && is_lan_root(request) &&
           !route->source->discovered && !route->device;
}

/* Sends that request next, before all others, with a new timeout. */
static void ask(struct cemm_request *request, enum asking asking)
{
    request->asking = asking;
    begin_promise(request);
    cemm_queue_move(&request->queued, CEMM_QUEUED);
}

/* The response is the document, or why there is none. */
static void conclude(struct cemm_request *request, struct cemm_http_response *response)
{
    struct cemm_route *route = request->queued.route;
    struct cemm_document *document = NULL;
    struct cemm_words reason;

    if (is_strange(request)) {
        if (route->former)
            fail(request, -EHOSTUNREACH, "the device is no longer in the list of devices");
        else
            fail_gone(request);
        return;
    }
    int r = cemm_reply_read(route, &request->query, response, &document, &reason);
    if (request->query.endpoint == CEMM_IO && (r == 0 || r == CEMM_ABSENT))
        route->no_io = r == CEMM_ABSENT;
    if (!request->renewed && cemm_refusal_of_old_key(route->source, &request->last_reply, r)) {
        request->renewed = true;
        ask(request, DOCUMENT);
    } else if (is_lan_root(request) &&
               (response->status == 404 || (response->status == 200 && r == -EIO))) {
        ask_stranger(request, STRANGER, r, reason.text);
    } else if (r) {
        fail(request, r, reason.text);
    } else if (is_lan_root(request) && request->device &&
               !route->source->registry->confirm(route, document)) {
        cemm_document_unref(document);
        fail_gone(request);
    } else {
        document->took = request->took;
        cemm_reply_log_list(route, &request->query, 0, NULL);
        finish(request, 0, document, NULL);
    }
}

static void take_document(struct cemm_request *request, struct cemm_http_response *response)
{
    request->took = request->queued.route->source->loop->now - request->started;
    if (!is_doubtful(request, response)) {
        conclude(request, response);
        return;
    }
    request->held = *response;
    response->body = NULL;
    ask(request, ROOT);
}

/* The response says which device answers. */
static void take_root(struct cemm_request *request, struct cemm_http_response *response)
{
    struct cemm_route *route = request->queued.route;
    struct cemm_query query = asked(request);
    struct cemm_document *root = NULL;
    struct cemm_words reason;

    request->rooted = true;
    int r = cemm_reply_read(route, &query, response, &root, &reason);
    bool same = r == 0 && !is_strange(request) && route->source->registry->confirm(route, root);
    cemm_document_unref(root);
    if (r)
        fail(request, r == CEMM_ABSENT ? -EIO : r, reason.text);
    else if (!same)
        fail_gone(request);
    else if (request->held.status)
        conclude(request, &request->held);
    else
        ask(request, DOCUMENT);
}

/* The status is final. */
static void take_answer(struct cemm_request *request, struct cemm_http_response *response)
{
    if (request->asking == ROOT)
        take_root(request, response);
    else
        take_document(request, response);
}

/* The deadline has come. `silent`: no Retry-After asked for more time, so the device is at
 * fault. */
static void give_up(struct cemm_request *request, bool silent)
{
    if (silent)
        fail_for(request, -ETIMEDOUT, request->queued.route,
                 "the promised data did not come in time");
    else
        finish_unanswered(request, -ETIMEDOUT, "its Retry-After is longer than the timeout");
}

/* The first request or a repeat is due. */
static void wake(void *data)
{
    struct cemm_request *request = data;
    struct cemm_source *source = request->queued.route->source;

    if (!request->queued.begun && cemm_route_resting(request->queued.route)) {
        fail_at_rest(request);
        return;
    }
    const struct cemm_pause *pause =
        request->queued.begun ? NULL : cemm_refusal_pause(request->queued.route, &request->query);
    if (pause) {
        struct cemm_words words = *cemm_words_kept(&pause->words);
        finish(request, pause->result, NULL, &words);
        return;
    }
    if (request->queued.begun &&
        cemm_promise_next(&request->promise, source->loop->now) == CEMM_TIMED_OUT) {
        give_up(request, true);
        return;
    }
    cemm_queue_move(&request->queued, CEMM_QUEUED);
    pump(source);
}

static void take_response(void *data, struct cemm_http_response *response)
{
    struct cemm_request *request = data;
    struct cemm_source *source = request->queued.route->source;

    request->transfer = NULL;
    request->last_reply.status = response->status;
    request->last_reply.retry_after_ms = response->retry_after_ms;
    cemm_queue_move(&request->queued, CEMM_WAITING);
    if (request->asking == STRANGER || request->asking == TLS) {
        take_stranger(request, response);
        free(response->body);
        return;
    }
    if (may_speak_tls(request, response)) {
        ask_stranger(request, TLS, response->error, response->reason);
        pump(source);
        return;
    }
    if (response->error) {
        fail_for(request, response->error,
                 response->no_connection ? &source->own : request->queued.route, response->reason);
        return;
    }
    if (response->status != 202)
        cemm_route_answered(request->queued.route);
    switch (cemm_promise_answer(&request->promise, source->loop->now, response->status,
                                response->retry_after_ms)) {
    case CEMM_SEND:
    case CEMM_WAIT:
        if (cemm_timer_set(&source->loop->timers, &request->timer, request->promise.until) < 0)
            fail(request, -ENOMEM, "out of memory");
        break;
    case CEMM_TIMED_OUT:
        if (response->status == 202)
            give_up(request, response->retry_after_ms < 0);
        else
            take_answer(request, response); /* the 202s continued to the deadline */
        break;
    case CEMM_DONE:
        request->queued.route->expected =
            cemm_promise_learned(&request->promise, request->sent, request->queued.route->expected);
        if (request->queued.route->expected >= 0)
            source->expected = request->queued.route->expected;
        take_answer(request, response);
        break;
    }
    free(response->body);
    pump(source);
}

/* ---- sending --------------------------------------------------------------------- */

static bool has_port(const char *address)
{
    const char *bracket = strrchr(address, ']'); /* of an IPv6 address */

    return strchr(bracket ? bracket : address, ':');
}

static int send_request(struct cemm_request *request)
{
    struct cemm_source *source = request->queued.route->source;
    const struct cemm_source_config *config = source->config;
    struct cemm_loop *loop = source->loop;
    struct cemm_buffer url = CEMM_BUFFER_INIT(CEMM_URL_MAX);
    /* Allocated once: growing would leave copies of the key in memory. */
    cemm_buffer_reserve(&url, CEMM_URL_MAX);

    if (!request->queued.begun) {
        request->asking = is_suspect(request) ? ROOT : DOCUMENT;
        begin_promise(request);
    } else {
        cemm_promise_excuse(&request->promise, loop->now - request->queued.since);
        request->started += loop->now - request->queued.since;
    }
    struct cemm_query query = asked(request);
    if (request->asking == STRANGER)
        cemm_buffer_format(&url, "http://%s/%s", config->address, CEMM_STRANGER_PATH);
    else if (request->asking == TLS)
        cemm_buffer_format(&url, "https://%s%s/", config->address,
                           has_port(config->address) ? "" : ":80");
    else
        cemm_url_write(&url, config->kind, config->url, &query, loop->zone,
                       config->kind == CEMM_CLOUD ? config->key->text : NULL);
    int r = url.error;
    if (r == 0) {
        struct cemm_http_request get = {
            .url = url.data,
            .ca_file = config->ca_file,
            .direct = config->kind == CEMM_LOCAL,
            .timeout_ms = request->promise.deadline - loop->now,
            .body_max = cemm_answer_max(query.endpoint),
        };
        request->transfer = cemm_http_start(loop->http, &get, take_response, request);
        r = request->transfer ? 0 : -ENOMEM;
    }
    if (url.data)
        explicit_bzero(url.data, url.length);
    cemm_buffer_clear(&url);
    return r;
}

static void launch(struct cemm_request *request)
{
    int r = send_request(request);

    if (r == 0) {
        cemm_queue_move(&request->queued, CEMM_SENT);
        request->queued.begun = true;
        request->sent = request->queued.route->source->loop->now;
        request->last_reply.keys = request->queued.route->source->keys;
        return;
    }
    if (r == -E2BIG)
        fail(request, -EINVAL, "the URL is too long");
    else
        fail(request, r, "out of memory");
}

static void pump(struct cemm_source *source)
{
    struct cemm_queued *next;

    while (source->active < source->config->max_connections && !source->loop->ending &&
           (next = cemm_queue_next(source)))
        launch((struct cemm_request *)next);
}

struct cemm_request *cemm_request_start(struct cemm_route *route, const struct cemm_query *query,
                                        cemm_request_done *done, void *data)
{
    struct cemm_loop *loop = route->source->loop;
    struct cemm_request *request = calloc(1, sizeof(*request));

    if (!request)
        return NULL;
    *request = (struct cemm_request){
        .queued.route = route,
        .device = query->uid.text[0] ? route->device : NULL,
        .query = *query,
        .timer = {.fire = wake, .data = request},
        .done = done,
        .data = data,
    };
    if (cemm_timer_set(&loop->timers, &request->timer, loop->now) < 0) {
        free(request);
        return NULL;
    }
    cemm_queue_enter(&request->queued);
    if (request->device)
        request->device->requests++;
    return request;
}

void cemm_request_rank(struct cemm_request *request, bool later)
{
    request->queued.later = later;
}

void cemm_requests_abort(struct cemm_source *source)
{
    struct cemm_queued *next;

    while ((next = TAILQ_FIRST(&source->queue)) || (next = TAILQ_FIRST(&source->repeats)) ||
           (next = TAILQ_FIRST(&source->busy)))
        request_free((struct cemm_request *)next);
}
