#include "common/engine/request.h"

#include "common/base/buffer.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/engine/registry.h"
#include "common/engine/reply.h"
#include "common/protocol/answer.h"
#include "common/protocol/fingerprint.h"
#include "common/protocol/promise.h"
#include "common/protocol/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONFIRMED_MS 1000 /* how long a root document proves which device is at an address */
#define EARLY_EVERY  16   /* one request in this many is repeated before its data is expected */

/* What a request asks for now. Apart from repeats (promise.h), it asks for each of these at most
 * once, or for the document twice if the key was replaced. */
enum asking {
    DOCUMENT,    /* the document of `query` */
    ROOT,        /* LAN: the root document, which says which device answers */
    FINGERPRINT, /* what kind of server answers, if not a CEMM Basic or Plus */
    TLS,         /* whether a port that has not spoken HTTP speaks TLS */
};

struct cemm_request {
    struct cemm_route *route;
    struct cemm_request_list *list; /* the source's list that the request is in */
    TAILQ_ENTRY(cemm_request) link;
    int64_t since;              /* when the request was put on that list */
    bool background;            /* nobody waits for it */
    struct cemm_device *device; /* the device that the request is about; NULL: the source */
    struct cemm_query query;
    enum asking asking;
    bool root_asked; /* the root document was requested; once is enough */
    struct cemm_promise promise;
    struct cemm_timer timer; /* fires when the request is to be sent (again), or to fail */
    struct cemm_transfer *transfer;
    int64_t sent; /* when the request was sent last; 0: never */
    int64_t took; /* how long the document took, in milliseconds */
    struct cemm_last_reply last_reply;
    bool renewed; /* it was repeated with another key; once is enough */
    /* A response, held until it is known which device sent it; status 0: none. */
    struct cemm_http_response held;
    /* Why the server does not look like a CEMM; reported if its fingerprint is unknown. */
    int root_result;
    struct cemm_message *root_message;
    cemm_request_done *done;
    void *data;
};

static void send_queued(struct cemm_source *source);

/* ---- the queue of a source ------------------------------------------------------ */

static void move(struct cemm_request *request, struct cemm_request_list *list)
{
    TAILQ_REMOVE(request->list, request, link);
    request->list = list;
    request->since = request->route->source->loop->now;
    TAILQ_INSERT_TAIL(list, request, link);
}

/* Counts a transfer that begins (`change` 1) or ends (-1). */
static void count_active(const struct cemm_request *request, int change)
{
    request->route->active += change;
    request->route->source->active += change;
}

/* Whether the route may have another transfer. A device may have several transfers once it has
 * answered. If the source has other devices, half of the connections are reserved for devices
 * without a transfer, so that devices that hang can't use all connections. */
static bool may_transfer(const struct cemm_route *route)
{
    const struct cemm_source *source = route->source;
    bool room = source->devices <= 1 || source->active < (int)source->config->max_connections / 2;

    return route->active == 0 || (route->proven && room);
}

/* The request to send next: repeats first, then requests to devices without a transfer, then
 * requests that somebody waits for; the oldest first. NULL: none may be sent. */
static struct cemm_request *next_of(const struct cemm_source *source)
{
    struct cemm_request *request, *next = NULL;
    int best = 0;

    TAILQ_FOREACH (request, &source->repeats, link)
        if (may_transfer(request->route))
            return request;
    TAILQ_FOREACH (request, &source->queue, link) {
        int rank = 1 + 2 * (request->route->active == 0) + !request->background;
        if (rank <= best || !may_transfer(request->route))
            continue;
        best = rank;
        next = request;
        if (best == 4)
            break;
    }
    return next;
}

static void request_free(struct cemm_request *request)
{
    struct cemm_source *source = request->route->source;

    TAILQ_REMOVE(request->list, request, link);
    source->open--;
    cemm_timer_stop(&request->timer);
    if (request->transfer) {
        cemm_http_abort(request->transfer);
        count_active(request, -1);
    }
    free(request->held.body);
    cemm_message_drop(&request->root_message);
    if (request->device)
        request->device->requests--;
    free(request);
}

static void record_outcome(struct cemm_outcomes *outcomes, int64_t wall, int result,
                           const char *message)
{
    if (result == 0) {
        outcomes->last_success = wall;
    } else if (result != CEMM_ABSENT) { /* which is neither success nor failure */
        outcomes->last_failure = wall;
        cemm_message_keep(&outcomes->last_message, message);
    }
}

/* Reports how a request ended, and frees it. Takes over the reference to `document`. */
static void finish(struct cemm_request *request, int result, struct cemm_document *document,
                   const char *message)
{
    const struct cemm_answer answer = {result, document, message};
    struct cemm_source *source = request->route->source;
    cemm_request_done *done = request->done;
    void *data = request->data;
    struct cemm_query query = request->query;

    request->route->delivered |= result == 0;
    cemm_refusal_record(request->route, &query, &request->last_reply, result, message);
    record_outcome(&source->outcomes, source->loop->wall, result, message);
    if (request->device)
        record_outcome(&request->device->outcomes, source->loop->wall, result, message);
    request_free(request);
    done(data, &query, &answer);
    cemm_document_unref(document);
}

/* ---- promises ------------------------------------------------------------------ */

/* Once it is known how long the data takes, a request is repeated when its data is expected. One
 * request in EARLY_EVERY is repeated earlier, in case the device has become faster. */
static void begin_promise(struct cemm_request *request)
{
    struct cemm_route *route = request->route;
    const struct cemm_source *source = route->source;
    int64_t expected = route->expected >= 0 ? route->expected : source->expected;
    bool patient = expected >= 0 && ++route->requests % EARLY_EVERY > 0;

    cemm_promise_begin(&request->promise, source->loop->now, source->config->timeout_ms, expected,
                       patient);
}

/* ---- one answer ----------------------------------------------------------------- */

static struct cemm_query current_query(const struct cemm_request *request)
{
    struct cemm_query root = {.uid = request->query.uid, .endpoint = CEMM_ROOT};

    return request->asking == ROOT ? root : request->query;
}

/* Whether the route's device has changed since the request began. */
static bool leads_elsewhere(const struct cemm_request *request)
{
    return request->device && request->device != request->route->device;
}

static bool is_lan_root(const struct cemm_request *request)
{
    return request->route->source->config->kind == CEMM_LOCAL &&
           request->query.endpoint == CEMM_ROOT;
}

/* Whether another device may have answered on the LAN: the request opened a new connection, it has
 * not asked for the root document, and the last root document that named the device came more than
 * CONFIRMED_MS before the request was sent. */
static bool is_doubtful(const struct cemm_request *request,
                        const struct cemm_http_response *response)
{
    const struct cemm_source *source = request->route->source;

    return source->config->kind == CEMM_LOCAL && request->query.endpoint != CEMM_ROOT &&
           !request->root_asked && response->new_connection &&
           request->sent - source->confirmed > CONFIRMED_MS;
}

static void fail(struct cemm_request *request, int result, const char *reason)
{
    const struct cemm_source *source = request->route->source;
    int64_t delay = cemm_refusal_delay(source, &request->last_reply, result);
    struct cemm_query query = current_query(request);
    struct cemm_message message, longer;

    if (delay > 0) {
        cemm_message_set(&longer, "%.100s; not asked again for %lld s", reason, (long long)delay);
        reason = longer.text;
    }
    cemm_reply_message(source, &query, reason, &message);
    finish(request, result, NULL, message.text);
}

/* Ends the request with an error. If no answer came, records that `route` failed, and wakes the
 * queued requests of that route, or of all routes if it is the source's own: wake() ends them. */
static void fail_route(struct cemm_request *request, int error, struct cemm_route *route,
                       const char *reason)
{
    struct cemm_source *source = route->source;
    struct cemm_request *queued, *next;

    if (error != -EHOSTUNREACH && error != -ETIMEDOUT) {
        fail(request, error, reason);
        return;
    }
    cemm_route_failed(route, error, reason);
    for (queued = TAILQ_FIRST(&source->queue); queued; queued = next) {
        next = TAILQ_NEXT(queued, link);
        if (queued->route != route && route != &source->own)
            continue;
        cemm_timer_set(&source->loop->timers, &queued->timer, source->loop->now);
        move(queued, &source->waiting);
    }
    fail(request, error, reason);
}

static void fail_gone(struct cemm_request *request)
{
    struct cemm_message reason;

    cemm_message_set(&reason, "another device answers at %.120s now",
                     request->route->source->config->address);
    fail(request, -EHOSTUNREACH, reason.text);
}

/* The server does not look like a CEMM (`reason` says why). Asks what it is: FINGERPRINT or TLS. */
static void ask_fingerprint(struct cemm_request *request, enum asking asking, int result,
                            const char *reason)
{
    request->asking = asking;
    request->root_result = result;
    cemm_message_keep(&request->root_message, reason);
    move(request, &request->route->source->repeats);
}

static void handle_fingerprint(struct cemm_request *request, struct cemm_http_response *response)
{
    const char *diagnosis = NULL;

    if (request->asking == FINGERPRINT)
        diagnosis = cemm_fingerprint_public(response->status, response->body, response->length);
    else if (response->tls)
        diagnosis = CEMM_FINGERPRINT_TLS;
    if (diagnosis)
        fail(request, -EIO, diagnosis);
    else
        fail_route(request, request->root_result, request->route,
                   cemm_message_kept(&request->root_message));
}

/* Whether a configured address does not speak HTTP, and no CEMM has ever answered there. */
static bool may_speak_tls(const struct cemm_request *request,
                          const struct cemm_http_response *response)
{
    const struct cemm_route *route = request->route;

    return response->no_http && request->asking == DOCUMENT && is_lan_root(request) &&
           !route->source->discovered && !route->device;
}

/* Queues the request again, with a new timeout, ahead of requests that were never sent. */
static void ask(struct cemm_request *request, enum asking asking)
{
    request->asking = asking;
    begin_promise(request);
    move(request, &request->route->source->repeats);
}

/* Reports the document, or why there is none, unless a new key or a fingerprint is tried first. */
static void conclude(struct cemm_request *request, struct cemm_http_response *response)
{
    struct cemm_route *route = request->route;
    struct cemm_document *document = NULL;
    struct cemm_message reason;

    if (leads_elsewhere(request)) {
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
        ask_fingerprint(request, FINGERPRINT, r, reason.text);
    } else if (r) {
        fail(request, r, reason.text);
    } else if (is_lan_root(request) && request->device &&
               !route->source->registry->confirm(route, document)) {
        cemm_document_unref(document);
        fail_gone(request);
    } else {
        document->took = request->took;
        finish(request, 0, document, "");
    }
}

static void handle_document(struct cemm_request *request, struct cemm_http_response *response)
{
    const struct cemm_source *source = request->route->source;

    /* The time spent in queues does not count: it postponed `deadline`. */
    request->took = source->loop->now - (request->promise.deadline - source->config->timeout_ms);
    if (!is_doubtful(request, response)) {
        conclude(request, response);
        return;
    }
    request->held = *response;
    response->body = NULL;
    ask(request, ROOT);
}

/* Checks which device answers. An absent root is -EIO: the document of `query` may well exist. */
static void handle_root(struct cemm_request *request, struct cemm_http_response *response)
{
    struct cemm_route *route = request->route;
    struct cemm_query query = current_query(request);
    struct cemm_document *root = NULL;
    struct cemm_message reason;

    request->root_asked = true;
    int r = cemm_reply_read(route, &query, response, &root, &reason);
    bool same =
        r == 0 && !leads_elsewhere(request) && route->source->registry->confirm(route, root);
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

/* Ends a request that has timed out, through the device's fault or because of a Retry-After. */
static void give_up(struct cemm_request *request, bool device_at_fault)
{
    if (device_at_fault)
        fail_route(request, -ETIMEDOUT, request->route, "the promised data did not come in time");
    else
        fail(request, -ETIMEDOUT,
             "the server asked us to wait longer (Retry-After) than the timeout allows");
}

static void wake(void *data)
{
    struct cemm_request *request = data;
    struct cemm_source *source = request->route->source;
    const struct cemm_failure *failure =
        request->sent ? NULL : cemm_route_failure(request->route, &request->query);

    if (failure) {
        /* The message outlives finish(): only a reply or the loss of the device frees it. */
        finish(request, failure->result, NULL, cemm_message_kept(&failure->message));
    } else if (request->sent && source->loop->now >= request->promise.deadline) {
        give_up(request, true);
    } else {
        move(request, request->sent ? &source->repeats : &source->queue);
        send_queued(source);
    }
}

static void handle_status(struct cemm_request *request, struct cemm_http_response *response)
{
    struct cemm_route *route = request->route;
    struct cemm_loop *loop = route->source->loop;
    enum cemm_step step = cemm_promise_answer(&request->promise, loop->now, response->status,
                                              response->retry_after_ms);

    if (response->status != 202)
        cemm_route_answered(route);
    if (step == CEMM_TIMED_OUT && response->status == 202) { /* 429 and 503 are reported below */
        give_up(request, response->retry_after_ms < 0);
        return;
    }
    if (step == CEMM_WAIT) {
        cemm_timer_set(&loop->timers, &request->timer, request->promise.until);
        return;
    }
    if (step == CEMM_DONE)
        route->expected = cemm_promise_learned(&request->promise, request->sent, route->expected);
    if (step == CEMM_DONE && route->expected >= 0)
        route->source->expected = route->expected;
    if (request->asking == ROOT)
        handle_root(request, response);
    else
        handle_document(request, response);
}

static void on_response(void *data, struct cemm_http_response *response)
{
    struct cemm_request *request = data;
    struct cemm_source *source = request->route->source;

    request->transfer = NULL;
    request->last_reply.status = response->status;
    request->last_reply.retry_after_ms = response->retry_after_ms;
    count_active(request, -1);
    if (request->asking == FINGERPRINT || request->asking == TLS)
        handle_fingerprint(request, response);
    else if (may_speak_tls(request, response))
        ask_fingerprint(request, TLS, response->error, response->reason);
    else if (response->error)
        fail_route(request, response->error,
                   response->no_connection ? &source->own : request->route, response->reason);
    else
        handle_status(request, response);
    free(response->body);
    send_queued(source);
}

/* ---- sending --------------------------------------------------------------------- */

static bool has_port(const char *address)
{
    const char *bracket = strrchr(address, ']'); /* of an IPv6 address */

    return strchr(bracket ? bracket : address, ':');
}

static int send_request(struct cemm_request *request)
{
    struct cemm_source *source = request->route->source;
    const struct cemm_source_config *config = source->config;
    struct cemm_loop *loop = source->loop;
    struct cemm_buffer url = CEMM_BUFFER_INIT(CEMM_URL_MAX);
    /* The buffer is allocated once, because growing would leave copies of the key in memory. */
    cemm_buffer_reserve(&url, CEMM_URL_MAX);

    if (!request->sent) {
        /* After a failure, another device may have the LAN address. */
        bool check = source->unverified && request->device && request->query.endpoint != CEMM_ROOT;
        request->asking = check ? ROOT : DOCUMENT;
        begin_promise(request);
    } else {
        request->promise.deadline += loop->now - request->since;
    }
    struct cemm_query query = current_query(request);
    if (request->asking == FINGERPRINT)
        cemm_buffer_format(&url, "http://%s/%s", config->address, CEMM_FINGERPRINT_PATH);
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
            .date = cemm_query_has_period(&query),
            .timeout_ms = request->promise.deadline - loop->now,
            .body_max = cemm_answer_max(query.endpoint),
        };
        request->transfer = cemm_http_start(loop->http, &get, on_response, request);
        r = request->transfer ? 0 : -ENOMEM;
    }
    if (url.data)
        explicit_bzero(url.data, url.length);
    cemm_buffer_clear(&url);
    return r;
}

static void launch(struct cemm_request *request)
{
    struct cemm_source *source = request->route->source;
    int r = send_request(request);

    if (r == -E2BIG) {
        fail(request, -EINVAL, "the URL is too long");
    } else if (r < 0) {
        fail(request, r, "out of memory");
    } else {
        count_active(request, 1);
        move(request, &source->waiting);
        request->sent = source->loop->now;
        request->last_reply.key_generation = source->key_generation;
    }
}

static void send_queued(struct cemm_source *source)
{
    struct cemm_request *next;

    while (source->active < (int)source->config->max_connections && !source->loop->ending &&
           (next = next_of(source)))
        launch(next);
}

struct cemm_request *cemm_request_start(struct cemm_route *route, const struct cemm_query *query,
                                        cemm_request_done *done, void *data)
{
    struct cemm_loop *loop = route->source->loop;
    struct cemm_request *request = calloc(1, sizeof(*request));

    if (!request)
        return NULL;
    *request = (struct cemm_request){
        .route = route,
        .list = &route->source->waiting,
        .device = query->uid.text[0] ? route->device : NULL,
        .query = *query,
        .timer = {.fire = wake, .data = request},
        .done = done,
        .data = data,
    };
    cemm_timer_set(&loop->timers, &request->timer, loop->now);
    TAILQ_INSERT_TAIL(request->list, request, link);
    route->source->open++;
    if (request->device)
        request->device->requests++;
    return request;
}

void cemm_request_rank(struct cemm_request *request, bool background)
{
    request->background = background;
}

void cemm_requests_abort(struct cemm_source *source)
{
    struct cemm_request *next;

    while ((next = TAILQ_FIRST(&source->queue)) || (next = TAILQ_FIRST(&source->repeats)) ||
           (next = TAILQ_FIRST(&source->waiting)))
        request_free(next);
}
