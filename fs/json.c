#include "fs/json.h"

static struct json_object *made(struct json *json, struct json_object *value)
{
    json->failed |= !value;
    return value;
}

struct json_object *json_new_object(struct json *json)
{
    return made(json, json_object_new_object());
}

struct json_object *json_new_array(struct json *json)
{
    return made(json, json_object_new_array());
}

struct json_object *json_new_text(struct json *json, const char *text)
{
    return text ? made(json, json_object_new_string(text)) : NULL;
}

void json_add(struct json *json, struct json_object *object, const char *name,
              struct json_object *value)
{
    if (object && json_object_object_add_ex(object, name, value,
                                            JSON_C_OBJECT_ADD_KEY_IS_NEW |
                                                JSON_C_OBJECT_ADD_CONSTANT_KEY) == 0)
        return;
    json->failed = true;
    json_object_put(value);
}

void json_add_text(struct json *json, struct json_object *object, const char *name,
                   const char *text)
{
    json_add(json, object, name, json_new_text(json, text));
}

void json_add_count(struct json *json, struct json_object *object, const char *name, uint64_t count)
{
    json_add(json, object, name, made(json, json_object_new_uint64(count)));
}

void json_append(struct json *json, struct json_object *array, struct json_object *value)
{
    if (array && json_object_array_add(array, value) == 0)
        return;
    json->failed = true;
    json_object_put(value);
}
