/*
 * Faults: each has a name, and acts on the requests whose path matches its glob.
 *
 * Each fault is a row of a table. spoil.c has most faults in the content of an answer. wire.c has
 * the faults in how an answer is sent. This file has all others, including all faults that have
 * arguments or wait. A new fault needs a row and a function. The genuine answer is the one that
 * would be sent without a fault.
 */
#include "fault.h"

#include "promise.h"
#include "spoil.h"
#include "wire.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MAX_MS  3600000
#define HUGE_LENGTH   (5 * 1024 * 1024)
#define NESTED_ARRAYS 100000

enum fault_when {
    FAULT_WAIT = 1,    /* waits before the answer, for ever if there is no argument */
    FAULT_FORGET = 2,  /* no answer on a connection that was idle for the argument's time */
    FAULT_INSTEAD = 4, /* replaces the genuine answer, which is not made */
    FAULT_AFTER = 8,   /* changes the genuine answer */
};

struct fault_row {
    const char *name;
    const char *argument; /* NULL: the fault takes no argument */
    long min, max;
    enum fault_when when;
    /* FAULT_INSTEAD and FAULT_AFTER: makes or changes the answer. Otherwise NULL. */
    int (*apply)(long argument, struct promises *promises, struct answer *answer);
    const char *help;
};

static int apply_status(long argument, struct promises *promises, struct answer *answer)
{
    (void)promises;
    return answer_error(answer, (unsigned)argument);
}

static int apply_busy_for(long argument, struct promises *promises, struct answer *answer)
{
    int r = answer_error(answer, 429);

    (void)promises;
    answer->retry_after = (int)argument;
    return r;
}

static int apply_busy_until(long argument, struct promises *promises, struct answer *answer)
{
    int r = apply_busy_for(argument, promises, answer);

    answer->retry_date = true;
    return r;
}

static int apply_garbage(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    return answer_copy(answer, 200, ANSWER_JSON, "{\"io_id\":1,\"data\":{\"t1\":[14963,\x7f}");
}

static int apply_html(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    return answer_copy(answer, 200, ANSWER_HTML,
                       "<!DOCTYPE html>\n<html><body><h1>Maintenance</h1></body></html>\n");
}

static int apply_empty(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    return answer_copy(answer, 200, ANSWER_JSON, "");
}

static int apply_truncate(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    answer->sent = answer->length / 2;
    return 0;
}

static int apply_huge(long argument, struct promises *promises, struct answer *answer)
{
    char *body;

    (void)argument;
    (void)promises;
    if (answer->length >= HUGE_LENGTH)
        return 0;
    body = realloc(answer->body, HUGE_LENGTH);
    if (!body)
        return -ENOMEM;
    memset(body + answer->length, ' ', HUGE_LENGTH - answer->length);
    answer->body = body;
    answer->length = HUGE_LENGTH;
    answer->sent = HUGE_LENGTH;
    return 0;
}

static int apply_endless(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    answer->endless = true;
    return 0;
}

static int apply_deep(long argument, struct promises *promises, struct answer *answer)
{
    char *body = malloc(2 * NESTED_ARRAYS);

    (void)argument;
    (void)promises;
    if (!body)
        return -ENOMEM;
    memset(body, '[', NESTED_ARRAYS);
    memset(body + NESTED_ARRAYS, ']', NESTED_ARRAYS);
    answer_take(answer, 200, ANSWER_JSON, body, 2 * NESTED_ARRAYS);
    return 0;
}

static int apply_promise_forever(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    return promise_answer(promises, promise_next(promises), answer);
}

static int apply_drop(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    answer_clear(answer);
    answer->drop = true;
    return 0;
}

static int redirect(struct answer *answer, const char *where)
{
    int r = answer_error(answer, 302);

    if (r == 0 && !(answer->location = strdup(where)))
        r = -ENOMEM;
    return r;
}

static int apply_redirect(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    return redirect(answer, "https://elsewhere.invalid/open-api/v1/");
}

static int apply_redirect_http(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    return redirect(answer, "http://elsewhere.invalid/open-api/v1/");
}

static int apply_redirect_round(long argument, struct promises *promises, struct answer *answer)
{
    (void)argument;
    (void)promises;
    return redirect(answer, ".");
}

static int apply_redirect_port(long argument, struct promises *promises, struct answer *answer)
{
    char where[64];

    (void)promises;
    if (snprintf(where, sizeof(where), "http://127.0.0.1:%ld/v1/cemm/", argument) < 0)
        return -EINVAL;
    return redirect(answer, where);
}

static int apply_date(long argument, struct promises *promises, struct answer *answer)
{
    (void)promises;
    answer->date = argument;
    return 0;
}

static const struct fault_row rows[] = {
    {"status", "NNN", 200, 599, FAULT_INSTEAD, apply_status, "this status"},
    {"busy-for", "S", 1, INT_MAX, FAULT_INSTEAD, apply_busy_for, "429 with this Retry-After"},
    {"busy-until", "S", 1, INT_MAX, FAULT_INSTEAD, apply_busy_until,
     "the same as a date, this many seconds from now"},
    {"stall", NULL, 0, 0, FAULT_WAIT, NULL, "never answers"},
    {"delay", "MS", 0, DELAY_MAX_MS, FAULT_WAIT, NULL, "answers that much later"},
    {"forget", "MS", 1, DELAY_MAX_MS, FAULT_FORGET, NULL,
     "never answers on a connection that was idle for this long"},
    {"garbage", NULL, 0, 0, FAULT_INSTEAD, apply_garbage, "200 with text that is not JSON"},
    {"html", NULL, 0, 0, FAULT_INSTEAD, apply_html, "200 with a page of HTML"},
    {"empty", NULL, 0, 0, FAULT_INSTEAD, apply_empty, "200 with an empty body"},
    {"truncate", NULL, 0, 0, FAULT_AFTER, apply_truncate, "the connection closes half-way"},
    {"huge", NULL, 0, 0, FAULT_AFTER, apply_huge,
     "the genuine answer, padded with spaces to 5 MiB"},
    {"endless", NULL, 0, 0, FAULT_AFTER, apply_endless, "4 GiB of spaces, without a length"},
    {"deep", NULL, 0, 0, FAULT_INSTEAD, apply_deep, "100,000 nested arrays"},
    {"promise-forever", NULL, 0, 0, FAULT_INSTEAD, apply_promise_forever, "always 202"},
    {"redirect", NULL, 0, 0, FAULT_INSTEAD, apply_redirect, "302 to another host"},
    {"redirect-http", NULL, 0, 0, FAULT_INSTEAD, apply_redirect_http,
     "302 to another host without TLS"},
    {"redirect-port", "PORT", 1, UINT16_MAX, FAULT_INSTEAD, apply_redirect_port,
     "302 to this port of this machine, without TLS"},
    {"redirect-round", NULL, 0, 0, FAULT_INSTEAD, apply_redirect_round, "302 to the same URL"},
    {"date", "SECONDS", 1, INT32_MAX, FAULT_AFTER, apply_date,
     "the answer's Date is this Unix time"},
    {"drop", NULL, 0, 0, FAULT_INSTEAD, apply_drop, "connection closed without an answer"},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void print_row(const char *name, const char *argument, const char *help)
{
    int column = printf("  %s%s%s ", name, argument ? "=" : "", argument ? argument : "");

    printf("%*s%s\n", column < 26 ? 26 - column : 0, "", help);
}

void faults_help(void)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        print_row(rows[i].name, rows[i].argument, rows[i].help);
    for (const struct wire_fault *wire = wire_faults; wire->name; wire++)
        print_row(wire->name, NULL, wire->help);
    for (const struct spoiler *spoiler = spoilers; spoiler->name; spoiler++)
        print_row(spoiler->name, NULL, spoiler->help);
}

static bool same(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && strncmp(name, text, length) == 0;
}

/* Finds a fault by its name. Returns false if there is no such fault. */
static bool find_kind(const char *name, size_t length, struct fault *fault)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (same(rows[i].name, name, length))
            fault->row = &rows[i];
    for (const struct wire_fault *wire = wire_faults; wire->name; wire++)
        if (same(wire->name, name, length))
            fault->wire = wire;
    for (const struct spoiler *spoiler = spoilers; spoiler->name; spoiler++)
        if (same(spoiler->name, name, length))
            fault->spoiler = spoiler;
    return fault->row || fault->wire || fault->spoiler;
}

static enum fault_when when(const struct fault *fault)
{
    return fault->row ? fault->row->when : FAULT_AFTER;
}

/* Parses the text between the name and the @: '=' and the argument, or nothing. */
static int parse_argument(const struct fault_row *row, const char *text, const char *at,
                          long *ret_argument)
{
    char *end;

    *ret_argument = 0;
    if (!row || !row->argument)
        return text == at ? 0 : -EINVAL;
    if (*text != '=')
        return -EINVAL;
    errno = 0;
    *ret_argument = strtol(text + 1, &end, 10);
    if (errno || end == text + 1 || end != at)
        return -EINVAL;
    return *ret_argument < row->min || *ret_argument > row->max ? -EINVAL : 0;
}

int faults_add(struct faults *faults, const char *spec)
{
    const char *at = strchr(spec, '@');
    size_t length = strcspn(spec, "=@");
    struct fault fault = {0};
    struct fault *list;

    if (!at || !at[1] || !find_kind(spec, length, &fault) ||
        parse_argument(fault.row, spec + length, at, &fault.argument) < 0)
        return -EINVAL;
    fault.glob = strdup(at + 1);
    if (!fault.glob)
        return -ENOMEM;
    list = reallocarray(faults->list, (size_t)faults->count + 1, sizeof(*list));
    if (!list) {
        free(fault.glob);
        return -ENOMEM;
    }
    faults->list = list;
    faults->list[faults->count++] = fault;
    return 0;
}

static int read_lines(FILE *file, struct faults *faults)
{
    char *line = NULL;
    size_t room = 0;
    int r = 0;

    while (r == 0 && getline(&line, &room, file) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line)
            r = faults_add(faults, line);
        if (r < 0)
            fprintf(stderr, "cemm-sim: bad fault '%s'\n", line);
    }
    if (r == 0 && ferror(file))
        r = -EIO;
    free(line);
    return r;
}

int faults_add_file(struct faults *faults, const char *path)
{
    FILE *file = fopen(path, "re");
    int r;

    if (!file)
        return -errno;
    r = read_lines(file, faults);
    fclose(file);
    return r;
}

int faults_replace(struct faults *faults, const char *path)
{
    struct faults fresh = {0};
    int r = faults_add_file(&fresh, path);

    if (r < 0) {
        faults_clear(&fresh);
        return r;
    }
    faults_clear(faults);
    *faults = fresh;
    return 0;
}

void faults_clear(struct faults *faults)
{
    for (int i = 0; i < faults->count; i++)
        free(faults->list[i].glob);
    free(faults->list);
    *faults = (struct faults){0};
}

static const struct fault *find(const struct faults *faults, const char *where, const char *path,
                                unsigned kinds)
{
    for (int i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->list[i];

        if ((when(fault) & kinds) &&
            (fnmatch(fault->glob, path, 0) == 0 || fnmatch(fault->glob, where, 0) == 0))
            return fault;
    }
    return NULL;
}

int64_t faults_wait(const struct faults *faults, const char *where, const char *path, int64_t idle)
{
    const struct fault *fault = find(faults, where, path, FAULT_FORGET);

    if (fault && idle >= fault->argument)
        return FAULT_FOREVER;
    fault = find(faults, where, path, FAULT_WAIT);
    if (!fault)
        return 0;
    return fault->row->argument ? fault->argument : FAULT_FOREVER;
}

const struct fault *faults_find(const struct faults *faults, const char *where, const char *path)
{
    return find(faults, where, path, FAULT_INSTEAD | FAULT_AFTER);
}

bool fault_needs_answer(const struct fault *fault)
{
    return when(fault) == FAULT_AFTER;
}

int fault_apply(const struct fault *fault, struct promises *promises, struct answer *answer)
{
    if (fault->row)
        return fault->row->apply(fault->argument, promises, answer);
    if (fault->wire)
        return fault->wire->apply(answer);
    /* Only a genuine answer can be damaged, not a promise or an error. */
    return answer->status == 200 ? fault->spoiler->apply(fault->spoiler->text, answer) : 0;
}
