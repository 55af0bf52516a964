/*
 * Tests HTTP: if a reused connection returns bytes that are not HTTP, or is
 * closed, the request is sent again once. The test is also the server, and answers
 * between two turns of the loop.
 */
#include "check.h"
#include "common/engine/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 60000
#define LATE_MS    50 /* the delay of a bad answer */

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
#define BAD  "left over\r\n"
#define NONE "" /* the connection is closed instead */

static struct cemm_http *http;
static int listener = -1;
static int connection = -1;
static unsigned connections; /* number of connections that were accepted */
static long timeout;         /* the timeout that was last passed to libcurl */
static bool without_counts;  /* libcurl reports no number of connections */
static char url[64];

/* ---- libcurl -------------------------------------------------------------------- */

CURLcode __real_curl_easy_setopt(CURL *easy, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...);
CURLcode __real_curl_easy_getinfo(CURL *easy, CURLINFO info, ...);
CURLcode __wrap_curl_easy_getinfo(CURL *easy, CURLINFO info, ...);

CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    va_list arguments;
    CURLcode code;

    va_start(arguments, option);
    if (option == CURLOPT_TIMEOUT_MS)
        timeout = va_arg(arguments, long);
    if (option == CURLOPT_TIMEOUT_MS)
        code = __real_curl_easy_setopt(easy, option, timeout);
    else if (option < CURLOPTTYPE_OBJECTPOINT)
        code = __real_curl_easy_setopt(easy, option, va_arg(arguments, long));
    else
        code = __real_curl_easy_setopt(easy, option, va_arg(arguments, void *));
    va_end(arguments);
    return code;
}

CURLcode __wrap_curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
    va_list arguments;

    va_start(arguments, info);
    void *ret = va_arg(arguments, void *);
    va_end(arguments);
    CURLcode code = __real_curl_easy_getinfo(easy, info, ret);
    if (info == CURLINFO_NUM_CONNECTS && without_counts)
        *(long *)ret = 0;
    return code;
}

/* ---- the server ------------------------------------------------------------------- */

static int begin(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    (void)state;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
    connections = 0;
    without_counts = false;
    http = cemm_http_new(1);
    assert_non_null(http);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cemm_http_free(http);
    if (connection >= 0)
        close(connection);
    close(listener);
    connection = listener = -1;
    return 0;
}

static void take_connection(void)
{
    if (connection >= 0)
        close(connection);
    connection = accept(listener, NULL, NULL);
    assert_true(connection >= 0);
    connections++;
}

/* Receives a request, which is short and arrives in one piece, and answers it. Returns false if
 * libcurl has closed the connection without a request. */
static bool take_request(const char *answer)
{
    char request[1024];

    bool asked = recv(connection, request, sizeof(request), 0) > 0;
    if (!asked || !*answer) {
        close(connection);
        connection = -1;
        return asked;
    }
    int64_t until = cemm_clock_steady() + LATE_MS;
    bool readable;
    while (strcmp(answer, BAD) == 0 && cemm_clock_steady() < until)
        (void)cemm_http_wait(http, 1, NULL, 0, -1, &readable);
    (void)send(connection, answer, strlen(answer), MSG_NOSIGNAL);
    return true;
}

/* ---- requests ----------------------------------------------------------------------- */

static void take_response(void *data, struct cemm_http_response *response)
{
    *(struct cemm_http_response *)data = *response;
    free(response->body);
}

/* Sends a request. It gets the answer `first`, and `others` each time that it is sent again. */
static struct cemm_http_response get(const char *first, const char *others)
{
    const struct cemm_http_request request = {
        .url = url, .direct = true, .timeout_ms = TIMEOUT_MS, .body_max = 1024};
    struct cemm_http_response response = {.reason = NULL};
    const char *answer = first;
    bool readable;

    assert_non_null(cemm_http_start(http, &request, take_response, &response));
    while (response.status == 0 && response.error == 0) {
        struct pollfd fds[] = {{.fd = listener, .events = POLLIN},
                               {.fd = connection, .events = POLLIN}};
        assert_int_equal(cemm_http_wait(http, 1000, fds, connection >= 0 ? 2 : 1, -1, &readable),
                         0);
        if (fds[0].revents)
            take_connection();
        else if (fds[1].revents && take_request(answer))
            answer = others;
        assert_int_equal(cemm_http_run(http), 0);
    }
    return response;
}

/* ---- tests -------------------------------------------------------------------------- */

/* A request that is sent again has only the time that remains. */
static void test_remaining_time(void **state)
{
    (void)state;
    assert_int_equal(get(GOOD, BAD).status, 200);
    assert_int_equal(timeout, TIMEOUT_MS);
    assert_int_equal(get(BAD, GOOD).status, 200);
    assert_int_equal(connections, 2);
    assert_in_range(timeout, 1, TIMEOUT_MS - LATE_MS + 1); /* in whole milliseconds */
    assert_int_equal(get(GOOD, BAD).status, 200);
    assert_int_equal(timeout, TIMEOUT_MS);
}

/* A request is sent again at most once, even if libcurl does not report that a new connection was
 * used for that. */
static void test_once(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        without_counts = false;
        assert_int_equal(get(GOOD, BAD).status, 200);
        without_counts = true;
        expect_text("the resulting error", get(BAD, BAD).reason, "the answer is not HTTP");
        assert_int_equal(connections, 2 * i);
    }
}

/* The server may close each connection just when it is reused. */
static void test_closed(void **state)
{
    (void)state;
    assert_int_equal(get(GOOD, BAD).status, 200);
    for (unsigned i = 1; i <= 8; i++) {
        assert_int_equal(get(NONE, GOOD).status, 200);
        assert_int_equal(connections, 1 + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_remaining_time, begin, end),
        cmocka_unit_test_setup_teardown(test_once, begin, end),
        cmocka_unit_test_setup_teardown(test_closed, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
