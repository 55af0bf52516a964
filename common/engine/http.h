/*
 * Sends GET requests and delivers the responses. Only http.c uses libcurl.
 */
#ifndef CEMM_ENGINE_HTTP_H
#define CEMM_ENGINE_HTTP_H

#include "common/frontend.h"

struct cemm_http;
struct cemm_transfer;

struct cemm_http_request {
    const char *url;     /* copied; may contain a key, so it is never printed */
    const char *ca_file; /* NULL: the system's certificates are used */
    bool direct;         /* LAN: no proxy, whatever the environment says */
    bool date; /* read the Date header; that costs as much time as parsing a small answer */
    int64_t timeout_ms;
    size_t body_max; /* bytes */
};

struct cemm_http_response {
    int error;              /* 0, or -EHOSTUNREACH, -ETIMEDOUT, -EIO, -ENOMEM */
    const char *reason;     /* why there is an error, for people */
    bool no_connection;     /* no connection was made, so other requests would fail, too */
    bool no_http;           /* there was a connection, but no answer, or not an HTTP answer */
    bool tls;               /* the server speaks TLS */
    int status;             /* the HTTP status, if `error` is 0 */
    bool new_connection;    /* a connection was opened; another device may have the address now */
    int64_t date;           /* the Date header (Unix ms); 0: not wanted, missing or invalid */
    int64_t retry_after_ms; /* -1: there is no usable Retry-After */
    char *body;             /* the receiver frees it; NULL: there is none */
    size_t length;
};

typedef void cemm_http_done(void *data, struct cemm_http_response *response);

struct cemm_http *cemm_http_new(unsigned connections_max); /* NULL: no memory */
void cemm_http_free(struct cemm_http *http);               /* after all transfers have ended */

/* Starts a transfer; `done` is called once, by cemm_http_run(). Returns NULL if memory runs out. */
struct cemm_transfer *cemm_http_start(struct cemm_http *http,
                                      const struct cemm_http_request *request, cemm_http_done *done,
                                      void *data);

/* Ends a transfer without calling `done`. */
void cemm_http_abort(struct cemm_transfer *transfer);

/* Waits at most `timeout_ms` for the network, a wake-up, the descriptor `watched` (-1: none), or
 * the descriptors in `extra`. Sets *ret_readable for `watched`, and `revents` in `extra`.
 * Returns 0 or a negative errno. */
int cemm_http_wait(struct cemm_http *http, int timeout_ms, struct pollfd *extra, unsigned count,
                   int watched, bool *ret_readable);

/* Continues all transfers; calls `done` for each that has ended. Returns 0 or a negative errno. */
int cemm_http_run(struct cemm_http *http);

void cemm_http_wakeup(struct cemm_http *http);

#endif
