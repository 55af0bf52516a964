#include "common/protocol/url.h"

#include "common/model/document.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    bool cloud;
    bool lan;
    const char *path; /* what follows the alias; NULL: there is no alias in the URL */
} endpoints[] = {
    [CEMM_DEVICES] = {true, false, NULL},
    [CEMM_ROOT] = {false, true, NULL},
    [CEMM_IO] = {true, true, NULL},
    [CEMM_INFO] = {true, false, ""},
    [CEMM_REALTIME] = {true, true, "realtime/"},
    [CEMM_DATA] = {true, true, "data/"},
    [CEMM_TOTALS] = {true, false, "totals/"},
};

bool cemm_endpoint_offered(enum cemm_endpoint endpoint, enum cemm_source_kind kind)
{
    return kind == CEMM_CLOUD ? endpoints[endpoint].cloud : endpoints[endpoint].lan;
}

/* A key may have any characters: all are escaped, except RFC 3986's unreserved ones. */
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

static void write_path(struct cemm_buffer *out, enum cemm_source_kind kind,
                       const struct cemm_query *query)
{
    static const char *const spans[] = {
        [CEMM_DAY] = "day", [CEMM_MONTH] = "month", [CEMM_YEAR] = "year"};

    if (kind == CEMM_CLOUD)
        cemm_buffer_text(out, "cemm/");
    if (kind == CEMM_CLOUD && query->endpoint != CEMM_DEVICES)
        cemm_buffer_format(out, "%s/", query->uid.text);
    /* Devices on the LAN use `io` without the slash; the description of the cloud API has `io/`. */
    if (query->endpoint == CEMM_IO)
        cemm_buffer_text(out, kind == CEMM_CLOUD ? "io/" : "io");
    if (endpoints[query->endpoint].path)
        cemm_buffer_format(out, "%s/%s", query->alias, endpoints[query->endpoint].path);
    if (query->endpoint == CEMM_DATA)
        cemm_buffer_format(out, "%s/", spans[query->period.span]);
}

void cemm_url_write(struct cemm_buffer *out, enum cemm_source_kind kind, const char *base,
                    const struct cemm_query *query, const struct cemm_zone *zone, const char *key)
{
    bool timed = cemm_query_has_period(query);

    cemm_buffer_text(out, base);
    write_path(out, kind, query);
    if (timed)
        cemm_buffer_format(out, "?time=%" PRId64, cemm_period_start(zone, &query->period));
    if (key) {
        cemm_buffer_text(out, timed ? "&api_key=" : "?api_key=");
        write_escaped(out, key);
    }
}
