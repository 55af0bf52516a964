#include "common/protocol/beacon.h"

#include "common/base/json.h"
#include "common/base/limits.h"
#include "common/base/message.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Copies a member if it is a plain name; otherwise sets "". */
static void copy_name(struct json_object *beacon, const char *member, char ret_name[CEMM_NAME_SIZE])
{
    const char *name = cemm_json_string(cemm_json_member(beacon, member, json_type_string));

    strcpy(ret_name, name && cemm_name_valid(name) ? name : "");
}

/* Whether a core's version is like "1.24", and at least 1.23: older cores answer no query. */
static bool can_answer(const char *version)
{
    size_t major = strspn(version, "0123456789");

    return major > 0 && version[major] == '.' && isdigit((unsigned char)version[major + 1]) &&
           strverscmp(version, "1.23") >= 0;
}

static int refuse(struct cemm_message *message, const char *why)
{
    return cemm_message_fail(message, -EIO, "not an answer from a CEMM: %s", why);
}

static int read_beacon(struct json_object *beacon, struct cemm_beacon *ret_beacon,
                       struct cemm_message *message)
{
    const char *mac = cemm_json_string(cemm_json_member(beacon, "mac", json_type_string));

    if (!mac || !cemm_uid_parse(mac, &ret_beacon->uid))
        return refuse(message, "\"mac\" is not a MAC address");
    copy_name(beacon, "type", ret_beacon->type);
    copy_name(beacon, "version", ret_beacon->version);
    if (!can_answer(ret_beacon->version))
        return refuse(message, "\"version\" is not 1.23 or later");
    return 1;
}

int cemm_beacon_read(const char *bytes, size_t length, struct cemm_beacon *ret_beacon,
                     struct cemm_message *message)
{
    struct cemm_message problem = {"it is too long"};
    struct json_object *beacon = NULL;

    if (length == strlen(CEMM_BEACON_QUERY) && memcmp(bytes, CEMM_BEACON_QUERY, length) == 0)
        return 0;
    int r = length > CEMM_DATAGRAM_MAX ? -EIO : cemm_json_parse(bytes, length, &beacon, &problem);
    if (r < 0)
        return r == -EIO ? refuse(message, problem.text) : r;
    r = read_beacon(beacon, ret_beacon, message);
    cemm_json_put(beacon, length);
    return r;
}
