/* An HTTP answer before it is sent. See answer.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define ANSWER_JSON "application/json; charset=utf-8"
#define ANSWER_HTML "text/html; charset=utf-8"
#define ANSWER_TEXT "text/plain; charset=utf-8"

/* How an answer is sent, and what happens to its connection afterwards. Except for ANSWER_HTTP, the
 * body also contains the HTTP header and is sent unchanged. */
enum answer_end {
    ANSWER_HTTP,  /* normal: the HTTP library makes the header */
    ANSWER_CLOSE, /* the connection is closed */
    ANSWER_LATE,  /* the connection is closed a while later; until then nothing is read */
    ANSWER_RESET, /* the connection is reset */
    ANSWER_HOLD,  /* the connection is kept open; nothing more is sent */
    ANSWER_DRIP,  /* everything after the header is sent byte by byte */
};

struct answer {
    unsigned status;
    char *body; /* allocated; NULL: empty */
    size_t length;
    size_t sent;      /* less than `length`: the connection is closed after this many bytes */
    const char *type; /* a literal */
    time_t date;      /* 0: the current time */
    int retry_after;  /* seconds; -1: no such header */
    bool retry_date;  /* Retry-After is a date, `retry_after` seconds from now */
    char *location;   /* allocated; NULL: no such header */
    bool endless;     /* 4 GiB of spaces, without a Content-Length */
    bool drop;        /* no answer: the connection is closed */
    enum answer_end end;
};

/* These replace the answer. The first two return 0 or -ENOMEM. answer_take() takes over `body`. */
int answer_error(struct answer *answer, unsigned status);
int answer_copy(struct answer *answer, unsigned status, const char *type, const char *body);
void answer_take(struct answer *answer, unsigned status, const char *type, char *body,
                 size_t length);
void answer_clear(struct answer *answer);
