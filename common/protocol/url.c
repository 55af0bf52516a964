#include "common/protocol/url.h"

#include "common/model/document.h"

#include <inttypes.h>
#include <string.h>

bool cemm_endpoint_offered(enum cemm_endpoint endpoint, enum cemm_kind kind)
{
    switch (endpoint) {
    case CEMM_DEVICES:
    case CEMM_INFO:
    case CEMM_TOTALS:
        return kind == CEMM_CLOUD;
    case CEMM_ROOT:
        return kind == CEMM_LOCAL;
    case CEMM_IO:
    case CEMM_REALTIME:
    case CEMM_DATA:
        return true;
    }
    return false;
}

/* Keys are opaque: whatever is not unreserved (RFC 3986) is escaped. */
static void write_escaped(struct cemm_buffer *out, const char *text)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text; text++) {
        if (strchr(unreserved, *text))
            cemm_buffer_char(out, *text);
        else
            cemm_buffer_format(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

static void write_path(struct cemm_buffer *out, enum cemm_kind kind, const struct cemm_query *query)
{
    static const char *const spans[] = {
        [CEMM_DAY] = "day", [CEMM_MONTH] = "month", [CEMM_YEAR] = "year"};

    if (kind == CEMM_CLOUD)
        cemm_buffer_text(out, "cemm/");
    if (kind == CEMM_CLOUD && query->endpoint != CEMM_DEVICES)
        cemm_buffer_format(out, "%s/", query->uid.text);
    switch (query->endpoint) {
    case CEMM_DEVICES:
    case CEMM_ROOT:
        return;
    case CEMM_IO:
        /* Seen on the LAN without the slash; the cloud's document has it. */
        cemm_buffer_text(out, kind == CEMM_CLOUD ? "io/" : "io");
        return;
    case CEMM_INFO:
        cemm_buffer_format(out, "%s/", query->alias);
        return;
    case CEMM_REALTIME:
        cemm_buffer_format(out, "%s/realtime/", query->alias);
        return;
    case CEMM_DATA:
        cemm_buffer_format(out, "%s/data/%s/", query->alias, spans[query->period.span]);
        return;
    case CEMM_TOTALS:
        cemm_buffer_format(out, "%s/totals/", query->alias);
        return;
    }
}

void cemm_url_write(struct cemm_buffer *out, enum cemm_kind kind, const char *base,
                    const struct cemm_query *query, const struct cemm_zone *zone, const char *key)
{
    char separator = '?';

    cemm_buffer_text(out, base);
    write_path(out, kind, query);
    if (cemm_query_has_period(query)) {
        cemm_buffer_format(out, "%ctime=%" PRId64, separator,
                           cemm_period_start(zone, &query->period));
        separator = '&';
    }
    if (key) {
        cemm_buffer_format(out, "%capi_key=", separator);
        write_escaped(out, key);
    }
}
