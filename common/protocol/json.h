/*
 * Reads a JSON object by json-c, strictly, and refuses what json-c forgives
 * (guard.h). Each number in it carries its own text: a pointer into `bytes`,
 * as json_object_get_userdata() of its object.
 */
#ifndef CEMM_PROTOCOL_JSON_H
#define CEMM_PROTOCOL_JSON_H

#include <json-c/json.h>
#include <stddef.h>

/*
 * `bytes` must be terminated behind `length`. Returns 0 with a root that the
 * caller puts (json_object_put()), -EIO with the problem in words, or -ENOMEM.
 */
int cemm_json_read(const char *bytes, size_t length, struct json_object **ret_root,
                   const char **ret_problem);

/* A text as a C string; NULL if it is none, or if a NUL in it would cut it. */
const char *cemm_json_text(struct json_object *object);

#endif
