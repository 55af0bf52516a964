#include "common/engine/loop.h"

#include "common/base/limits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TURN_MAX_MS 60000   /* how long a turn waits at most */
#define REMARKS_MS  3600000 /* an hour, in which at most CEMM_REMARKS_MAX remarks are logged */

static void read_clocks(struct cemm_loop *loop)
{
    loop->now = cemm_clock_steady();
    loop->wall = cemm_clock_wall();
}

int cemm_loop_init(struct cemm_loop *loop, unsigned connections)
{
    loop->watched = -1;
    TAILQ_INIT(&loop->ready);
    read_clocks(loop);
    loop->http = cemm_http_new(connections);
    return loop->http ? 0 : -ENOMEM;
}

void cemm_log(struct cemm_loop *loop, enum cemm_level level, const char *format, ...)
{
    struct cemm_message line;
    va_list arguments;

    if (!loop->log)
        return;
    va_start(arguments, format);
    if (vsnprintf(line.text, sizeof(line.text), format, arguments) < 0)
        line.text[0] = '\0';
    va_end(arguments);
    loop->log(loop->log_data, level, line.text);
}

bool cemm_log_has_room(struct cemm_loop *loop)
{
    struct cemm_message instead;
    bool allowed = cemm_line_allowed(&loop->device_lines, loop->now, &instead);

    if (instead.text[0])
        cemm_log(loop, CEMM_LOG_WARNING, "%s", instead.text);
    return allowed;
}

bool cemm_log_remark_has_room(struct cemm_loop *loop)
{
    struct cemm_line_limit *remarks = &loop->remarks;

    if (!remarks->lines || loop->now - remarks->since >= REMARKS_MS)
        *remarks = (struct cemm_line_limit){.since = loop->now};
    if (++remarks->lines == CEMM_REMARKS_MAX + 1)
        cemm_log(loop, CEMM_LOG_WARNING,
                 "discovery: further messages like this are suppressed for an hour; is somebody "
                 "forging answers on this network?");
    return remarks->lines <= CEMM_REMARKS_MAX;
}

/* ---- tickets ---------------------------------------------------------------- */

void *cemm_ticket_new(struct cemm_loop *loop, struct cemm_ticket_list *list, size_t size,
                      cemm_answer_fn *done, void *data)
{
    struct cemm_ticket *ticket = calloc(1, size);

    if (!ticket)
        return NULL;
    *ticket = (struct cemm_ticket){.loop = loop, .list = list, .done = done, .data = data};
    TAILQ_INSERT_TAIL(list, ticket, link);
    return ticket;
}

void cemm_ticket_move(struct cemm_ticket *ticket, struct cemm_ticket_list *list)
{
    TAILQ_REMOVE(ticket->list, ticket, link);
    ticket->list = list;
    TAILQ_INSERT_TAIL(list, ticket, link);
}

void cemm_ticket_finish(struct cemm_ticket *ticket, int result, struct cemm_document *document,
                        const char *message)
{
    cemm_timer_stop(&ticket->limit);
    cemm_ticket_move(ticket, &ticket->loop->ready);
    ticket->result = result;
    ticket->document = document ? cemm_document_ref(document) : NULL;
    cemm_message_set(&ticket->message, "%s", result && message ? message : "");
}

void cemm_tickets_finish(struct cemm_ticket_list *list, int result, struct cemm_document *document,
                         const char *message)
{
    struct cemm_ticket *ticket;

    while ((ticket = TAILQ_FIRST(list)))
        cemm_ticket_finish(ticket, result, document, message);
}

static void on_limit(void *data)
{
    struct cemm_ticket *ticket = data;
    struct cemm_message message = ticket->message;

    cemm_ticket_finish(ticket, -ETIMEDOUT, NULL, message.text);
}

void cemm_ticket_limit(struct cemm_ticket *ticket, int64_t ms, const char *message)
{
    struct cemm_loop *loop = ticket->loop;

    if (ticket->list == &loop->ready || ticket->limit.link)
        return;
    cemm_message_set(&ticket->message, "%s", message);
    ticket->limit = (struct cemm_timer){.fire = on_limit, .data = ticket};
    cemm_timer_set(&loop->timers, &ticket->limit, loop->now + ms);
}

static void complete(struct cemm_ticket *ticket)
{
    struct cemm_answer answer = {
        .result = ticket->result,
        .document = ticket->document,
        .message = ticket->message.text,
    };

    TAILQ_REMOVE(ticket->list, ticket, link);
    cemm_timer_stop(&ticket->limit);
    if (ticket->done)
        ticket->done(ticket->data, &answer);
    cemm_document_unref(ticket->document);
    free(ticket);
}

void cemm_cancel(struct cemm_ticket *ticket)
{
    cemm_document_unref(ticket->document);
    ticket->document = NULL;
    ticket->result = -ECANCELED;
    cemm_message_set(&ticket->message, "cancelled");
    complete(ticket);
}

/* If a completion finishes another ticket, that ticket is left for the next call; otherwise a call
 * might never end. */
static void run_ready(struct cemm_loop *loop)
{
    struct cemm_ticket *ticket;
    size_t count = 0;

    TAILQ_FOREACH (ticket, &loop->ready, link)
        count++;
    for (; count > 0 && (ticket = TAILQ_FIRST(&loop->ready)); count--)
        complete(ticket);
}

/* ---- a turn ----------------------------------------------------------------- */

/* Runs what is due. Returns whether anything was. */
static bool run_due(struct cemm_loop *loop)
{
    bool any = cemm_timers_next(&loop->timers, loop->now) == 0 || !TAILQ_EMPTY(&loop->ready);

    cemm_timers_run(&loop->timers, loop->now);
    run_ready(loop);
    return any;
}

static int time_to_wait(const struct cemm_loop *loop, int timeout_ms)
{
    int64_t next = TAILQ_EMPTY(&loop->ready) ? cemm_timers_next(&loop->timers, loop->now) : 0;

    if (next < 0 || (timeout_ms >= 0 && timeout_ms < next))
        next = timeout_ms;
    return next < 0 || next > TURN_MAX_MS ? TURN_MAX_MS : (int)next;
}

int cemm_loop_turn(struct cemm_loop *loop, int timeout_ms, struct pollfd *extra, unsigned count)
{
    read_clocks(loop);
    /* If anything was due, does not wait: the caller may be waiting for what has just run. */
    int wait_ms = run_due(loop) ? 0 : time_to_wait(loop, timeout_ms);
    bool readable = false;
    int r = cemm_http_wait(loop->http, wait_ms, extra, count, loop->watched, &readable);
    read_clocks(loop);
    if (readable)
        loop->on_readable(loop->watch_data);
    if (r == 0)
        r = cemm_http_run(loop->http);
    run_due(loop);
    return r;
}
