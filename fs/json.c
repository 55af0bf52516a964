#include "fs/json.h"

#define NEW_MEMBER (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY)

static bool add(struct json_object *to, const char *name, struct json_object *value)
{
    return to && (name ? json_object_object_add_ex(to, name, value, NEW_MEMBER)
                       : json_object_array_add(to, value)) == 0;
}

struct json_object *json_add(struct json *json, struct json_object *to, const char *name,
                             struct json_object *value)
{
    if (value && add(to, name, value))
        return value;
    json->failed = true;
    json_object_put(value);
    return NULL;
}

void json_add_text(struct json *json, struct json_object *to, const char *name, const char *text)
{
    if (text)
        json_add(json, to, name, json_object_new_string(text));
    else
        json->failed |= !add(to, name, NULL);
}
