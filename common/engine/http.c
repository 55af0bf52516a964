#include "common/engine/http.h"

#include "common/base/buffer.h"
#include "common/base/limits.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TOO_LONG "the answer is longer than the limit of 256 KiB (4 MiB for a list of devices)"

/* A connection is not reused if it was idle for this many seconds, because a router that has
 * forgotten it drops its packets. */
#define UNUSED_MAX_S 30L

/* At most this many handles, of about 6 KiB each, are kept for later requests: creating a handle
 * takes as long as reading an answer. */
#define IDLE_MAX 128

struct cemm_http {
    CURLM *multi;
    struct cemm_transfer *idle;
    unsigned idle_count;
    CURLSH *sessions; /* TLS sessions, which new connections to the same server resume */
};

struct cemm_transfer {
    struct cemm_http *http;
    struct cemm_transfer *next; /* the next idle transfer */
    CURL *easy;
    struct cemm_buffer body;
    size_t header;                    /* bytes of header so far; limited: libcurl keeps them */
    struct cemm_http_request request; /* `url` is NULL: libcurl has copied it */
    bool again;                       /* the request was sent again */
    cemm_http_done *done;
    void *data;
};

struct cemm_http *cemm_http_new(unsigned connections_max)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    struct cemm_http *http = calloc(1, sizeof(*http));
    if (!http) {
        curl_global_cleanup();
        return NULL;
    }
    http->multi = curl_multi_init();
    http->sessions = curl_share_init();
    if (!http->multi || !http->sessions) {
        cemm_http_free(http);
        return NULL;
    }
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)connections_max + 8);
    curl_share_setopt(http->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return http;
}

static void transfer_free(struct cemm_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    cemm_buffer_clear(&transfer->body);
    free(transfer);
}

void cemm_http_free(struct cemm_http *http)
{
    if (!http)
        return;
    while (http->idle) {
        struct cemm_transfer *transfer = http->idle;
        http->idle = transfer->next;
        transfer_free(transfer);
    }
    curl_multi_cleanup(http->multi);
    curl_share_cleanup(http->sessions);
    free(http);
    curl_global_cleanup();
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct cemm_transfer *transfer = data;

    cemm_buffer_append(&transfer->body, bytes, size * count);
    return transfer->body.error ? 0 : size * count;
}

/* Called for each header line, including lines of interim answers (1xx) and trailers. */
static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
    struct cemm_transfer *transfer = data;

    (void)bytes;
    transfer->header += size * count;
    return transfer->header > CEMM_HEADER_MAX ? 0 : size * count;
}

static void set_timeout(CURL *easy, int64_t milliseconds)
{
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(milliseconds > 0 ? milliseconds : 1));
}

/* Sets the options common to all requests. Only setting a text can fail. False: no memory. */
static bool set_options(struct cemm_transfer *transfer)
{
    CURL *easy = transfer->easy;

    if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "cemm") != CURLE_OK)
        return false;
    curl_easy_setopt(easy, CURLOPT_SHARE, transfer->http->sessions);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* When a handle is freed, libcurl does not wait for its thread that resolves names. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    /* The default is 16 KiB, most of a connection's memory; a realtime answer has about 1 KiB. */
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, UNUSED_MAX_S);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    return true;
}

/* Sets the options of one request; they replace the previous request's. False: no memory. */
static bool set_request(struct cemm_transfer *transfer, const struct cemm_http_request *request)
{
    /* Over http://, a key is sent only within this machine (config.c), so no proxy is used. */
    bool direct = request->direct || strncmp(request->url, "http://", 7) == 0;
    CURL *easy = transfer->easy;

    /* A configured file replaces the system's certificates. */
    if (curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_NOPROXY, direct ? "*" : NULL) != CURLE_OK ||
        (request->ca_file &&
         (curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file) != CURLE_OK ||
          curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) != CURLE_OK)))
        return false;
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)request->body_max);
    set_timeout(easy, request->timeout_ms);
    return true;
}

static struct cemm_transfer *transfer_new(struct cemm_http *http)
{
    struct cemm_transfer *transfer = http->idle;

    if (transfer) {
        http->idle = transfer->next;
        http->idle_count--;
        return transfer;
    }
    transfer = calloc(1, sizeof(*transfer));
    if (!transfer)
        return NULL;
    transfer->http = http;
    transfer->easy = curl_easy_init();
    if (transfer->easy && set_options(transfer))
        return transfer;
    transfer_free(transfer);
    return NULL;
}

struct cemm_transfer *cemm_http_start(struct cemm_http *http,
                                      const struct cemm_http_request *request, cemm_http_done *done,
                                      void *data)
{
    struct cemm_transfer *transfer = transfer_new(http);

    if (!transfer)
        return NULL;
    *transfer = (struct cemm_transfer){
        .http = http,
        .easy = transfer->easy,
        .body = CEMM_BUFFER_INIT(request->body_max),
        .request = *request,
        .done = done,
        .data = data,
    };
    transfer->request.url = NULL;
    if (!set_request(transfer, request) ||
        curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        transfer_free(transfer);
        return NULL;
    }
    return transfer;
}

void cemm_http_abort(struct cemm_transfer *transfer)
{
    curl_multi_remove_handle(transfer->http->multi, transfer->easy);
    transfer_free(transfer);
}

/* Ends a transfer, and keeps its handle, but not the URL (it may contain a key). A handle with a
 * ca-file is not kept, because libcurl's default can't be restored. */
static void keep(struct cemm_transfer *transfer)
{
    struct cemm_http *http = transfer->http;

    if (transfer->request.ca_file || http->idle_count == IDLE_MAX ||
        curl_multi_remove_handle(http->multi, transfer->easy) != CURLM_OK ||
        curl_easy_setopt(transfer->easy, CURLOPT_URL, NULL) != CURLE_OK) {
        cemm_http_abort(transfer);
        return;
    }
    cemm_buffer_clear(&transfer->body);
    transfer->next = http->idle;
    http->idle = transfer;
    http->idle_count++;
}

/* What is wrong with a certificate. libcurl returns the error code of its TLS library; the codes
 * below are OpenSSL's (X509_V_ERR_* of x509_vfy.h). */
static const char *certificate_reason(CURL *easy)
{
    const curl_version_info_data *about = curl_version_info(CURLVERSION_NOW);
    long result = 0;

    if (about->ssl_version && strncmp(about->ssl_version, "OpenSSL/", 8) == 0)
        curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
    switch (result) {
    case 1:
        return "its TLS certificate is for another host (is the address right?)";
    case 9:
        return "its TLS certificate is not valid yet (is this machine's clock right?)";
    case 10:
        return "its TLS certificate has expired (or is this machine's clock wrong?)";
    case 18:
        return "its TLS certificate is self-signed (to trust it, set ca-file)";
    case 19:
    case 20:
        return "its TLS certificate is signed by an unknown authority (to trust it, set ca-file)";
    default:
        return "its TLS certificate is not valid (to trust it, set ca-file)";
    }
}

/* Why there is no connection. If a name has several addresses, errno is about the last address. */
static const char *connect_reason(const struct cemm_transfer *transfer)
{
    bool lan = transfer->request.direct;
    long error = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
    switch (error) {
    case ENETUNREACH:
        return lan ? "it can't be reached: this machine has no network that leads to it"
                   : "the cloud can't be reached: this machine has no network that leads to it";
    case ECONNREFUSED:
        return lan ? "it can't be reached: the port is closed (is the address right?)"
                   : "the cloud can't be reached: the port is closed (check the url, or the "
                     "proxy's address)";
    case EHOSTUNREACH:
    case ETIMEDOUT:
        return lan ? "it can't be reached: no host answers at this address (is it on?)"
                   : "the cloud can't be reached: its server does not answer";
    default:
        return lan ? "it can't be reached: this machine can't connect (a firewall?)"
                   : "the cloud can't be reached: this machine can't connect (a firewall?)";
    }
}

/* Explains a failure. Does not use libcurl's text, which could contain the URL. */
static void explain(CURLcode code, const struct cemm_transfer *transfer,
                    struct cemm_http_response *response)
{
    enum { OTHER, NO_CONNECTION, NO_HTTP };
    static const struct {
        CURLcode code;
        int kind;
        int error;
        const char *reason;
    } known[] = {
        {CURLE_OPERATION_TIMEDOUT, OTHER, -ETIMEDOUT, "no answer in time"},
        /* libcurl also returns this for a header that is too long. */
        {CURLE_OUT_OF_MEMORY, OTHER, -EIO, "out of memory, or the answer's header is too long"},
#if LIBCURL_VERSION_NUM >= 0x080600
        {CURLE_TOO_LARGE, OTHER, -EIO, "the answer's header is too long"},
#endif
        {CURLE_WRITE_ERROR, OTHER, -EIO, TOO_LONG},
        {CURLE_FILESIZE_EXCEEDED, OTHER, -EIO, TOO_LONG},
        {CURLE_PARTIAL_FILE, OTHER, -EIO, "the answer was cut off"},
        {CURLE_BAD_CONTENT_ENCODING, OTHER, -EIO, "the answer is not HTTP"},
        {CURLE_WEIRD_SERVER_REPLY, NO_HTTP, -EIO, "the answer is not HTTP"},
        {CURLE_UNSUPPORTED_PROTOCOL, NO_HTTP, -EIO, "the answer is not HTTP"},
        {CURLE_GOT_NOTHING, NO_HTTP, -EHOSTUNREACH, "it closed the connection without an answer"},
        {CURLE_RECV_ERROR, NO_HTTP, -EHOSTUNREACH, "the connection broke"},
        {CURLE_SEND_ERROR, NO_HTTP, -EHOSTUNREACH, "the connection broke"},
        {CURLE_COULDNT_RESOLVE_HOST, NO_CONNECTION, -EHOSTUNREACH,
         "its name can't be resolved (is this machine online?)"},
        {CURLE_COULDNT_RESOLVE_PROXY, NO_CONNECTION, -EHOSTUNREACH,
         "the proxy's name can't be resolved"},
        {CURLE_PROXY, NO_CONNECTION, -EHOSTUNREACH, "the proxy refused the connection"},
        {CURLE_COULDNT_CONNECT, NO_CONNECTION, -EHOSTUNREACH, NULL},
        {CURLE_SSL_CACERT_BADFILE, NO_CONNECTION, -EHOSTUNREACH,
         "the ca-file contains no usable certificate"},
        {CURLE_SSL_CONNECT_ERROR, NO_CONNECTION, -EHOSTUNREACH,
         "no TLS connection (1.2 or later) can be made (is the address right?)"},
        {CURLE_PEER_FAILED_VERIFICATION, NO_CONNECTION, -EHOSTUNREACH, NULL},
    };

    response->error = -EHOSTUNREACH;
    response->reason = curl_easy_strerror(code);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].code != code)
            continue;
        response->error = known[i].error;
        response->reason = known[i].reason;
        response->no_connection = known[i].kind == NO_CONNECTION;
        response->no_http = known[i].kind == NO_HTTP;
    }
    if (code == CURLE_COULDNT_CONNECT)
        response->reason = connect_reason(transfer);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        response->reason = certificate_reason(transfer->easy);
    if (transfer->header > CEMM_HEADER_MAX)
        response->reason = "the answer's header is longer than 64 KiB";
    if (transfer->body.error == -ENOMEM) {
        response->error = -ENOMEM;
        response->reason = "out of memory";
    }
}

static int64_t date_of(CURL *easy)
{
    struct curl_header *header;

    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return 0;
    time_t date = curl_getdate(header->value, NULL);
    return date > 0 ? (int64_t)date * 1000 : 0;
}

static void finish(struct cemm_transfer *transfer, CURLcode code)
{
    struct cemm_http_response response = {.retry_after_ms = -1};
    curl_off_t retry_after = 0;
    long status = 0;
    long connects = 0;
    curl_off_t handshake = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &handshake);
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
    curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
    response.tls = handshake > 0 || code == CURLE_PEER_FAILED_VERIFICATION;
    if (code != CURLE_OK) {
        explain(code, transfer, &response);
    } else {
        response.status = (int)status;
        response.new_connection = connects > 0;
        response.date = transfer->request.date ? date_of(transfer->easy) : 0;
        if (retry_after > 0 && retry_after < INT_MAX)
            response.retry_after_ms = (int64_t)retry_after * 1000;
        response.error = cemm_buffer_steal(&transfer->body, &response.body, &response.length);
        response.reason = "out of memory";
    }
    cemm_http_done *done = transfer->done;
    void *data = transfer->data;
    /* If a connection was opened, it may have replaced a dead one. libcurl replaces dead
     * connections at most five times per handle, so such a handle is not kept. */
    if (code == CURLE_OK && connects == 0)
        keep(transfer);
    else
        cemm_http_abort(transfer);
    done(data, &response);
}

/* If a reused connection caused the failure, sends the request once more, over a new connection, in
 * the time that is left. On a reused connection, a reply that is not HTTP is the rest of the
 * previous answer, whose length was wrong. libcurl itself resends a request if the server closed
 * the connection just as it was reused, but reports CURLE_SEND_ERROR after five times. */
static bool begin_again(struct cemm_transfer *transfer, CURLcode code)
{
    CURLM *multi = transfer->http->multi;
    curl_off_t took = 0; /* microseconds */
    long connects = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
    if (transfer->again || connects > 0 ||
        (code != CURLE_WEIRD_SERVER_REPLY && code != CURLE_UNSUPPORTED_PROTOCOL &&
         code != CURLE_SEND_ERROR))
        return false;
    curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &took);
    set_timeout(transfer->easy, transfer->request.timeout_ms - (int64_t)took / 1000);
    transfer->again = true;
    cemm_buffer_clear(&transfer->body);
    transfer->header = 0;
    curl_multi_remove_handle(multi, transfer->easy);
    curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    return curl_multi_add_handle(multi, transfer->easy) == CURLM_OK;
}

static_assert(CURL_WAIT_POLLIN == POLLIN && CURL_WAIT_POLLOUT == POLLOUT,
              "libcurl's events are those of poll()");

static int error_of(CURLMcode code)
{
    return code == CURLM_OK ? 0 : code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

int cemm_http_wait(struct cemm_http *http, int timeout_ms, struct pollfd *extra, unsigned count,
                   int watched, bool *ret_readable)
{
    struct curl_waitfd fds[CEMM_EXTRA_MAX + 1];

    if (count > CEMM_EXTRA_MAX)
        return -E2BIG;
    for (unsigned i = 0; i < count; i++)
        fds[i] = (struct curl_waitfd){
            .fd = extra[i].fd,
            .events = (short)(extra[i].events & (POLLIN | POLLOUT)),
        };
    fds[count] = (struct curl_waitfd){.fd = watched, .events = CURL_WAIT_POLLIN};
    CURLMcode code = curl_multi_poll(http->multi, fds, count + (watched >= 0), timeout_ms, NULL);
    *ret_readable = watched >= 0 && fds[count].revents;
    for (unsigned i = 0; i < count; i++)
        extra[i].revents = (short)(fds[i].revents & (POLLIN | POLLOUT));
    return error_of(code);
}

int cemm_http_run(struct cemm_http *http)
{
    int count;
    CURLMcode code = curl_multi_perform(http->multi, &count);
    CURLMsg *message;

    while ((message = curl_multi_info_read(http->multi, &count))) {
        struct cemm_transfer *transfer;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        if (!begin_again(transfer, result))
            finish(transfer, result);
    }
    return error_of(code);
}

void cemm_http_wakeup(struct cemm_http *http)
{
    curl_multi_wakeup(http->multi);
}
