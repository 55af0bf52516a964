/* An HTTP answer before it is sent. See answer.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define ANSWER_JSON "application/json; charset=utf-8"
#define ANSWER_HTML "text/html; charset=utf-8"
#define ANSWER_TEXT "text/plain; charset=utf-8"

/* What happens to the connection. All but HTTP: the body is all that is sent, as it is. */
enum answer_end {
    ANSWER_HTTP,  /* as HTTP says; the header is made by the library */
    ANSWER_CLOSE, /* closed */
    ANSWER_LATE,  /* closed a while later; nothing is read meanwhile */
    ANSWER_RESET, /* reset */
    ANSWER_HOLD,  /* nothing more comes */
    ANSWER_DRIP,  /* what comes after the header comes byte by byte */
};

struct answer {
    unsigned status;
    char *body; /* allocated; NULL is empty */
    size_t length;
    size_t sent;      /* fewer than length: the connection closes in the middle */
    const char *type; /* a literal */
    time_t date;      /* 0: the true one */
    int retry_after;  /* seconds; -1: no such header */
    bool retry_date;  /* which is a date, so many seconds from now */
    char *location;   /* allocated; NULL: no such header */
    bool endless;     /* 4 GiB of blanks, of which nothing is said before */
    bool drop;        /* no answer: the connection is closed */
    enum answer_end end;
};

/* Each takes the place of what the answer was before. -ENOMEM. */
int answer_error(struct answer *answer, unsigned status);
int answer_copy(struct answer *answer, unsigned status, const char *type, const char *body);
void answer_take(struct answer *answer, unsigned status, const char *type, char *body,
                 size_t length);
void answer_clear(struct answer *answer);
