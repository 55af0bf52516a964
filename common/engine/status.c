#include "common/engine/status.h"

#include "common/base/words.h"
#include "common/model/document.h"

#include <errno.h>
#include <stddef.h>

static void name_query(const struct cemm_query *query, struct cemm_words *ret_words)
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
    cemm_words_set(ret_words, "%s%s%s%s%s%s%s", query->uid.text, query->uid.text[0] ? " " : "",
                   query->alias, query->alias[0] ? " " : "", endpoints[query->endpoint],
                   period[0] ? " " : "", period);
}

void cemm_status_words(const struct cemm_source *source, const struct cemm_query *query,
                       const char *reason, struct cemm_words *ret_words)
{
    bool whole = query->endpoint == CEMM_DEVICES || query->endpoint == CEMM_ROOT;
    struct cemm_words name;

    name_query(query, &name);
    if (whole)
        cemm_words_set(ret_words, "%s: %.60s of %.90s: %.120s", source->name, name.text,
                       source->config->address ? source->config->address : source->config->url,
                       reason);
    else
        cemm_words_set(ret_words, "%s: %.120s: %.140s", source->name, name.text, reason);
}

bool cemm_status_empty(const struct cemm_document *document, struct cemm_words *ret_words)
{
    struct cemm_words name;

    if (document->query.endpoint != CEMM_REALTIME || !cemm_document_empty(document))
        return false;
    name_query(&document->query, &name);
    cemm_words_set(ret_words, "%s: %.120s: %s", cemm_document_source(document), name.text,
                   document->early
                       ? "its samples lie more than 15 minutes ahead of this machine's clock"
                       : "answered without a sample");
    return true;
}

int cemm_status_result(int status, struct cemm_words *ret_reason)
{
    static const struct {
        int status;
        int result;
        const char *reason;
    } known[] = {
        {401, CEMM_DENIED, "the key is not accepted (HTTP 401)"},
        {403, CEMM_DENIED, "the key gives no right to it (HTTP 403)"},
        {404, CEMM_ABSENT, "not there (HTTP 404)"},
        {408, -ETIMEDOUT, "the API got no answer from the CEMM in time (HTTP 408)"},
        {412, CEMM_ABSENT, "no such meter (HTTP 412)"},
        {429, -EIO, "too many requests (HTTP 429)"},
        {502, -EIO, "an error inside the API (HTTP 502)"},
        {503, -EIO, "out of service for now (HTTP 503)"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status) {
            cemm_words_set(ret_reason, "%s", known[i].reason);
            return known[i].result;
        }
    }
    cemm_words_set(ret_reason, "unexpected answer: HTTP %d", status);
    return -EIO;
}
