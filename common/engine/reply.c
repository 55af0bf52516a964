#include "common/engine/reply.h"

#include "common/base/message.h"
#include "common/engine/registry.h"
#include "common/protocol/answer.h"
#include "common/protocol/fingerprint.h"

#include <errno.h>
#include <string.h>

/* ---- messages ------------------------------------------------------------------- */

void cemm_reply_name(const struct cemm_query *query, struct cemm_message *ret_name)
{
    static const char *const endpoints[] = {
        [CEMM_DEVICES] = "list of devices",
        [CEMM_ROOT] = "device information",
        [CEMM_IO] = "io",
        [CEMM_INFO] = "info",
        [CEMM_REALTIME] = "realtime",
        [CEMM_DATA] = "data",
        [CEMM_TOTALS] = "totals",
    };
    char period[16] = "";

    if (cemm_query_has_period(query))
        cemm_period_format(&query->period, period, sizeof(period));
    cemm_message_set(ret_name, "%s%s%s%s%s%s%s", query->uid.text, query->uid.text[0] ? " " : "",
                     query->alias, query->alias[0] ? " " : "", endpoints[query->endpoint],
                     period[0] ? " " : "", period);
}

void cemm_reply_message(const struct cemm_source *source, const struct cemm_query *query,
                        const char *reason, struct cemm_message *ret_message)
{
    bool about_source = query->endpoint == CEMM_DEVICES || query->endpoint == CEMM_ROOT;
    struct cemm_message name;

    cemm_reply_name(query, &name);
    if (about_source)
        cemm_message_set(ret_message, "%s: %.60s of %.90s: %.120s", source->name, name.text,
                         source->config->address ? source->config->address : source->config->url,
                         reason);
    else
        cemm_message_set(ret_message, "%s: %.120s: %.140s", source->name, name.text, reason);
}

bool cemm_reply_is_empty(const struct cemm_document *document, struct cemm_message *ret_message)
{
    struct cemm_message name;

    if (document->query.endpoint != CEMM_REALTIME || !cemm_document_empty(document))
        return false;
    cemm_reply_name(&document->query, &name);
    cemm_message_set(ret_message, "%s: %.120s: %s", cemm_document_source(document), name.text,
                     document->ahead
                         ? "its samples lie more than 15 minutes ahead of this machine's clock"
                         : "answered without a sample");
    return true;
}

/* ---- what is logged ------------------------------------------------------------- */

/* Whether the message is new; remembers it. After CEMM_LOGGED_MAX messages, no other is new. */
static bool is_new(struct cemm_source *source, const char *text)
{
    uint32_t sum = (uint32_t)cemm_hash(CEMM_HASH, text, strlen(text));

    for (size_t i = 0; i < source->logged_count; i++)
        if (source->logged[i] == sum)
            return false;
    if (source->logged_count == CEMM_LOGGED_MAX)
        return false;
    source->logged[source->logged_count++] = sum;
    return true;
}

static void log_left_out(struct cemm_source *source, const struct cemm_document *document)
{
    struct cemm_message reason, message;

    source->left_out += document->skipped;
    cemm_message_set(&reason, "%.100s; left out", cemm_message_kept(&document->skipped_message));
    cemm_reply_message(source, &document->query, reason.text, &message);
    if (!is_new(source, message.text))
        return;
    if (document->skipped > 1)
        cemm_log(source->loop, CEMM_LOG_WARNING, "%s, and %zu more", message.text,
                 document->skipped - 1);
    else
        cemm_log(source->loop, CEMM_LOG_WARNING, "%s", message.text);
}

/* ---- what a response means -------------------------------------------------------- */

/* The result for an HTTP status from the cloud or a LAN device. Sets *ret_reason. */
static int result_of(const struct cemm_source *source, int status, struct cemm_message *ret_reason)
{
    static const struct {
        int status;
        int result;
        const char *reason;
    } known[] = {
        {401, CEMM_DENIED, "the cloud rejected this key (HTTP 401)"},
        {403, CEMM_DENIED, "the cloud rejected this key (HTTP 403)"},
        {404, CEMM_ABSENT, "not found (HTTP 404)"},
        {408, -ETIMEDOUT, "the API got no answer from the CEMM in time (HTTP 408)"},
        {412, CEMM_ABSENT, "no such meter (HTTP 412)"},
        {429, -EIO, "too many requests (HTTP 429)"},
        {502, -EIO, "an error inside the API (HTTP 502)"},
        {503, -EIO, "out of service for now (HTTP 503)"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status != status)
            continue;
        if (known[i].result == CEMM_DENIED && source->config->kind == CEMM_LOCAL)
            return cemm_message_fail(ret_reason, CEMM_DENIED,
                                     "the device refused the request (HTTP %d)", status);
        return cemm_message_fail(ret_reason, known[i].result, "%s", known[i].reason);
    }
    return cemm_message_fail(ret_reason, -EIO, "unexpected answer: HTTP %d", status);
}

/* If an answer has no `totals`, but an earlier one from the meter had it, drops the readings: those
 * in `data` do not match the readings in `totals` that were reported before. */
static void drop_mismatched_readings(const struct cemm_route *route, struct cemm_document *document)
{
    if (route->source->config->kind != CEMM_LOCAL || document->query.endpoint != CEMM_REALTIME ||
        !route->device)
        return;
    const char *alias = document->query.alias;
    struct cemm_meter *meter = document->totals ? cemm_device_meter_get(route->device, alias)
                                                : cemm_device_meter_find(route->device, alias);
    if (meter && document->totals)
        meter->totals = true;
    else if (meter && meter->totals)
        cemm_answer_drop_readings(document);
}

/* Records the time of the newest sample. Ignores zeros in history: rows for future minutes have the
 * value 0, and if our clock is ahead, some of them are read as samples. */
static void record_newest(struct cemm_route *route, const struct cemm_document *document)
{
    if (document->query.endpoint == CEMM_REALTIME && document->newest > route->newest)
        route->newest = document->newest;
    for (size_t i = 0; document->query.endpoint == CEMM_DATA && i < document->series_count; i++) {
        const struct cemm_series *series = &document->series[i];
        for (size_t j = 0; j < series->count; j++)
            if (series->samples[j].value != 0 && series->samples[j].time > route->newest)
                route->newest = series->samples[j].time;
    }
}

int cemm_reply_read(struct cemm_route *route, const struct cemm_query *query,
                    struct cemm_http_response *response, struct cemm_document **ret_document,
                    struct cemm_message *ret_reason)
{
    struct cemm_source *source = route->source;
    struct cemm_document *document;
    const char *diagnosis = NULL; /* what the server is, if it is not a CEMM */

    if (source->config->kind == CEMM_LOCAL && query->endpoint == CEMM_ROOT)
        diagnosis = cemm_fingerprint_root(response->status, response->body, response->length);
    else if (query->endpoint == CEMM_DEVICES && response->status == 404)
        diagnosis = "there is no CEMM API at this address (HTTP 404)";
    if (diagnosis)
        cemm_message_set(ret_reason, "%s", diagnosis);
    if (response->status != 200)
        return result_of(source, response->status, diagnosis ? NULL : ret_reason);
    if (diagnosis)
        return -EIO;
    int r = cemm_answer_read(query, response->body, response->length, source->loop->wall, &document,
                             ret_reason);
    response->body = NULL;
    if (r == 0 && !(document->source = strdup(source->name))) {
        cemm_document_unref(document);
        r = -ENOMEM;
    }
    if (r == -ENOMEM)
        cemm_message_set(ret_reason, "out of memory");
    if (r < 0)
        return r;
    cemm_store_check_closed(source->registry->store, document, response->date, route->newest);
    record_newest(route, document);
    if (document->skipped)
        log_left_out(source, document);
    drop_mismatched_readings(route, document);
    *ret_document = document;
    return 0;
}
