#include "common/protocol/beacon.h"

#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/protocol/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CORE_MAJOR 1
#define CORE_MINOR 23 /* the first that answers */

/* Copies a text member that is a plain name; leaves "" otherwise. */
static void copy_name(const struct cemm_json *json, const char *member,
                      char ret_name[CEMM_NAME_SIZE])
{
    const struct cemm_node *value = cemm_json_member(json, json->nodes, member);

    if (!cemm_json_string(json, value, ret_name, CEMM_NAME_SIZE) || !cemm_name_valid(ret_name))
        ret_name[0] = '\0';
}

/* "1.24" → whether it is at least 1.23. */
static bool core_answers(const char *version)
{
    char *end;
    long major = strtol(version, &end, 10);

    if (end == version || *end != '.')
        return false;
    const char *minor_text = end + 1;
    long minor = strtol(minor_text, &end, 10);
    return end != minor_text &&
           (major > CORE_MAJOR || (major == CORE_MAJOR && minor >= CORE_MINOR));
}

static int refuse(struct cemm_words *words, const char *why)
{
    cemm_words_set(words, "not an answer of a CEMM: %s", why);
    return -EIO;
}

static int read_beacon(const struct cemm_json *json, struct cemm_beacon *ret_beacon,
                       struct cemm_words *words)
{
    const struct cemm_node *mac = cemm_json_member(json, json->nodes, "mac");
    char text[CEMM_UID_SIZE];

    if (!cemm_json_string(json, mac, text, sizeof(text)) || !cemm_uid_parse(text, &ret_beacon->uid))
        return refuse(words, "\"mac\" is no MAC address");
    copy_name(json, "type", ret_beacon->type);
    copy_name(json, "version", ret_beacon->version);
    if (!core_answers(ret_beacon->version))
        return refuse(words, "\"version\" is not 1.23 or later");
    return 1;
}

int cemm_beacon_read(const char *bytes, size_t length, struct cemm_beacon *ret_beacon,
                     struct cemm_words *words)
{
    const char *problem = NULL;
    struct cemm_json json;
    char text[CEMM_DATAGRAM_MAX + 1];

    if (length == strlen(CEMM_BEACON_QUERY) && memcmp(bytes, CEMM_BEACON_QUERY, length) == 0)
        return 0;
    if (length > CEMM_DATAGRAM_MAX)
        return refuse(words, "it is too long");
    memcpy(text, bytes, length);
    text[length] = '\0';
    int r = cemm_json_read(text, length, &json, &problem);
    if (r < 0)
        return r == -EIO ? refuse(words, problem) : r;
    r = read_beacon(&json, ret_beacon, words);
    cemm_json_free(&json);
    return r;
}
