#include "common/base/json.h"

#include "common/base/buffer.h"
#include "common/base/limits.h"
#include "common/base/message.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#define LONG_TEXT (64u << 10) /* bytes: twice the answer for a day of minutes */

/* If char is signed, json-c 0.18 in strict mode refuses all letters beyond ASCII. Without strict
 * mode it accepts some invalid JSON, such as a trailing comma, which does less harm. */
static int tokener_flags(void)
{
    bool broken = json_c_version_num() == (18 << 8);

    return JSON_TOKENER_VALIDATE_UTF8 | (broken ? 0 : JSON_TOKENER_STRICT);
}

static void explain(enum json_tokener_error error, size_t length, size_t end,
                    struct cemm_message *message)
{
    bool whole = error == json_tokener_success; /* a complete value was read, which ends at `end` */

    if (length == 0)
        cemm_message_set(message, "it is empty");
    else if (error == json_tokener_continue)
        cemm_message_set(message, "it is cut off");
    else if (whole && end == length)
        cemm_message_set(message, "an object was expected");
    else
        cemm_message_set(message, "it is not JSON: %s at byte %zu",
                         whole ? "unexpected character" : json_tokener_error_desc(error), end);
}

int cemm_json_parse(const char *bytes, size_t length, struct json_object **ret_object,
                    struct cemm_message *message)
{
    struct json_tokener *tokener = json_tokener_new_ex(CEMM_DEPTH_MAX);

    if (!tokener)
        return -ENOMEM;
    json_tokener_set_flags(tokener, tokener_flags());
    struct json_object *object = json_tokener_parse_ex(tokener, bytes, (int)length);
    size_t end = json_tokener_get_parse_end(tokener); /* the parser also stops at a NUL */
    if (json_object_is_type(object, json_type_object) && end == length) {
        *ret_object = object;
        json_tokener_free(tokener);
        return 0;
    }
    explain(json_tokener_get_error(tokener), length, end, message);
    json_tokener_free(tokener);
    cemm_json_put(object, length);
    return -EIO;
}

void cemm_json_put(struct json_object *object, size_t length)
{
    json_object_put(object);
#ifdef M_TRIM_THRESHOLD /* glibc */
    if (length > LONG_TEXT)
        malloc_trim(0);
#else
    (void)length;
#endif
}

int cemm_json_print(struct json_object *object, char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);
    size_t length = 0;
    const char *text = json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE,
        &length);

    if (!text)
        return -ENOMEM;
    cemm_buffer_append(&out, text, length);
    cemm_buffer_char(&out, '\n');
    return cemm_buffer_steal(&out, ret_text, ret_length);
}

static bool add(struct json_object *to, const char *name, struct json_object *value)
{
    const unsigned options = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;

    return to && (name ? json_object_object_add_ex(to, name, value, options)
                       : json_object_array_add(to, value)) == 0;
}

struct json_object *cemm_json_add(bool *failed, struct json_object *to, const char *name,
                                  struct json_object *value)
{
    if (value && add(to, name, value))
        return value;
    *failed = true;
    json_object_put(value);
    return NULL;
}

void cemm_json_add_text(bool *failed, struct json_object *to, const char *name, const char *text)
{
    if (text)
        cemm_json_add(failed, to, name, json_object_new_string(text));
    else
        *failed |= !add(to, name, NULL);
}

struct json_object *cemm_json_member(struct json_object *object, const char *name,
                                     enum json_type type)
{
    struct json_object *member = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &member) || !json_object_is_type(member, type))
        return NULL;
    return member;
}

const char *cemm_json_string(struct json_object *object)
{
    if (!json_object_is_type(object, json_type_string))
        return NULL;
    const char *text = json_object_get_string(object);
    return strlen(text) == (size_t)json_object_get_string_len(object) ? text : NULL;
}
