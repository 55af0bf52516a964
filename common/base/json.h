/*
 * JSON by json-c, with the same settings everywhere. json-c accepts more than RFC 8259 (NaN,
 * leading zeros, two members with the same name). That is harmless, because each user of a value
 * checks its type and range.
 *
 * json-c 0.16 needs up to 270 bytes of memory for a byte of text. So texts are short (limits.h),
 * and each is freed before the next one is parsed.
 */
#ifndef CEMM_BASE_JSON_H
#define CEMM_BASE_JSON_H

#include "common/frontend.h"

#include <json-c/json.h>

/* Parses an object of at most INT_MAX bytes. The caller gives *ret_object to cemm_json_put().
 * Returns 0, -EIO with the reason in `message`, or -ENOMEM. */
int cemm_json_parse(const char *bytes, size_t length, struct json_object **ret_object,
                    struct cemm_message *message);

/* Frees an object that was parsed from a text of that length; NULL is allowed. After a long
 * text, returns the memory to the system, because glibc would keep it. */
void cemm_json_put(struct json_object *object, size_t length);

/* A member of that type. NULL: there is none, or `object` is NULL or not an object. */
struct json_object *cemm_json_member(struct json_object *object, const char *name,
                                     enum json_type type);

/* The text of a string, which lives as long as `object`. NULL: `object` is NULL or not a string, or
 * its text has a NUL. */
const char *cemm_json_string(struct json_object *object);

#endif
