/*
 * Documents as JSON. Their bytes are parsed again, because json-c's objects
 * take too much memory to be kept.
 */
#include "common/base/json.h"
#include "common/format/format.h"

#include <errno.h>

struct json_object *cemm_document_json(const struct cemm_document *document)
{
    struct json_object *root = NULL;

    /* They were parsed before, so only a lack of memory can make this fail. */
    return cemm_json_parse(document->bytes, document->length, &root, NULL) == 0 ? root : NULL;
}

int cemm_json_print(struct json_object *object, char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);

    cemm_json_write(&out, object);
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

void cemm_write_json(struct cemm_buffer *out, const struct cemm_document *document)
{
    struct json_object *root = cemm_document_json(document);

    if (root)
        cemm_json_write(out, root);
    else
        out->error = -ENOMEM;
    cemm_json_put(root, document->length);
}
