/*
 * The loop: one thread, turn after turn. A turn does what is due, waits for the network, and runs
 * the completions that became due.
 */
#ifndef CEMM_ENGINE_LOOP_H
#define CEMM_ENGINE_LOOP_H

#include "common/engine/http.h"
#include "common/engine/timer.h"

#include <sys/queue.h>

TAILQ_HEAD(cemm_ticket_list, cemm_ticket);

struct cemm_loop {
    /* The caller sets these before cemm_loop_init(): */
    const struct cemm_zone *zone;
    int64_t backoff_max; /* longest pause after a failure, milliseconds */
    cemm_log_fn *log;    /* may be NULL */
    void *log_data;

    int64_t now;  /* monotonic milliseconds */
    int64_t wall; /* Unix milliseconds, read with `now` */
    struct cemm_timers timers;
    struct cemm_http *http;
    struct cemm_ticket_list ready; /* tickets whose completions are due */
    int watched;                   /* a descriptor to wait for, besides http's; -1: none */
    void (*on_readable)(void *data);
    void *watch_data;
    bool ending;                         /* the context is being freed: no request is accepted */
    struct cemm_line_limit device_lines; /* limits the lines of cemm_log_device() */
    struct cemm_line_limit remarks;      /* limits the lines of cemm_log_remark() */
};

/* A caller's wait. It is freed after its completion has run. */
struct cemm_ticket {
    struct cemm_loop *loop;
    struct cemm_ticket_list *list; /* the list that the ticket is in */
    TAILQ_ENTRY(cemm_ticket) link;
    cemm_answer_fn *done; /* NULL: there is no completion */
    void *data;
    struct cemm_timer limit; /* if set, it ends the wait */
    /* Set when the wait ends. Until then, `message` holds the text to use if the limit expires. */
    int result;
    struct cemm_document *document;
    struct cemm_message message;
};

/* `connections`: how many connections may be open at a time. Returns 0 or -ENOMEM. The caller
 * frees `loop->http` in the end. */
int cemm_loop_init(struct cemm_loop *loop, unsigned connections);

/* Like cemm_turn(). */
int cemm_loop_turn(struct cemm_loop *loop, int timeout_ms, struct pollfd *extra, unsigned count);

/* Whether `when`, a wall time (0: never), is at most `max_age` milliseconds ago. */
static inline bool cemm_loop_recent(const struct cemm_loop *loop, int64_t when, int64_t max_age)
{
    int64_t age = loop->wall - when;

    return when && age >= 0 && age <= max_age;
}

void cemm_log(struct cemm_loop *loop, enum cemm_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Like cemm_log(), for a message about a single device or meter. After CEMM_DEVICE_LINES_MAX lines
 * in a minute, one more line says that further lines are left out until the minute is over. */
#define cemm_log_device(loop, level, ...) \
    (cemm_log_has_room(loop) ? cemm_log(loop, level, __VA_ARGS__) : (void)0)
bool cemm_log_has_room(struct cemm_loop *loop);

/* The same, for a message that anybody on the local network can cause, with a packet: at most
 * CEMM_REMARKS_MAX lines in an hour. */
#define cemm_log_remark(loop, level, ...) \
    (cemm_log_remark_has_room(loop) ? cemm_log(loop, level, __VA_ARGS__) : (void)0)
bool cemm_log_remark_has_room(struct cemm_loop *loop);

/* Allocates `size` zeroed bytes that begin with a ticket on `list`. NULL: no memory. */
void *cemm_ticket_new(struct cemm_loop *loop, struct cemm_ticket_list *list, size_t size,
                      cemm_answer_fn *done, void *data);

void cemm_ticket_move(struct cemm_ticket *ticket, struct cemm_ticket_list *list);

/* Makes a ticket's completion run in this turn or the next. `document` and `message` may be NULL;
 * the message is not used if `result` is 0. */
void cemm_ticket_finish(struct cemm_ticket *ticket, int result, struct cemm_document *document,
                        const char *message);
void cemm_tickets_finish(struct cemm_ticket_list *list, int result, struct cemm_document *document,
                         const char *message);

/* Ends the wait after `ms` with -ETIMEDOUT and this message, unless a limit is set already. */
void cemm_ticket_limit(struct cemm_ticket *ticket, int64_t ms, const char *message);

#endif
