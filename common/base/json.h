/*
 * Reads JSON with json-c, with the same settings everywhere. json-c accepts more than RFC 8259
 * (NaN, leading zeros, two members with the same name). That is harmless, because each user of a
 * value checks its type and range.
 *
 * json-c 0.16 needs up to 270 bytes of memory for a byte of text. So the length of texts is limited
 * (limits.h), and each parsed text is freed before the next one is parsed.
 */
#ifndef CEMM_BASE_JSON_H
#define CEMM_BASE_JSON_H

#include "common/frontend.h"

#include <json-c/json.h>

/* Parses an object of at most INT_MAX bytes. The caller frees *ret_object with cemm_json_put().
 * Returns 0, -EIO with the reason in `message`, or -ENOMEM. */
int cemm_json_parse(const char *bytes, size_t length, struct json_object **ret_object,
                    struct cemm_message *message);

/* Frees an object that was parsed from a text of `length` bytes, or NULL. After a long text, also
 * returns the memory to the system, because glibc would keep it. */
void cemm_json_put(struct json_object *object, size_t length);

/* Returns the member with that name and type, or NULL. `object` may be NULL, or not be an
 * object. */
struct json_object *cemm_json_member(struct json_object *object, const char *name,
                                     enum json_type type);

/* Returns the text of a string, which lives as long as `object`, or NULL if `object` is not a
 * string or its text contains a NUL. `object` may be NULL. */
const char *cemm_json_string(struct json_object *object);

#endif
