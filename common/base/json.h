/*
 * JSON, read and written by json-c: what all of the house sets up in the same
 * way. What json-c takes more than RFC 8259 (NaN, zeros in front, members of
 * one name) stays harmless, because whoever uses a value looks at its type and
 * its range.
 *
 * json-c 0.16 needs up to 270 bytes of memory for one of text. So texts are
 * short (limits.h), and one is parsed at a time: who parses one puts it before
 * going on.
 */
#ifndef CEMM_BASE_JSON_H
#define CEMM_BASE_JSON_H

#include "common/base/buffer.h"
#include "common/frontend.h"

#include <json-c/json.h>

/*
 * Parses an object of at most INT_MAX bytes. 0; -EIO with the reason in `words`;
 * or -ENOMEM. The caller gives *ret_object to cemm_json_put().
 */
int cemm_json_parse(const char *bytes, size_t length, struct json_object **ret_object,
                    struct cemm_words *words);

/* Frees what was parsed of a text of that length; also NULL. The memory that a long one took goes
 * back to the system, for glibc would keep it. */
void cemm_json_put(struct json_object *object, size_t length);

/* Appends it, indented by 2, with a newline at the end. No memory is the buffer's error. */
void cemm_json_write(struct cemm_buffer *out, struct json_object *object);

/* A member of an object if it has that type, else NULL. `object` may be NULL or something else. */
struct json_object *cemm_json_member(struct json_object *object, const char *name,
                                     enum json_type type);

/* What a string says; NULL: `object` (may be NULL) is none, or a NUL in it would cut it. It lives
 * as long as `object`. */
const char *cemm_json_string(struct json_object *object);

#endif
