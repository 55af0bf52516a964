/*
 * How an HTTP request passes through the simulator.
 *
 * A request may have to wait twice: for its LAN device, which handles one request at a time, and
 * for a fault. While it waits, its connection is suspended, so that the loop can serve other
 * connections. The library does not watch suspended connections. The loop does, so that a client
 * that has given up does not keep its device busy for ever.
 */
#include "request.h"

#include "fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KEY_PARAMETER "api_key="
#define DRIP_MS       2000
#define LATE_MS       1500
#define ENDLESS_SIZE  (UINT64_C(4) << 30)
#define ENDLESS_BLOCK 65536

/* Copies a text for the log. Spaces separate the log's fields, so characters that do not belong in
 * a URI are replaced. */
static char *copy_visible(const char *text, size_t length)
{
    char *copy = strndup(text, length);

    for (char *c = copy; c && *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '\x7f')
            *c = '?';
    return copy;
}

void *request_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct listener *listener = cls;
    struct request *request = calloc(1, sizeof(*request));

    if (!request)
        return NULL;
    request->watch.kind = WATCH_REQUEST;
    request->listener = listener;
    request->connection = connection;
    request->uri = copy_visible(uri, strlen(uri));
    request->path = copy_visible(uri, strcspn(uri, "?"));
    if (!request->uri || !request->path) {
        free(request->uri);
        free(request->path);
        free(request);
        return NULL;
    }
    route_parse(listener->pool->world, listener->device ? API_LAN : API_CLOUD, request->path,
                &request->target);
    return request;
}

/* Returns a pointer to the time of a connection's last answer, which is 0 before the first answer.
 * NULL: there was no memory. */
static int64_t *last_used(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static int64_t idle_for(const struct request *request)
{
    const int64_t *last = last_used(request->connection);

    return last && *last ? monotonic_ms() - *last : 0;
}

/* Writes the parameters as received, without the key; "-" if there are none. */
static void put_query(FILE *out, const char *uri)
{
    const char *parameter = uri + strcspn(uri, "?");
    const char *separator = "";

    while (*parameter) {
        size_t length = strcspn(++parameter, "&");

        if (length > 0 && strncmp(parameter, KEY_PARAMETER, strlen(KEY_PARAMETER)) != 0) {
            fprintf(out, "%s%.*s", separator, (int)length, parameter);
            separator = "&";
        }
        parameter += length;
    }
    if (!*separator)
        putc('-', out);
}

static const char *uid_of(const struct request *request)
{
    if (request->listener->device)
        return request->listener->device->uid;
    return request->target.uid[0] ? request->target.uid : "-";
}

/* Logs a line with one system call, so that several processes may share a log. */
static void log_line(struct request *request, unsigned status, bool overlap)
{
    const struct listener *listener = request->listener;
    char *line = NULL;
    size_t length;
    FILE *out;

    if (listener->pool->log_fd < 0 || !(out = open_memstream(&line, &length)))
        return;
    int64_t now = real_us();
    fprintf(out, "%" PRId64 ".%03d %s %s ", now / 1000, (int)(now % 1000),
            listener->device ? "lan" : "cloud", uid_of(request));
    if (overlap) {
        fprintf(out, "overlap %u\n", listener->overlaps);
    } else {
        fprintf(out, "%s %s ", request->method, request->path);
        put_query(out, request->uri);
        fprintf(out, " %u\n", status);
        request->logged = true;
    }
    if (fclose(out) == 0 && write(listener->pool->log_fd, line, length) != (ssize_t)length)
        perror("cemm-sim: log");
    free(line);
}

static void log_connection(const struct listener *listener)
{
    const struct pool *pool = listener->pool;
    int64_t now = real_us();

    if (pool->log_fd >= 0 && pool->world->options->log_connections &&
        dprintf(pool->log_fd, "%" PRId64 ".%03d %s %s connect %u\n", now / 1000, (int)(now % 1000),
                listener->device ? "lan" : "cloud", listener->device ? listener->device->uid : "-",
                listener->connections) < 0)
        perror("cemm-sim: log");
}

void request_connection(void *cls, struct MHD_Connection *connection, void **context,
                        enum MHD_ConnectionNotificationCode code)
{
    struct listener *listener = cls;

    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = calloc(1, sizeof(int64_t));
        listener->connections++;
        log_connection(listener);
    } else {
        free(*context);
        listener->connections--;
    }
}

static int connection_fd(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? info->connect_fd : -1;
}

/* Suspends the connection until request_resume(), or until its client disconnects. */
static void suspend(struct request *request, struct request_list *list, enum phase phase)
{
    struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = &request->watch};

    request->phase = phase;
    request->suspended = true;
    TAILQ_INSERT_TAIL(list, request, entry);
    MHD_suspend_connection(request->connection);
    if (epoll_ctl(request->listener->pool->epoll_fd, EPOLL_CTL_ADD,
                  connection_fd(request->connection), &event) < 0)
        perror("cemm-sim: epoll_ctl");
}

void request_resume(struct request *request, enum phase phase)
{
    struct listener *listener = request->listener;

    if (!request->suspended)
        return;
    epoll_ctl(listener->pool->epoll_fd, EPOLL_CTL_DEL, connection_fd(request->connection), NULL);
    TAILQ_REMOVE(request->phase == PHASE_QUEUED ? &listener->queued : &listener->pool->waiting,
                 request, entry);
    request->suspended = false;
    request->phase = phase;
    MHD_resume_connection(request->connection);
    listener->again = true;
}

/* A body that is shorter than its Content-Length. */
struct cut_body {
    size_t sent;
    char bytes[];
};

static ssize_t read_cut(void *cls, uint64_t position, char *buffer, size_t room)
{
    const struct cut_body *body = cls;
    size_t left = position < body->sent ? body->sent - (size_t)position : 0;

    if (left == 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (left > room)
        left = room;
    memcpy(buffer, body->bytes + position, left);
    return (ssize_t)left;
}

/* Produces a body that is practically endless, so that the client must close the connection. */
static ssize_t read_endless(void *cls, uint64_t position, char *buffer, size_t room)
{
    (void)cls;
    if (position >= ENDLESS_SIZE)
        return MHD_CONTENT_READER_END_OF_STREAM;
    memset(buffer, ' ', room);
    return (ssize_t)room;
}

static struct MHD_Response *make_response(struct answer *answer)
{
    struct MHD_Response *response;
    struct cut_body *body;

    if (answer->endless)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, ENDLESS_BLOCK, read_endless,
                                                 NULL, NULL);
    if (answer->sent == answer->length) {
        response =
            MHD_create_response_from_buffer(answer->length, answer->body, MHD_RESPMEM_MUST_FREE);
        if (response)
            answer->body = NULL; /* now owned by the response */
        return response;
    }
    body = malloc(sizeof(*body) + answer->sent);
    if (!body)
        return NULL;
    body->sent = answer->sent;
    memcpy(body->bytes, answer->body, answer->sent);
    response = MHD_create_response_from_callback(answer->length, 1024, read_cut, body, free);
    if (!response)
        free(body);
    return response;
}

static bool write_date(char *text, size_t size, time_t time)
{
    struct tm parts;

    return gmtime_r(&time, &parts) && strftime(text, size, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0;
}

static bool add_headers(struct MHD_Response *response, const struct answer *answer)
{
    char when[64], date[64];

    if (!write_date(date, sizeof(date), answer->date))
        return false;
    if (!answer->retry_date)
        snprintf(when, sizeof(when), "%d", answer->retry_after);
    else if (!write_date(when, sizeof(when), time(NULL) + answer->retry_after))
        return false;
    return (!answer->date || MHD_add_response_header(response, "Date", date) == MHD_YES) &&
           MHD_add_response_header(response, "Content-Type", answer->type) == MHD_YES &&
           (answer->retry_after < 0 ||
            MHD_add_response_header(response, "Retry-After", when) == MHD_YES) &&
           (!answer->location ||
            MHD_add_response_header(response, "Location", answer->location) == MHD_YES);
}

static enum MHD_Result send_answer(struct request *request, struct answer *answer)
{
    struct MHD_Response *response = make_response(answer);
    enum MHD_Result sent = MHD_NO;

    if (!response)
        return MHD_NO;
    if (add_headers(response, answer)) {
        log_line(request, answer->status, false);
        sent = MHD_queue_response(request->connection, answer->status, response);
    }
    MHD_destroy_response(response);
    return sent;
}

/* Resets the connection, which the library can't do: AF_UNSPEC makes TCP send an RST. */
static void reset(int fd)
{
    const struct sockaddr unspecified = {.sa_family = AF_UNSPEC};

    if (connect(fd, &unspecified, sizeof(unspecified)) < 0)
        perror("cemm-sim: reset");
}

/* Keeps the bytes after the header for drip(). Returns how many bytes to send immediately. */
static size_t keep_for_dripping(struct request *request, struct answer *answer)
{
    const char *end = memmem(answer->body, answer->length, "\r\n\r\n", 4);

    request->drip = answer->body;
    request->drip_length = answer->length;
    request->drip_sent = end ? (size_t)(end + 4 - answer->body) : answer->length;
    answer->body = NULL;
    return request->drip_sent;
}

/* Sends the next byte of a body that drips. */
static void drip(struct request *request)
{
    if (request->drip_sent < request->drip_length &&
        send(connection_fd(request->connection), request->drip + request->drip_sent, 1,
             MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
        request->drip_sent++;
    request->until_ms =
        request->drip_sent < request->drip_length ? monotonic_ms() + DRIP_MS : FAULT_FOREVER;
}

void request_due(struct request *request)
{
    if (request->drip)
        drip(request);
    else
        request_resume(request, request->answered ? PHASE_GONE : PHASE_ANSWER);
}

/* If the device was busy with `request`, starts the first queued request. This happens immediately,
 * so no new request can overtake the queued one. */
static void start_next(struct request *request)
{
    struct listener *listener = request->listener;

    if (listener->busy != request)
        return;
    listener->busy = TAILQ_FIRST(&listener->queued);
    if (listener->busy)
        request_resume(listener->busy, PHASE_READY);
}

/* Bypasses the library and writes to the socket. */
static enum MHD_Result send_wire(struct request *request, struct answer *answer)
{
    int fd = connection_fd(request->connection);
    const char *bytes = answer->body;
    size_t length =
        answer->end == ANSWER_DRIP ? keep_for_dripping(request, answer) : answer->length;

    log_line(request, answer->status, false);
    if (length > 0 && send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        perror("cemm-sim: send");
    if (answer->end == ANSWER_RESET)
        reset(fd);
    if (answer->end == ANSWER_CLOSE || answer->end == ANSWER_RESET)
        return MHD_NO;
    request->answered = answer->end == ANSWER_LATE;
    if (request->answered)
        start_next(request);
    request->until_ms = answer->end == ANSWER_HOLD
                            ? FAULT_FOREVER
                            : monotonic_ms() + (request->answered ? LATE_MS : DRIP_MS);
    suspend(request, &request->listener->pool->waiting, PHASE_WAITING);
    return MHD_YES;
}

/* Gives no answer: the library closes the connection. */
static enum MHD_Result drop(struct request *request)
{
    log_line(request, 0, false);
    return MHD_NO;
}

static const char *parameter(struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Returns the request as API:UID:PATH, the text that the glob of a fault may match. The caller
 * frees it. NULL: there is no memory. */
static char *full_path(const struct request *request)
{
    char *text;

    if (asprintf(&text, "%s:%s:%s", request->listener->device ? "lan" : "cloud", uid_of(request),
                 request->path) < 0)
        return NULL;
    return text;
}

static int genuine_answer(struct request *request, struct answer *answer)
{
    struct query query = {
        .key = parameter(request, "api_key"),
        .time = parameter(request, "time"),
        .whole = request->uri,
    };

    if (strcmp(request->method, MHD_HTTP_METHOD_GET) != 0)
        return answer_error(answer, 405);
    return route_answer(request->listener->pool->world, request->listener->device, &request->target,
                        &query, answer);
}

static int make_answer(struct request *request, struct answer *answer)
{
    struct world *world = request->listener->pool->world;
    char *where = full_path(request);
    const struct fault *fault;
    int r = 0;

    if (!where)
        return -ENOMEM;
    fault = faults_find(&world->options->faults, where, request->path);
    free(where);
    if (!fault || fault_needs_answer(fault))
        r = genuine_answer(request, answer);
    if (r == 0 && fault)
        r = fault_apply(fault, &world->promises, answer);
    return r;
}

static enum MHD_Result give_answer(struct request *request)
{
    struct answer answer = {.retry_after = -1};
    enum MHD_Result sent = MHD_NO;
    int r = make_answer(request, &answer);

    if (r < 0)
        fprintf(stderr, "cemm-sim: %s: %s\n", request->path, strerror(-r));
    else if (answer.drop)
        sent = drop(request);
    else
        sent =
            answer.end == ANSWER_HTTP ? send_answer(request, &answer) : send_wire(request, &answer);
    answer_clear(&answer);
    return sent;
}

/* Returns how long a fault makes this request wait, in milliseconds, or FAULT_FOREVER. */
static int64_t wait_of(struct request *request)
{
    char *where = full_path(request);
    int64_t wait;

    if (!where)
        return 0;
    wait = faults_wait(&request->listener->pool->world->options->faults, where, request->path,
                       idle_for(request));
    free(where);
    return wait;
}

static enum MHD_Result start(struct request *request)
{
    struct listener *listener = request->listener;
    int64_t wait;

    if (listener->device && listener->busy && listener->busy != request) {
        listener->overlaps++;
        log_line(request, 0, true);
        suspend(request, &listener->queued, PHASE_QUEUED);
        return MHD_YES;
    }
    if (listener->device)
        listener->busy = request;
    wait = wait_of(request);
    if (wait == 0)
        return give_answer(request);
    if (wait == FAULT_FOREVER)
        log_line(request, 0, false);
    request->until_ms = wait == FAULT_FOREVER ? FAULT_FOREVER : monotonic_ms() + wait;
    suspend(request, &listener->pool->waiting, PHASE_WAITING);
    return MHD_YES;
}

enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **context)
{
    struct request *request = *context;

    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    (void)upload;
    if (!request)
        return MHD_NO;
    request->method = method;
    if (*upload_size > 0) { /* a body is ignored, but must be received before the answer is sent */
        *upload_size = 0;
        return MHD_YES;
    }
    switch (request->phase) {
    case PHASE_NEW: /* an answer at this point would close the connection */
        request->phase = PHASE_READY;
        return MHD_YES;
    case PHASE_READY:
        return start(request);
    case PHASE_ANSWER:
        return give_answer(request);
    default:
        return MHD_NO;
    }
}

void request_end(void *cls, struct MHD_Connection *connection, void **context,
                 enum MHD_RequestTerminationCode code)
{
    struct request *request = *context;
    int64_t *last = last_used(connection);

    (void)cls;
    (void)code;
    if (last)
        *last = monotonic_ms();
    if (!request)
        return;
    *context = NULL;
    if (!request->logged && request->phase == PHASE_GONE)
        log_line(request, 0, false);
    start_next(request);
    free(request->uri);
    free(request->path);
    free(request->drip);
    free(request);
}
