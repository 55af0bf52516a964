/*
 * Builds JSON. Names are constants, and each is added once.
 */
#ifndef FS_JSON_H
#define FS_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* Remembers a lack of memory, which is checked once at the end. */
struct json {
    bool failed;
};

/* NULL: no memory. The functions below take over what they add, and accept NULL. */
struct json_object *json_new_object(struct json *json);
struct json_object *json_new_array(struct json *json);

/* NULL gives null. */
struct json_object *json_new_text(struct json *json, const char *text);

void json_add(struct json *json, struct json_object *object, const char *name,
              struct json_object *value);
void json_add_text(struct json *json, struct json_object *object, const char *name,
                   const char *text);
void json_add_count(struct json *json, struct json_object *object, const char *name,
                    uint64_t count);
void json_append(struct json *json, struct json_object *array, struct json_object *value);

#endif
