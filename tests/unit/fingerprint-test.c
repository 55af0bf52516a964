/*
 * Tests how a server that is not a CEMM Basic or Plus is recognized from the status
 * and the body of its answer. If it is not recognized, there is no message.
 */
#include "check.h"
#include "common/protocol/fingerprint.h"

#include <stdlib.h>

#define HTTPS     "this port is for HTTPS (HTTP 400)"
#define OTHER     "a web server answers at this address, but it is not a CEMM Basic or Plus"
#define NOT_FOUND OTHER " (HTTP 404)"
#define PAGE      OTHER " (a web page)"
#define CEMM_3    "this is a CEMM 3.0; it has a different API, which cemm does not support"

/* Copies a text without its NUL, so that a sanitizer detects reading beyond it. */
static char *copy(const char *text)
{
    char *bytes = text ? malloc(strlen(text) + !*text) : NULL;

    if (text) {
        assert_non_null(bytes);
        memcpy(bytes, text, strlen(text));
    }
    return bytes;
}

struct row {
    int status;
    const char *body;
    const char *message; /* the beginning of the message; NULL: not recognized */
};

static void check_rows(const struct row *rows, size_t count,
                       const char *(*tell)(int status, const char *body, size_t length))
{
    for (size_t i = 0; i < count; i++) {
        char *body = copy(rows[i].body);
        const char *row = rows[i].body ? rows[i].body : "no body";
        const char *message = tell(rows[i].status, body, body ? strlen(rows[i].body) : 0);
        if (rows[i].message)
            expect_part(row, message ? message : "nothing", rows[i].message);
        else
            expect_text(row, message ? message : "nothing", "nothing");
        free(body);
    }
}

static void test_root(void **state)
{
    static const struct row rows[] = {
        {400, "Client sent an HTTP request to an HTTPS server.\n", HTTPS},
        {400, "The plain HTTP request was sent to HTTPS port", HTTPS},
        {400, "You're speaking plain HTTP to an SSL-enabled server port.", HTTPS},
        {400, "HTTPS", HTTPS},
        {400, "HTTP", NULL},
        {400, "", NULL},
        {400, NULL, NULL},
        {426, "HTTPS", NULL},
        {404, "", NOT_FOUND},
        {404, NULL, NOT_FOUND},
        {404, "{\"error\":\"not found\"}", NOT_FOUND},
        {200, "<!DOCTYPE html><html></html>", PAGE},
        {200, " \t\r\n<html>", PAGE},
        {200, "<", PAGE},
        {200, "{\"data\":{\"mac\":\"00:1E:C0:00:00:01\"}}", NULL},
        {200, "[]", NULL},
        {200, " \n", NULL},
        {200, "", NULL},
        {200, NULL, NULL},
        {500, "<html>", NULL},
        {302, "<html>", NULL},
    };

    (void)state;
    check_rows(rows, COUNT(rows), cemm_fingerprint_root);
}

/* A NUL is neither white space nor the end of the body. */
static void test_nul(void **state)
{
    (void)state;
    assert_null(cemm_fingerprint_root(200, "\0<html>", 7));
    assert_non_null(cemm_fingerprint_root(400, "\0HTTPS", 6));
    assert_null(cemm_fingerprint_public(200, "\0", 1));
}

static void test_public(void **state)
{
    static const struct row rows[] = {
        {200, "{\"id\":1,\"name\":\"x\",\"mac\":\"00:1e:c0:00:00:09\",\"version\":\"3.0.1\"}",
         CEMM_3},
        {200, "{\"version\":\"3\",\"mac\":\"\"}", CEMM_3},
        {200, "{\"mac\":\"00:1e:c0:00:00:09\"}", NULL},
        {200, "{\"version\":\"3.0.1\"}", NULL},
        {200, "{\"mac\":1,\"version\":\"3.0.1\"}", NULL},
        {200, "{\"mac\":\"00:1e:c0:00:00:09\",\"version\":null}", NULL},
        {200, "[{\"mac\":\"00:1e:c0:00:00:09\",\"version\":\"3.0.1\"}]", NULL},
        {200, "{\"mac\":\"00:1e:c0:00:00:09\",\"version\":\"3.0.1\"", NULL},
        {200, "<html>", NULL},
        {200, "null", NULL},
        {200, "", NULL},
        {200, NULL, NULL},
        {404, "{\"mac\":\"00:1e:c0:00:00:09\",\"version\":\"3.0.1\"}", NULL},
    };

    (void)state;
    check_rows(rows, COUNT(rows), cemm_fingerprint_public);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_public),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
