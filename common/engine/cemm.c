/*
 * The context: made, turned, freed. One turn reads the clocks once, does what
 * is due, waits, takes what the network brought, and lets completions run.
 */
#include "common/engine/context.h"

#include "common/base/words.h"
#include "common/engine/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "0.1.0"

const char *cemm_version(void)
{
    return VERSION;
}

void cemm_log(struct cemm *cemm, enum cemm_level level, const char *format, ...)
{
    struct cemm_words line;
    va_list arguments;

    if (!cemm->log)
        return;
    va_start(arguments, format);
    if (vsnprintf(line.text, sizeof(line.text), format, arguments) < 0)
        line.text[0] = '\0';
    va_end(arguments);
    cemm->log(cemm->log_data, level, line.text);
}

static void read_clocks(struct cemm *cemm)
{
    cemm->now = cemm_clock_steady();
    cemm->wall = cemm_clock_wall();
}

/* ---- tickets ---------------------------------------------------------------- */

struct cemm_ticket *cemm_ticket_new(struct cemm *cemm, struct cemm_ticket_list *list,
                                    cemm_answer_fn *done, void *data)
{
    struct cemm_ticket *ticket = calloc(1, sizeof(*ticket));

    if (!ticket)
        return NULL;
    *ticket = (struct cemm_ticket){.cemm = cemm, .list = list, .done = done, .data = data};
    TAILQ_INSERT_TAIL(list, ticket, link);
    return ticket;
}

static void leave(struct cemm_ticket *ticket)
{
    TAILQ_REMOVE(ticket->list, ticket, link);
    cemm_timer_stop(&ticket->cemm->timers, &ticket->limit);
}

void cemm_ticket_drop(struct cemm_ticket *ticket)
{
    leave(ticket);
    cemm_document_unref(ticket->document);
    free(ticket);
}

void cemm_ticket_finish(struct cemm_ticket *ticket, int result, struct cemm_document *document,
                        const struct cemm_words *words)
{
    leave(ticket);
    ticket->list = &ticket->cemm->ready;
    TAILQ_INSERT_TAIL(ticket->list, ticket, link);
    ticket->result = result;
    ticket->document = document ? cemm_document_ref(document) : NULL;
    ticket->words = words ? *words : (struct cemm_words){.text = ""};
}

void cemm_tickets_finish(struct cemm_ticket_list *list, int result, struct cemm_document *document,
                         const struct cemm_words *words)
{
    struct cemm_ticket *ticket;

    while ((ticket = TAILQ_FIRST(list)))
        cemm_ticket_finish(ticket, result, document, words);
}

static void complete(struct cemm_ticket *ticket)
{
    struct cemm_answer answer = {
        .result = ticket->result,
        .document = ticket->document,
        .words = ticket->words.text,
    };

    leave(ticket);
    ticket->done(ticket->data, &answer);
    cemm_document_unref(ticket->document);
    free(ticket);
}

void cemm_cancel(struct cemm_ticket *ticket)
{
    cemm_document_unref(ticket->document);
    ticket->document = NULL;
    ticket->result = -ECANCELED;
    cemm_words_set(&ticket->words, "cancelled");
    complete(ticket);
}

/* Completions may ask for more; what is due then comes in the next turn, so that a turn ends. */
static void run_ready(struct cemm *cemm)
{
    struct cemm_ticket *ticket;
    size_t count = 0;

    TAILQ_FOREACH (ticket, &cemm->ready, link)
        count++;
    for (; count > 0 && (ticket = TAILQ_FIRST(&cemm->ready)); count--)
        complete(ticket);
}

/* ---- life ------------------------------------------------------------------------ */

struct cemm_source *cemm_source_new(struct cemm *cemm, const struct cemm_source_config *config,
                                    const char *name)
{
    struct cemm_source **sources =
        reallocarray(cemm->sources, cemm->source_count + 1, sizeof(struct cemm_source *));

    if (!sources)
        return NULL;
    cemm->sources = sources;
    struct cemm_source *source = calloc(1, sizeof(*source));
    char *copy = strdup(name);
    if (!source || !copy) {
        free(source);
        free(copy);
        return NULL;
    }
    *source = (struct cemm_source){.cemm = cemm,
                                   .config = config,
                                   .name = copy,
                                   .own = {.source = source, .expected = -1},
                                   .expected = -1};
    source->impatience = (struct cemm_timer){.fire = cemm_requests_hurry, .data = source};
    TAILQ_INIT(&source->queue);
    TAILQ_INIT(&source->repeats);
    TAILQ_INIT(&source->busy);
    sources[cemm->source_count++] = source;
    return source;
}

static int add_configured(struct cemm *cemm, const struct cemm_source_config *config)
{
    struct cemm_words name;

    cemm_words_set(&name, "%s %s", config->kind == CEMM_CLOUD ? "cloud" : "local", config->name);
    return cemm_source_new(cemm, config, name.text) ? 0 : -ENOMEM;
}

static int sources_init(struct cemm *cemm)
{
    const struct cemm_config *config = cemm->config;
    unsigned connections = CEMM_DISCOVERED_MAX;

    for (size_t i = 0; i < config->source_count; i++) {
        connections += config->sources[i].max_connections;
        int r = add_configured(cemm, &config->sources[i]);
        if (r < 0)
            return r;
    }
    cemm->http = cemm_http_new(connections);
    return cemm->http ? 0 : -ENOMEM;
}

struct cemm *cemm_new(const struct cemm_config *config, int rest_max, cemm_log_fn *log,
                      void *log_data)
{
    struct cemm *cemm = calloc(1, sizeof(*cemm));

    if (!cemm)
        return NULL;
    cemm->config = config;
    cemm->log = log;
    cemm->log_data = log_data;
    cemm->rest_max = (int64_t)rest_max * 1000;
    TAILQ_INIT(&cemm->finders);
    TAILQ_INIT(&cemm->ready);
    TAILQ_INIT(&cemm->used);
    LIST_INIT(&cemm->firsts);
    read_clocks(cemm);
    cemm_discovery_init(cemm);
    if (sources_init(cemm) < 0) {
        cemm_free(cemm);
        return NULL;
    }
    return cemm;
}

/* Whatever still waits is told that it waits in vain; it may ask for more, in vain, too. */
static void cancel_all(struct cemm *cemm)
{
    struct cemm_words words = {.text = "cancelled"};

    cemm->ending = true;
    for (size_t i = 0; i < cemm->source_count; i++)
        cemm_requests_abort(cemm->sources[i]);
    cemm_tickets_finish(&cemm->finders, -ECANCELED, NULL, &words);
    for (size_t i = 0; i < cemm->device_count; i++)
        cemm_tickets_finish(&cemm->devices[i]->searchers, -ECANCELED, NULL, &words);
    cemm_cache_free(cemm);
    while (!TAILQ_EMPTY(&cemm->ready))
        cemm_cancel(TAILQ_FIRST(&cemm->ready));
    cemm_first_days_free(cemm);
}

void cemm_free(struct cemm *cemm)
{
    if (!cemm)
        return;
    cancel_all(cemm);
    cemm_discovery_end(cemm);
    for (size_t i = 0; i < cemm->device_count; i++)
        cemm_device_free(cemm->devices[i]);
    free(cemm->devices);
    for (size_t i = 0; i < cemm->source_count; i++) {
        cemm_words_drop(&cemm->sources[i]->own.trouble);
        free(cemm->sources[i]->name);
        free(cemm->sources[i]);
    }
    free(cemm->sources);
    cemm_timers_clear(&cemm->timers);
    cemm_http_free(cemm->http);
    cemm_archive_free(cemm->archive);
    free(cemm);
}

const struct cemm_zone *cemm_zone(const struct cemm *cemm)
{
    return cemm->config->zone;
}

/* ---- the loop ----------------------------------------------------------------------- */

/* Whether anything was due. */
static bool run_due(struct cemm *cemm)
{
    bool any = cemm_timers_next(&cemm->timers, cemm->now) == 0 || !TAILQ_EMPTY(&cemm->ready);

    cemm_timers_run(&cemm->timers, cemm->now);
    run_ready(cemm);
    return any;
}

static int patience(const struct cemm *cemm, int timeout_ms)
{
    int64_t next = TAILQ_EMPTY(&cemm->ready) ? cemm_timers_next(&cemm->timers, cemm->now) : 0;

    if (next < 0 || (timeout_ms >= 0 && timeout_ms < next))
        next = timeout_ms;
    return next < 0 || next > 60000 ? 60000 : (int)next;
}

/* As cemm_http_wait(), for the discovery's socket besides. */
static int wait_for_all(struct cemm *cemm, int timeout_ms, struct pollfd *extra, unsigned count)
{
    struct pollfd fds[CEMM_EXTRA_MAX + 1];

    if (count > CEMM_EXTRA_MAX)
        return -E2BIG;
    if (count)
        memcpy(fds, extra, count * sizeof(*fds));
    bool listening = cemm->discovery.fd >= 0;
    fds[count] = (struct pollfd){.fd = cemm->discovery.fd, .events = POLLIN};
    int r = cemm_http_wait(cemm->http, timeout_ms, fds, count + listening);
    if (count)
        memcpy(extra, fds, count * sizeof(*fds));
    read_clocks(cemm);
    if (listening && fds[count].revents)
        cemm_discovery_read(&cemm->discovery);
    return r;
}

int cemm_turn(struct cemm *cemm, int timeout_ms, struct pollfd *extra, unsigned extra_count)
{
    read_clocks(cemm);
    /* What ran may be what the caller waits for: then it must not wait any longer. */
    int wait_ms = run_due(cemm) ? 0 : patience(cemm, timeout_ms);
    int r = wait_for_all(cemm, wait_ms, extra, extra_count);
    if (r == 0)
        r = cemm_http_run(cemm->http);
    run_due(cemm);
    return r;
}

void cemm_wakeup(struct cemm *cemm)
{
    cemm_http_wakeup(cemm->http);
}

bool cemm_source_at(const struct cemm *cemm, size_t index, struct cemm_source_state *ret_state)
{
    if (index >= cemm->source_count)
        return false;
    const struct cemm_source *source = cemm->sources[index];
    *ret_state = (struct cemm_source_state){
        .name = source->name,
        .cloud = source->config->kind == CEMM_CLOUD,
        .address = source->config->address ? source->config->address : source->config->url,
        .devices = source->devices,
        .last_success = source->last_success,
        .last_failure = source->last_failure,
        .last_words = source->last_words.text,
    };
    return true;
}
