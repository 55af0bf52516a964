/*
 * Builds JSON. Names are constants, and each is added once to an object; the
 * name NULL adds to an array.
 */
#ifndef FS_JSON_H
#define FS_JSON_H

#include <json-c/json.h>
#include <stdbool.h>

/* Remembers a lack of memory, which is checked once at the end. So NULL may be given for an object,
 * an array or a new value. */
struct json {
    bool failed;
};

/* Takes over a value and returns it; NULL: it was not added. */
struct json_object *json_add(struct json *json, struct json_object *to, const char *name,
                             struct json_object *value);

/* The text NULL adds null. */
void json_add_text(struct json *json, struct json_object *to, const char *name, const char *text);

#endif
