#include "common/protocol/fingerprint.h"

#include "common/base/json.h"

#include <string.h>

#define NO_CEMM "a web server answers at this address, but it is not a CEMM Basic or Plus"

static bool looks_like_html(const char *body, size_t length)
{
    size_t i = 0;

    while (i < length && strchr(" \t\r\n", body[i]) && body[i])
        i++;
    return i < length && body[i] == '<';
}

/* Whether this is what web servers answer to plain HTTP on a TLS port. */
static bool wants_tls(const char *body, size_t length)
{
    return body && (memmem(body, length, "HTTPS", strlen("HTTPS")) ||
                    memmem(body, length, "SSL-enabled", strlen("SSL-enabled")));
}

const char *cemm_fingerprint_root(int status, const char *body, size_t length)
{
    if (status == 400 && wants_tls(body, length))
        return "this port is for HTTPS (HTTP 400); a CEMM on the LAN is read over plain HTTP";
    if (status == 404)
        return NO_CEMM " (HTTP 404)";
    if (status == 200 && looks_like_html(body, length))
        return NO_CEMM " (a web page)";
    return NULL;
}

const char *cemm_fingerprint_public(int status, const char *body, size_t length)
{
    struct json_object *root = NULL;

    if (status != 200 || length == 0 || cemm_json_parse(body, length, &root, NULL) < 0)
        return NULL;
    bool successor = cemm_json_member(root, "mac", json_type_string) &&
                     cemm_json_member(root, "version", json_type_string);
    cemm_json_put(root, length);
    return successor ? "this is a CEMM 3.0; it has a different API, which cemm does not support"
                     : NULL;
}
