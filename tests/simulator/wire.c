/*
 * Answers that no HTTP library would send: the bytes are written to the socket unchanged, and then
 * the connection is closed, reset, or left open.
 */
#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE      "Content-Type: application/json\r\n"
#define OK        "HTTP/1.1 200 OK\r\n"
#define LONG_SIZE 200000 /* bytes of one header line */
#define MANY      100    /* header lines, trailers or interim answers of at most 1000 bytes */

/* Replaces the body with the bytes to send: a header, then the first `length` bytes of
 * the body. */
__attribute__((format(printf, 4, 5))) static int send_as(struct answer *answer, enum answer_end end,
                                                         size_t length, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return -ENOMEM;
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
    if (length > 0)
        fwrite(answer->body, 1, length, out);
    if (fclose(out) != 0) {
        free(text);
        return -ENOMEM;
    }
    answer_take(answer, answer->status, ANSWER_JSON, text, size);
    answer->end = end;
    return 0;
}

/* Sends a header with the right Content-Length, and `length` bytes of the body. */
static int with_length(struct answer *answer, enum answer_end end, size_t length)
{
    return send_as(answer, end, length, OK TYPE "Content-Length: %zu\r\n\r\n", answer->length);
}

static int apply_reset_at_once(struct answer *answer)
{
    return send_as(answer, ANSWER_RESET, 0, "%s", "");
}

static int apply_reset_in_header(struct answer *answer)
{
    return send_as(answer, ANSWER_RESET, 0, OK "Content-Ty");
}

static int apply_reset_before_body(struct answer *answer)
{
    return with_length(answer, ANSWER_RESET, 0);
}

static int apply_reset_in_body(struct answer *answer)
{
    return with_length(answer, ANSWER_RESET, answer->length / 2);
}

static int apply_close_in_header(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, 0, OK "Content-Ty");
}

static int apply_stall_in_header(struct answer *answer)
{
    return send_as(answer, ANSWER_HOLD, 0, OK "Content-Ty");
}

static int apply_stall_before_body(struct answer *answer)
{
    return with_length(answer, ANSWER_HOLD, 0);
}

static int apply_stall_in_body(struct answer *answer)
{
    return with_length(answer, ANSWER_HOLD, answer->length / 2);
}

static int apply_drip(struct answer *answer)
{
    return with_length(answer, ANSWER_DRIP, answer->length);
}

/* This answer is valid HTTP/1.0: the end of the connection is the end of the answer. */
static int apply_no_length(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length, "HTTP/1.0 200 OK\r\n" TYPE "\r\n");
}

static int apply_length_short(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length, OK TYPE "Content-Length: %zu\r\n\r\n",
                   answer->length / 2);
}

static int apply_length_long(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length, OK TYPE "Content-Length: %zu\r\n\r\n",
                   answer->length + 100);
}

static int apply_length_4g(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length,
                   OK TYPE "Content-Length: 4294967296\r\n\r\n");
}

static int apply_length_negative(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length, OK TYPE "Content-Length: -5\r\n\r\n");
}

static int apply_length_word(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length, OK TYPE "Content-Length: many\r\n\r\n");
}

static int genuine_answer(struct answer *answer, enum answer_end end, const char *header)
{
    return send_as(answer, end, answer->length,
                   "HTTP/1.1 %u As it is\r\n" TYPE "%sContent-Length: %zu\r\n\r\n", answer->status,
                   header, answer->length);
}

/* These three answers are valid, because the server decides how long it keeps a connection. */
static int apply_close(struct answer *answer)
{
    return genuine_answer(answer, ANSWER_CLOSE, "Connection: close\r\n");
}

static int apply_close_unsaid(struct answer *answer)
{
    return genuine_answer(answer, ANSWER_CLOSE, "");
}

static int apply_close_late(struct answer *answer)
{
    return genuine_answer(answer, ANSWER_LATE, "");
}

/* This answer is valid, and has two chunks. */
static int apply_chunked(struct answer *answer)
{
    size_t half = answer->length / 2;

    return send_as(answer, ANSWER_CLOSE, 0,
                   OK TYPE
                   "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n%zx\r\n%s\r\n0\r\n\r\n",
                   half, (int)half, answer->body ? answer->body : "", answer->length - half,
                   answer->body ? answer->body + half : "");
}

static int apply_chunk_cut(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length / 2,
                   OK TYPE "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", answer->length);
}

static int apply_chunk_bad(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length,
                   OK TYPE "Transfer-Encoding: chunked\r\n\r\nzzzz\r\n");
}

static int apply_no_http(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, 0, "220 mail.example ESMTP\r\n");
}

static int apply_no_header(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length, "%s", "");
}

static int apply_long_header(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length, OK "X-Long: %0*d\r\n" TYPE "\r\n",
                   LONG_SIZE, 0);
}

/* Writes MANY lines of 1000 bytes, which are headers or trailers. */
static void put_many(char *ret_lines)
{
    for (int i = 0; i < MANY; i++)
        ret_lines += sprintf(ret_lines, "X-%03d: %0991d\r\n", i, 0);
}

static int apply_many_headers(struct answer *answer)
{
    char lines[MANY * 1000 + 1];

    put_many(lines);
    return send_as(answer, ANSWER_CLOSE, answer->length, OK TYPE "%s\r\n", lines);
}

static int apply_many_interim(struct answer *answer)
{
    char lines[MANY * 1000 + 1];
    char *end = lines;

    for (int i = 0; i < MANY; i++)
        end += sprintf(end, "HTTP/1.1 103 Early Hints\r\nX-%03d: %0900d\r\n\r\n", i, 0);
    return send_as(answer, ANSWER_CLOSE, answer->length, "%s" OK TYPE "\r\n", lines);
}

static int apply_many_trailers(struct answer *answer)
{
    char lines[MANY * 1000 + 1];

    put_many(lines);
    return send_as(answer, ANSWER_CLOSE, 0,
                   OK TYPE "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n0\r\n%s\r\n",
                   answer->length, (int)answer->length, answer->body ? answer->body : "", lines);
}

static int apply_zipped(struct answer *answer)
{
    return send_as(answer, ANSWER_CLOSE, answer->length,
                   OK TYPE "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", answer->length);
}

const struct wire_fault wire_faults[] = {
    {"reset-at-once", apply_reset_at_once, "connection reset before the answer"},
    {"reset-in-header", apply_reset_in_header, "connection reset inside the header"},
    {"reset-before-body", apply_reset_before_body, "connection reset after the header"},
    {"reset-in-body", apply_reset_in_body, "connection reset inside the body"},
    {"close-in-header", apply_close_in_header, "connection closed inside the header"},
    {"stall-in-header", apply_stall_in_header, "half a header, then nothing"},
    {"stall-before-body", apply_stall_before_body, "the header, then nothing"},
    {"stall-in-body", apply_stall_in_body, "half a body, then nothing"},
    {"drip", apply_drip, "the header, then one byte every 2 s"},
    {"no-length", apply_no_length, "the end of the connection ends the answer, which is valid"},
    {"close", apply_close, "the genuine answer; the connection closes, as announced"},
    {"close-unsaid", apply_close_unsaid, "the genuine answer; the connection closes"},
    {"close-late", apply_close_late, "the genuine answer; 1.5 s later the connection closes"},
    {"length-short", apply_length_short, "Content-Length is half of the body"},
    {"length-long", apply_length_long, "Content-Length is more than the body"},
    {"length-4g", apply_length_4g, "Content-Length is 4 GiB"},
    {"length-negative", apply_length_negative, "Content-Length is negative"},
    {"length-word", apply_length_word, "Content-Length is not a number"},
    {"chunked", apply_chunked, "the genuine answer in chunks, which is valid"},
    {"chunk-cut", apply_chunk_cut, "connection closed inside a chunk"},
    {"chunk-bad", apply_chunk_bad, "a chunk's length is not a number"},
    {"no-http", apply_no_http, "the greeting of a mail server"},
    {"no-header", apply_no_header, "only the body"},
    {"long-header", apply_long_header, "a header line of 200 kB"},
    {"many-headers", apply_many_headers, "100 header lines of 1 kB"},
    {"many-interim", apply_many_interim, "100 interim answers of 0.9 kB before the genuine one"},
    {"many-trailers", apply_many_trailers, "100 trailers of 1 kB after the body"},
    {"zipped", apply_zipped, "the genuine answer, declared as compressed"},
    {NULL, NULL, NULL},
};
